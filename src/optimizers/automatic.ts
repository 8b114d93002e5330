import { NestkanError } from '../errors.ts';
import { adam } from './adam.ts';
import { type LevenbergMarquardtOptions, levenbergMarquardt, obstacleToFactors } from './levenberg-marquardt.ts';
import type { Objective } from './objective.ts';
import type { Optimizer } from './optimizer.ts';
import { type AdamThenLbfgsOptions, adamThenLbfgs } from './sequence.ts';

export interface AutomaticOptions {
  readonly levenbergMarquardt?: LevenbergMarquardtOptions;
  /** Of Adam, then L-BFGS, and of Adam alone. */
  readonly adamThenLbfgs?: AdamThenLbfgsOptions;
}

/**
 * Levenberg–Marquardt where the loss is a sum of squares and a step takes about a second at most, otherwise Adam, then
 * L-BFGS; Adam alone on mini-batches. Every level chooses anew; its record says what, and why.
 */
export function automatic(options: AutomaticOptions = {}): Optimizer {
  const second = levenbergMarquardt(options.levenbergMarquardt);
  const first = adamThenLbfgs(options.adamThenLbfgs);
  const alone = adam(options.adamThenLbfgs?.adam);
  return {
    name: 'auto',
    async start(objective, evaluations) {
      const onlyAdam = objective.miniBatches !== undefined || objective.consistentGradient === false;
      const obstacle = obstacleTo(objective);
      const optimizer = onlyAdam ? alone : obstacle === undefined ? second : first;
      const run = await optimizer.start(objective, evaluations);
      const reason = obstacle ?? `a sum of squares of ${objective.variables.length} parameters`;
      return Object.assign(run, { choice: { name: optimizer.name, reason } });
    },
  };
}

/** Why Levenberg–Marquardt will not do. */
function obstacleTo(objective: Objective): string | undefined {
  const { miniBatches, consistentGradient, leastSquares } = objective;
  if (miniBatches) return 'mini-batches';
  if (consistentGradient === false) return 'a gradient in another basis than the variables';
  if (leastSquares === undefined) return 'the loss is no sum of squares of B-spline models';
  try {
    return obstacleToFactors(objective, leastSquares());
  } catch (error) {
    if (error instanceof NestkanError && error.code === 'OPTIMIZER_UNSUITABLE') return error.message;
    throw error;
  }
}
