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
  const optimizers = {
    lm: levenbergMarquardt(options.levenbergMarquardt),
    'adam-lbfgs': adamThenLbfgs(options.adamThenLbfgs),
    adam: adam(options.adamThenLbfgs?.adam),
  };
  return {
    name: 'auto',
    async start(objective, evaluations) {
      const choice = choose(objective);
      return Object.assign(await optimizers[choice.name].start(objective, evaluations), { choice });
    },
  };
}

function choose(objective: Objective): { name: 'lm' | 'adam-lbfgs' | 'adam'; reason: string } {
  const { miniBatches, consistentGradient, leastSquares } = objective;
  if (miniBatches) return { name: 'adam', reason: 'mini-batches' };
  if (consistentGradient === false) return { name: 'adam', reason: 'a gradient in another basis than the variables' };
  if (leastSquares === undefined) {
    return { name: 'adam-lbfgs', reason: 'the loss is no sum of squares of B-spline models' };
  }
  try {
    const obstacle = obstacleToFactors(objective);
    return obstacle === undefined
      ? { name: 'lm', reason: 'a sum of squares' }
      : { name: 'adam-lbfgs', reason: obstacle };
  } catch (error) {
    if (!(error instanceof NestkanError) || error.code !== 'OPTIMIZER_UNSUITABLE') throw error;
    return { name: 'adam-lbfgs', reason: error.message };
  }
}
