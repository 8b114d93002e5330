/** The least-squares loss of a residual with a weight per sample, its gradient, and residual-based attention. */

import attentionWgsl from '../../shaders/attention-update.wgsl';
import linearIndex from '../../shaders/lib/linear-index.wgsl';
import workgroupSum from '../../shaders/lib/workgroup-sum.wgsl';
import lossWgsl from '../../shaders/weighted-squares.wgsl';
import gradientWgsl from '../../shaders/weighted-squares-gradient.wgsl';
import { defineKernel, linearGrid } from './kernel.ts';

/** loss[0] = factor · Σ_b weights[b] Σ_r residual[r, b]². One workgroup. */
export const weightedSquares = defineKernel({
  name: 'weighted-squares',
  wgsl: workgroupSum + lossWgsl,
  bindings: { residual: 'read', weights: 'read', loss: 'write' },
  constants: ['batch', 'residuals', 'factor'],
  lengths: ({ batch, residuals }) => ({ residual: residuals * batch, weights: batch, loss: 1 }),
  workgroups: () => [1, 1, 1],
  flops: ({ batch, residuals }) => 3 * residuals * batch,
  reference({ residual, weights, loss }, { batch, residuals, factor }) {
    let sum = 0;
    for (let r = 0; r < residuals; r++) {
      for (let b = 0; b < batch; b++) sum += weights[b] * residual[r * batch + b] ** 2;
    }
    loss[0] = factor * sum;
  },
});

/** gradient[r, b] = lossGradient[0] · 2 · factor · weights[b] · residual[r, b]. */
export const weightedSquaresGradient = defineKernel({
  name: 'weighted-squares-gradient',
  wgsl: linearIndex + gradientWgsl,
  bindings: { residual: 'read', weights: 'read', lossGradient: 'read', gradient: 'write' },
  constants: ['batch', 'residuals', 'factor'],
  lengths: ({ batch, residuals }) => ({
    residual: residuals * batch,
    weights: batch,
    lossGradient: 1,
    gradient: residuals * batch,
  }),
  workgroups: ({ batch, residuals }) => linearGrid(residuals * batch),
  flops: ({ batch, residuals }) => 3 * residuals * batch,
  reference({ residual, weights, lossGradient, gradient }, { batch, residuals, factor }) {
    const scale = 2 * factor * lossGradient[0];
    for (let r = 0; r < residuals; r++) {
      for (let b = 0; b < batch; b++) gradient[r * batch + b] = scale * weights[b] * residual[r * batch + b];
    }
  },
});

/**
 * weights[b] ← (1 − rate) weights[b] + rate |r_b| / max |r|, |r_b|² = Σ_r residual[r, b]². One workgroup.
 *
 * Source: Anagnostopoulos et al., Residual-based attention in physics-informed neural networks, arXiv 2307.00379.
 */
export const attentionUpdate = defineKernel({
  name: 'attention-update',
  wgsl: attentionWgsl,
  bindings: { residual: 'read', weights: 'update' },
  constants: ['batch', 'residuals', 'rate'],
  lengths: ({ batch, residuals }) => ({ residual: residuals * batch, weights: batch }),
  workgroups: () => [1, 1, 1],
  flops: ({ batch, residuals }) => 4 * residuals * batch,
  reference({ residual, weights }, { batch, residuals, rate }) {
    const magnitude = (b: number) => {
      let squares = 0;
      for (let r = 0; r < residuals; r++) squares += residual[r * batch + b] ** 2;
      return Math.sqrt(squares);
    };
    let largest = 0;
    for (let b = 0; b < batch; b++) {
      const size = magnitude(b);
      if (size > largest) largest = size;
    }
    const scale = largest > 0 ? rate / largest : 0;
    for (let b = 0; b < batch; b++) weights[b] = (1 - rate) * weights[b] + scale * magnitude(b);
  },
});
