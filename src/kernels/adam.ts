/**
 * Adam with decoupled weight decay (AdamW), one step.
 *
 * With step number t and learning rate η = schedule[min(t, steps) − 1]:
 * m ← β₁ m + (1 − β₁) g,  v ← β₂ v + (1 − β₂) g²,
 * parameters ← parameters − η (m/(1 − β₁ᵗ) / (√(v/(1 − β₂ᵗ)) + ε) + weightDecay · parameters).
 * Source: Kingma and Ba, arXiv 1412.6980, algorithm 1; Loshchilov and Hutter, arXiv 1711.05101, algorithm 2.
 */
import adamWgsl from '../../shaders/adam.wgsl';
import linearIndex from '../../shaders/lib/linear-index.wgsl';
import tileSum from '../../shaders/lib/tile-sum.wgsl';
import { defineKernel } from './kernel.ts';
import { tileSumGrid } from './reductions.ts';

/**
 * All `models` at once: parameters and moments [models, length], schedule [models, steps]. The gradient is the sum over tiles
 * of partials [models, tiles, length], the loss that of losses [models, tiles]; it goes to place (t − 1) % ringLength of ring
 * [models, ringLength]. counters [models, length + 1] hold t − 1, each for one parameter or loss, and go on by one.
 */
export const adam = defineKernel({
  name: 'adam',
  wgsl: linearIndex + tileSum + adamWgsl,
  bindings: {
    parameters: 'update',
    partials: 'read',
    losses: 'read',
    firstMoment: 'update',
    secondMoment: 'update',
    schedule: 'read',
    counters: 'update:uint',
    ring: 'update',
  },
  constants: ['models', 'length', 'tiles', 'steps', 'ringLength', 'beta1', 'beta2', 'epsilon', 'weightDecay'],
  lengths: ({ models, length, tiles, steps, ringLength }) => ({
    parameters: models * length,
    partials: models * tiles * length,
    losses: models * tiles,
    firstMoment: models * length,
    secondMoment: models * length,
    schedule: models * steps,
    counters: models * (length + 1),
    ring: models * ringLength,
  }),
  workgroups: ({ models, length, tiles }) => tileSumGrid(models * (length + 1), tiles),
  flops: ({ models, length, tiles }) => models * length * (16 + tiles),
  parts: ({ models, length }) => models * (length + 1),
  reference(buffers, constants, first, end) {
    const { parameters, partials, losses, firstMoment, secondMoment, schedule, counters, ring } = buffers;
    const { models, length, tiles, steps, ringLength, beta1, beta2, epsilon, weightDecay } = constants;
    const done = counters[first];
    const firstCorrection = 1 / (1 - beta1 ** (done + 1));
    const secondCorrection = 1 / (1 - beta2 ** (done + 1));
    for (let model = Math.floor(first / (length + 1)); model < models; model++) {
      const start = model * (length + 1);
      if (start >= end) break;
      const learningRate = schedule[model * steps + Math.min(done, steps - 1)];
      const own = model * length;
      const last = Math.min(end - start, length);
      for (let i = Math.max(first - start, 0); i < last; i++) {
        let g = 0;
        for (let tile = 0; tile < tiles; tile++) g += partials[(model * tiles + tile) * length + i];
        const m = beta1 * firstMoment[own + i] + (1 - beta1) * g;
        const v = beta2 * secondMoment[own + i] + (1 - beta2) * g * g;
        firstMoment[own + i] = m;
        secondMoment[own + i] = v;
        const direction = (m * firstCorrection) / (Math.sqrt(v * secondCorrection) + epsilon);
        parameters[own + i] -= learningRate * (direction + weightDecay * parameters[own + i]);
      }
      if (end - start <= length) continue;
      let loss = 0;
      for (let tile = 0; tile < tiles; tile++) loss += losses[model * tiles + tile];
      ring[model * ringLength + (done % ringLength)] = loss;
    }
    counters.fill(done + 1, first, end);
  },
});
