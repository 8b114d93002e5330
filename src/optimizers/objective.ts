import type { Backend, DeviceBuffer, Dispatch } from '../backend/backend.ts';

/** The flat vector an optimizer moves, and its gradient. Equal lengths; gaps are zero in both. */
export interface Variables {
  readonly values: DeviceBuffer;
  readonly gradients: DeviceBuffer;
  readonly length: number;
}

/** Rows presented in random order, some at a time. */
export interface MiniBatches {
  /** Steps until every row has been seen once, but for a remainder that fills no batch. */
  readonly stepsPerEpoch: number;
  /** Counts steps on the device; the optimizer advances it. */
  readonly counter: DeviceBuffer;
  /** Puts the rows into the order of that epoch. */
  shuffle(epoch: number): void;
}

/**
 * A loss as optimizers see it: a dispatch list that fills `loss` and `variables.gradients` from `variables.values`.
 *
 * Optimizers know parameters and objectives, never a model.
 */
export interface Objective {
  readonly backend: Backend;
  readonly variables: Variables;
  /** One number, filled by {@link evaluate}. */
  readonly loss: DeviceBuffer;
  readonly evaluate: readonly Dispatch[];
  /** Where the variables are not the model's own parameters: variables from parameters, before an optimizer starts. */
  readonly enter?: readonly Dispatch[];
  /** The way back: parameters from variables, whenever the model is to be looked at. */
  readonly leave?: readonly Dispatch[];
  /** False where `gradients` are not the derivative of the loss by `values` (mixed geometry and gradient bases). */
  readonly consistentGradient?: boolean;
  readonly miniBatches?: MiniBatches;
  /** What changes the objective itself from step to step, such as attention weights. Adam runs it after every evaluation. */
  readonly perStep?: readonly Dispatch[];
  /** What {@link perStep} changes; saved and restored together with the variables. */
  readonly stepState?: readonly DeviceBuffer[];
  /** Names what is not finite at the present values: layer, term …; called once, when training breaks down. */
  diagnose?(): Promise<Record<string, unknown>>;
  /** Share of all rows that one evaluation sees, for counting work. Default 1. */
  readonly epochFraction?: number;
  dispose(): void;
}
