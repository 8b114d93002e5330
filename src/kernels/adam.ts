/**
 * Adam with decoupled weight decay (AdamW), one step.
 *
 * With step number t = counter[0] + 1 and learning rate η = schedule[min(counter[0], steps − 1)]:
 * m ← β₁ m + (1 − β₁) g,  v ← β₂ v + (1 − β₂) g²,
 * parameters ← parameters − η (m/(1 − β₁ᵗ) / (√(v/(1 − β₂ᵗ)) + ε) + weightDecay · parameters).
 * Source: Kingma and Ba, arXiv 1412.6980, algorithm 1; Loshchilov and Hutter, arXiv 1711.05101, algorithm 2.
 */
import adamWgsl from '../../shaders/adam.wgsl';
import advanceCounterWgsl from '../../shaders/advance-counter.wgsl';
import linearIndex from '../../shaders/lib/linear-index.wgsl';
import { defineKernel, linearGrid } from './kernel.ts';

/** One thread per parameter. The counter is read only: {@link advanceCounter} moves it on. */
export const adam = defineKernel({
  name: 'adam',
  wgsl: linearIndex + adamWgsl,
  bindings: {
    parameters: 'update',
    gradient: 'read',
    firstMoment: 'update',
    secondMoment: 'update',
    schedule: 'read',
    counter: 'read:uint',
  },
  constants: ['count', 'steps', 'beta1', 'beta2', 'epsilon', 'weightDecay'],
  lengths: ({ count, steps }) => ({
    parameters: count,
    gradient: count,
    firstMoment: count,
    secondMoment: count,
    schedule: steps,
    counter: 1,
  }),
  workgroups: ({ count }) => linearGrid(count),
  flops: ({ count }) => 16 * count,
  reference(buffers, { count, steps, beta1, beta2, epsilon, weightDecay }) {
    const { parameters, gradient, firstMoment, secondMoment, schedule, counter } = buffers;
    const step = counter[0] + 1;
    const learningRate = schedule[Math.min(counter[0], steps - 1)];
    const firstCorrection = 1 - beta1 ** step;
    const secondCorrection = 1 - beta2 ** step;
    for (let i = 0; i < count; i++) {
      const g = gradient[i];
      const m = beta1 * firstMoment[i] + (1 - beta1) * g;
      const v = beta2 * secondMoment[i] + (1 - beta2) * g * g;
      firstMoment[i] = m;
      secondMoment[i] = v;
      const direction = m / firstCorrection / (Math.sqrt(v / secondCorrection) + epsilon);
      parameters[i] -= learningRate * (direction + weightDecay * parameters[i]);
    }
  },
});

/** counter[0] ← counter[0] + 1. */
export const advanceCounter = defineKernel({
  name: 'advance-counter',
  wgsl: advanceCounterWgsl,
  bindings: { counter: 'update:uint' },
  constants: [],
  lengths: () => ({ counter: 1 }),
  workgroups: () => [1, 1, 1],
  flops: () => 1,
  reference({ counter }) {
    counter[0]++;
  },
});
