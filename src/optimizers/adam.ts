import { NestkanError } from '../errors.ts';
import type { AdamOptions } from './adam-run.ts';
import type { Optimizer } from './optimizer.ts';
import { learningRates } from './schedule.ts';

/** What {@link adam} does where its options say nothing. */
export const adamDefaults = { learningRate: 0.02, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 } as const;

/**
 * Adam, with decoupled weight decay. Works on mini-batches.
 *
 * Source: Kingma and Ba, arXiv 1412.6980; Loshchilov and Hutter, arXiv 1711.05101.
 */
export function adam(options: AdamOptions = {}): Optimizer {
  const { learningRate = adamDefaults.learningRate, schedule = { type: 'cosine' } } = options;
  const { beta1 = adamDefaults.beta1, beta2 = adamDefaults.beta2 } = options;
  const { epsilon = adamDefaults.epsilon, weightDecay = adamDefaults.weightDecay } = options;
  learningRates(learningRate, schedule, 1);
  for (const [name, value, limit] of [
    ['beta1', beta1, 1],
    ['beta2', beta2, 1],
    ['epsilon', epsilon, Number.POSITIVE_INFINITY],
    ['weightDecay', weightDecay, Number.POSITIVE_INFINITY],
  ] as const) {
    // Without epsilon a parameter that no row touches would move by 0/0.
    if (value < limit && (value > 0 || (value === 0 && name !== 'epsilon'))) continue;
    throw new NestkanError('INVALID_ARGUMENT', `Adam's ${name} is ${value}`, {
      fix: `Use a number from 0 to below ${limit}; epsilon is positive.`,
    });
  }
  return {
    name: 'adam',
    async start(objective, evaluations) {
      const rates = learningRates(learningRate, schedule, Math.max(1, evaluations));
      const { AdamRun } = await import('./adam-run.ts');
      const run = new AdamRun(objective, rates, { beta1, beta2, epsilon, weightDecay });
      await run.record();
      return run;
    },
  };
}
