import { NestkanError } from '../errors.ts';
import { adam } from './adam.ts';
import { type LevenbergMarquardtOptions, levenbergMarquardt } from './levenberg-marquardt.ts';
import type { Objective } from './objective.ts';
import type { Optimizer } from './optimizer.ts';
import { type AdamThenLbfgsOptions, adamThenLbfgs } from './sequence.ts';

export interface AutomaticOptions {
  readonly lm?: LevenbergMarquardtOptions;
  readonly adamThenLbfgs?: AdamThenLbfgsOptions;
}

/** Jacobian entries up to which a step takes a few seconds at most. */
const MOST_ENTRIES = 2e7;

/**
 * Levenberg–Marquardt wherever it can work and steps take a few seconds at most, otherwise Adam, then L-BFGS; Adam
 * alone on mini-batches. The choice is made level by level; runs say which it was and why.
 */
export function automatic(options: AutomaticOptions = {}): Optimizer {
  const [lm, first] = [levenbergMarquardt(options.lm), adamThenLbfgs(options.adamThenLbfgs)];
  return {
    name: 'auto',
    async start(objective, evaluations) {
      const obstacle = obstacleTo(objective);
      const optimizer = obstacle === undefined ? lm : objective.miniBatches ? adam(options.adamThenLbfgs?.adam) : first;
      const run = await optimizer.start(objective, evaluations);
      return Object.assign(run, {
        choice: { name: optimizer.name, reason: obstacle ?? 'the loss is a sum of squares' },
      });
    },
  };
}

/** Why Levenberg–Marquardt will not do. */
function obstacleTo({ leastSquares, miniBatches }: Objective): string | undefined {
  if (miniBatches) return 'mini-batches';
  if (leastSquares === undefined) return 'the loss is no sum of squares of B-spline models';
  try {
    const entries = leastSquares().blocks.reduce(
      (sum, { samples, traces, slots }) => sum + samples * traces * slots,
      0,
    );
    return entries > MOST_ENTRIES ? 'many samples for so many edges' : undefined;
  } catch (error) {
    if (error instanceof NestkanError && error.code === 'OPTIMIZER_UNSUITABLE') return error.message;
    throw error;
  }
}
