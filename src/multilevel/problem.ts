import type { DeviceBuffer, Dispatch } from '../backend/backend.ts';
import type { Network } from '../models/network.ts';
import type { Objective } from '../optimizers/objective.ts';

/** What is to be minimised, independent of any one model: a hierarchy binds it to the model of every level. */
export interface Problem {
  /**
   * Called after every refinement, before `bind` and `monitor`, with the refined model, which is still the function that
   * the coarser one had become: to choose by it what the level is trained on.
   */
  adapt?(model: Network): Promise<void>;
  /** Loss and gradient of `model`. */
  bind(model: Network): Objective;
  /** The figure of merit alone, penalties left out: what validation and level tables show. */
  monitor(model: Network): Monitor;
}

export interface Monitor {
  readonly loss: DeviceBuffer;
  readonly evaluate: readonly Dispatch[];
  dispose(): void;
}
