/** Mean squared error over all `count` elements and its gradient to the prediction. */

import linearIndex from '../../shaders/lib/linear-index.wgsl';
import workgroupSum from '../../shaders/lib/workgroup-sum.wgsl';
import lossWgsl from '../../shaders/mean-squared-error.wgsl';
import gradientWgsl from '../../shaders/mean-squared-error-gradient.wgsl';
import { ceilDiv, defineKernel, linearGrid } from './kernel.ts';

/** Numbers that are worth a workgroup of their own, and most workgroups. */
const TILE_COUNT = 16384;
const MOST_TILES = 256;

/** Number of partial sums that are best for a loss of so many numbers. */
export function meanSquaredErrorTiles(count: number): number {
  return Math.min(MOST_TILES, ceilDiv(count, TILE_COUNT));
}

/** losses[t] = Σ (prediction[i] − target[i])² / count over tile t, i = t·T … min(t·T + T, count) − 1, T = ⌈count/tiles⌉. */
export const meanSquaredError = defineKernel({
  name: 'mean-squared-error',
  wgsl: workgroupSum + lossWgsl,
  bindings: { prediction: 'read', target: 'read', losses: 'write' },
  constants: ['count', 'tiles'],
  lengths: ({ count, tiles }) => ({ prediction: count, target: count, losses: tiles }),
  workgroups: ({ tiles }) => [tiles, 1, 1],
  flops: ({ count }) => 3 * count,
  parts: ({ tiles }) => tiles,
  reference({ prediction, target, losses }, { count, tiles }, firstTile, endTile) {
    const tileCount = ceilDiv(count, tiles);
    for (let tile = firstTile; tile < endTile; tile++) {
      let sum = 0;
      for (let i = tile * tileCount; i < Math.min((tile + 1) * tileCount, count); i++) {
        const residual = prediction[i] - target[i];
        sum += residual * residual;
      }
      losses[tile] = sum / count;
    }
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
