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
 * Levenberg–Marquardt where the loss is a sum of squares and a step takes about half a second at most, otherwise Adam, then
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
      const { suitable, reason } = judge(objective);
      const optimizer = onlyAdam ? alone : suitable ? second : first;
      const run = await optimizer.start(objective, evaluations);
      return Object.assign(run, { choice: { name: optimizer.name, reason } });
    },
  };
}

/** Whether Levenberg–Marquardt will do, and why. */
function judge({ miniBatches, consistentGradient, leastSquares }: Objective): { suitable: boolean; reason: string } {
  const obstacle = (reason: string) => ({ suitable: false, reason });
  if (miniBatches) return obstacle('mini-batches');
  if (consistentGradient === false) return obstacle('a gradient in another basis than the variables');
  if (leastSquares === undefined) return obstacle('the loss is no sum of squares of B-spline models');
  try {
    const tooLarge = obstacleToFactors(leastSquares());
    if (tooLarge !== undefined) return obstacle(tooLarge);
    return { suitable: true, reason: 'a sum of squares' };
  } catch (error) {
    if (error instanceof NestkanError && error.code === 'OPTIMIZER_UNSUITABLE') return obstacle(error.message);
    throw error;
  }
}
