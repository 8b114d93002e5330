import { NestkanError } from '../errors.ts';
import type { Network } from '../models/network.ts';
import type { Optimizer } from '../optimizers/optimizer.ts';
import type { Problem } from './problem.ts';

export interface Progress {
  /** Zero-based level, and how many there are. */
  readonly level: number;
  readonly levels: number;
  readonly intervals: readonly number[];
  /** Of this level. */
  readonly evaluations: number;
  readonly budget: number;
  /** Over all levels. */
  readonly work: number;
  /** The last loss known; lags a little behind, since waiting for the newest would stall the device. */
  readonly loss: number;
}

export interface TrainOptions {
  /** Number of grids, each with twice the intervals of the one before. Default 4; an MLP takes 1. */
  readonly levels?: number;
  /** Default {@link automatic}: Levenberg–Marquardt where it can work, otherwise Adam, then L-BFGS. */
  readonly optimizer?: Optimizer;
  /** Budget of loss-and-gradient evaluations of every level. Default 200. */
  readonly steps?: number;
  /** The same level by level, coarse to fine; takes the place of `steps`. */
  readonly stepsPerLevel?: readonly number[];
  /** Ends training as soon as the loss has fallen this low. */
  readonly tolerance?: number;
  /** Data that training does not see; the model that fits them best is returned. */
  readonly validation?: Pick<Problem, 'monitor'>;
  /** Evaluations between looks at the validation data. Default 25. */
  readonly validationInterval?: number;
  /** Looks without improvement after which a level ends early. Default: no early end. */
  readonly patience?: number;
  /** Relative gain in validation loss that a level must bring for the next one to be tried. Default: always go on. */
  readonly gainToRefine?: number;
  /** Further figures of merit, evaluated at the end of every level for the history only. */
  readonly watch?: Readonly<Record<string, Pick<Problem, 'monitor'>>>;
  /** The same for figures that take more than a loss, such as errors against a reference. */
  readonly measure?: (model: Network) => Promise<Readonly<Record<string, number>>>;
  /** Work of one epoch of a model without grids. Default 1. */
  readonly workPerEpoch?: number;
  /** Stops at the next step; the result is then the best model so far. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
}

/** @throws NestkanError INVALID_ARGUMENT for numbers that no training could go by */
export function checkOptions(options: TrainOptions): void {
  const whole = (value: number) => Number.isInteger(value) && value >= 1;
  const rules: Partial<Record<keyof TrainOptions, readonly [valid: (value: number) => boolean, fix: string]>> = {
    validationInterval: [whole, 'Use a positive whole number.'],
    patience: [(value) => whole(value) || value === Number.POSITIVE_INFINITY, 'Use a positive whole number.'],
    tolerance: [(value) => !Number.isNaN(value), 'Use a number.'],
    workPerEpoch: [(value) => value > 0 && Number.isFinite(value), 'Use a positive number.'],
  };
  for (const [name, [valid, fix]] of Object.entries(rules)) {
    const value = options[name as keyof TrainOptions];
    if (value === undefined || (typeof value === 'number' && valid(value))) continue;
    throw new NestkanError('INVALID_ARGUMENT', `${name} is ${value}`, { fix });
  }
}
