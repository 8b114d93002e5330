import { type Matrix, type Rows, toMatrix } from '../arrays.ts';
import type { Backend } from '../backend/backend.ts';
import { NestkanError } from '../errors.ts';
import { Kan, type KanOptions } from '../models/kan.ts';
import { adam } from '../optimizers/adam.ts';
import { secondsSince } from './history.ts';
import { checkOptions, type TrainOptions } from './options.ts';
import { regression } from './regression.ts';
import { SweepLevel } from './sweep-level.ts';
import { trainMultilevel } from './train.ts';

/** One network of a sweep: what it has of its own. */
export interface SweepMember {
  /** Seed of the initial coefficients. Default: its number in the sweep. */
  readonly seed?: number;
  /** Of Adam, at its highest. Default 0.02. */
  readonly learningRate?: number;
  /** [rows, outputs], in place of the common ones; for all members or for none. */
  readonly targets?: Rows;
}

export interface SweepOptions
  extends Pick<TrainOptions, 'levels' | 'steps' | 'validationInterval' | 'patience' | 'signal'> {
  /** The networks to be trained, all of one shape. */
  readonly members: readonly SweepMember[];
  /** [rows, inputs], in the networks' coordinates. */
  readonly inputs: Rows;
  /** [rows, outputs]; not needed where every member has its own. */
  readonly targets?: Rows;
  /** Rows that training does not see: every member keeps the parameters that fit them best, and stops on its own. */
  readonly validation?: { readonly inputs: Rows; readonly targets: Rows };
  readonly onProgress?: (progress: SweepProgress) => void;
}

export interface SweepProgress {
  /** Zero-based level, and how many there are. */
  readonly level: number;
  readonly levels: number;
  /** Steps of this level. */
  readonly steps: number;
  readonly budget: number;
  /** The last loss of every member that is known. */
  readonly losses: readonly number[];
}

/** What became of one network. */
export interface SweepResult {
  readonly seed: number;
  readonly learningRate: number;
  /** Belongs to the caller. */
  readonly model: Kan;
  /** Mean squared errors at the end of every level. */
  readonly levels: readonly { readonly trainLoss: number; readonly validationLoss?: number; readonly steps: number }[];
  /** `diverged`: its loss stopped being finite; the model is then as it was at the beginning of that level. */
  readonly outcome: 'completed' | 'early-stopping' | 'diverged' | 'aborted';
}

export interface Sweep {
  readonly members: readonly SweepResult[];
  /** Number of the member with the least validation loss, or training loss where there are no validation rows. */
  readonly best: number;
  readonly seconds: number;
}

/**
 * Trains many networks of one shape at once, coarse to fine, by Adam on the full batch: other seeds, learning rates or
 * targets. They are one more dimension of the kernels, so that on a GPU many small networks cost little more than one.
 *
 * ```ts
 * const members = Array.from({ length: 16 }, (_, seed) => ({ seed }));
 * const { members: trained, best } = await sweep(backend, { widths: [2, 5, 1] }, { members, inputs, targets });
 * console.log(trained[best].levels.at(-1).trainLoss);
 * ```
 *
 * @throws NestkanError INVALID_ARGUMENT, those of Kan.create and regression; NON_FINITE_TRAINING where every member diverged
 */
export async function sweep(backend: Backend, architecture: KanOptions, options: SweepOptions): Promise<Sweep> {
  const start = performance.now();
  const { members, levels = 4, steps = 200 } = options;
  checkSweep(options, levels, steps);
  const inputs = toMatrix(options.inputs, 'inputs');
  const own = members.map(({ targets }) => targets ?? options.targets);
  const targets = own.map((rows) => toMatrix(rows!, 'targets'));
  const data = { inputs, targets: options.targets && own.every((rows) => rows === own[0]) ? [targets[0]] : targets };
  // Checks widths and numbers, of validation rows too.
  const problems = data.targets.map((rows) => regression({ inputs, targets: rows }));
  const validation = options.validation && regression(options.validation);
  const running = members.map(({ seed = members.indexOf(members[0]), learningRate = 0.02 }, index) => {
    const own = members[index].seed ?? index;
    return { seed: own, learningRate, model: Kan.create(backend, { ...architecture, seed: own }) } as Running;
  });
  try {
    for (const { model } of running.slice(0, 1)) {
      for (const problem of [...problems, ...(validation ? [validation] : [])]) problem.monitor(model).dispose();
    }
    const isTogether = await trainTogether(running, data, { ...options, levels, steps });
    if (!isTogether) await trainApart(running, problems, validation, { ...options, levels, steps });
  } catch (error) {
    for (const { model } of running) model.dispose();
    throw error;
  }
  return { members: running.map(finished), best: bestOf(running), seconds: secondsSince(start) };
}
