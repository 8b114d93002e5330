import squaredErrorWgsl from '../../shaders/lib/squared-error-head.wgsl';
import type { LossHead } from './network-gradient.ts';

/**
 * Mean over samples and outputs of (y − target)², targets [targetModels, batch, outputs]: one set for all models, or one for
 * each.
 */
export function squaredErrorHead(outputs: number): LossHead {
  return {
    name: 'squared-error',
    bindings: { targets: 'read' },
    constants: ['targetModels'],
    scalars: 0,
    flops: 5 * outputs,
    lengths: ({ batch, targetModels }) => ({ targets: targetModels * batch * outputs }),
    wgsl: squaredErrorWgsl,
    recipe: { maker: 'squaredErrorHead', options: outputs },
    reference({ targets }, { first, count, batch, model, outputs: y, adjoints }, { targetModels }) {
      const start = ((model % targetModels) * batch + first) * outputs;
      let sum = 0;
      for (let i = 0; i < count * outputs; i++) {
        const residual = y[i] - targets[start + i];
        sum += residual * residual;
        adjoints[i] = (2 * residual) / (batch * outputs);
      }
      return sum / (batch * outputs);
    },
  };
}
