/** Mean squared error over all `count` elements and its gradient to the prediction. */

import linearIndex from '../../shaders/lib/linear-index.wgsl';
import workgroupSum from '../../shaders/lib/workgroup-sum.wgsl';
import lossWgsl from '../../shaders/mean-squared-error.wgsl';
import gradientWgsl from '../../shaders/mean-squared-error-gradient.wgsl';
import { defineKernel, linearGrid } from './kernel.ts';

/** loss[0] = Σ_i (prediction[i] − target[i])² / count. One workgroup. */
export const meanSquaredError = defineKernel({
  name: 'mean-squared-error',
  wgsl: workgroupSum + lossWgsl,
  bindings: { prediction: 'read', target: 'read', loss: 'write' },
  constants: ['count'],
  lengths: ({ count }) => ({ prediction: count, target: count, loss: 1 }),
  workgroups: () => [1, 1, 1],
  flops: ({ count }) => 3 * count,
  reference({ prediction, target, loss }, { count }) {
    let sum = 0;
    for (let i = 0; i < count; i++) {
      const residual = prediction[i] - target[i];
      sum += residual * residual;
    }
    loss[0] = sum / count;
  },
});

/** gradient[i] = lossGradient[0] · 2 (prediction[i] − target[i]) / count. */
export const meanSquaredErrorGradient = defineKernel({
  name: 'mean-squared-error-gradient',
  wgsl: linearIndex + gradientWgsl,
  bindings: { prediction: 'read', target: 'read', lossGradient: 'read', gradient: 'write' },
  constants: ['count'],
  lengths: ({ count }) => ({ prediction: count, target: count, lossGradient: 1, gradient: count }),
  workgroups: ({ count }) => linearGrid(count),
  flops: ({ count }) => 2 * count,
  reference({ prediction, target, lossGradient, gradient }, { count }) {
    const factor = (2 * lossGradient[0]) / count;
    for (let i = 0; i < count; i++) gradient[i] = factor * (prediction[i] - target[i]);
  },
});
