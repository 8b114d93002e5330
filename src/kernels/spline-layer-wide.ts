/**
 * The spline layer of src/kernels/spline-layer.ts for many outputs: eight of them per thread, read four at a time.
 *
 * Definitions, shapes and references are those of the kernels without `-wide` in their names.
 * Source: docs/mathematics.md, "Local window" and "Reproducible reductions".
 */

import cellOrderWgsl from '../../shaders/spline-cell-order.wgsl';
import coefficientGradientWgsl from '../../shaders/spline-coefficient-gradient-wide.wgsl';
import forwardWgsl from '../../shaders/spline-forward.wgsl';
import inputGradientWgsl from '../../shaders/spline-input-gradient.wgsl';
import { ceilDiv, defineKernel } from './kernel.ts';
import {
  columnBlocks,
  columnsOf,
  multiplyAdds,
  prepareCubic,
  type SplineLayerConstants,
  splineForward,
  splineInputGradient,
  sumCoefficients,
  windowFlops,
} from './spline-layer.ts';
import { splineWgsl } from './spline-wgsl.ts';

/** Counts that fit in a workgroup's memory, and most threads to share them; WGSL has the same numbers. */
const COUNTS = 4096;
const MOST_COUNTERS = 32;

/** Fewest samples of a tile: in all, and per coefficient, so that writing the sums costs little beside making them. */
const TILE_SAMPLES = 512;
const TILE_SAMPLES_PER_COEFFICIENT = 8;
/** Lists that keep a device busy. */
const BUSY_LISTS = 4096;

/** Whether a layer's kernels are those of this file. */
export function isWide({ outputs, intervals }: SplineLayerConstants): boolean {
  return outputs >= 16 && outputs % 4 === 0 && intervals <= COUNTS;
}

export const splineForwardWide = defineKernel({
  ...splineForward,
  name: 'spline-forward-wide',
  wgsl: columnsOf(4) + forwardWgsl,
  workgroups: (layer) => splineForward.workgroups({ ...layer, outputs: layer.outputs / 4 }),
});

export const splineInputGradientWide = defineKernel({
  ...splineInputGradient,
  name: 'spline-input-gradient-wide',
  wgsl: columnsOf(4) + inputGradientWgsl,
});

/** Number of tiles, each with a partial sum of its own: few samples per list leave a device idle, many partial sums cost memory. */
export function wideGradientTiles({ batch, inputs, intervals, degree }: SplineLayerConstants): number {
  const samples = Math.max(TILE_SAMPLES, TILE_SAMPLES_PER_COEFFICIENT * (intervals + degree));
  return Math.max(1, Math.min(ceilDiv(BUSY_LISTS, inputs), Math.floor(batch / samples)));
}

const tiledConstants = ['batch', 'inputs', 'intervals', 'degree', 'domainStart', 'domainEnd', 'tiles'] as const;

export type TiledConstants = Readonly<Record<(typeof tiledConstants)[number], number>>;

function listLengths({ batch, inputs, intervals, tiles }: TiledConstants) {
  return { x: batch * inputs, starts: tiles * inputs * (intervals + 1), samples: batch * inputs };
}

/**
 * For every tile and input p the samples of the tile in the order of the cells of x[b,p]. Tile t holds samples
 * t·T … min(t·T + T, batch) − 1, T = ⌈batch/tiles⌉.
 *
 * starts [tiles, inputs, intervals + 1] are places in samples [batch · inputs], where a cell's list begins; the last is
 * where the input's lists end. Within a cell samples keep their order. What is not finite counts as of cell 0.
 */
export const splineCellOrder = defineKernel({
  name: 'spline-cell-order',
  wgsl: splineWgsl + cellOrderWgsl,
  bindings: { x: 'read', starts: 'write:uint', samples: 'write:uint' },
  constants: tiledConstants,
  lengths: listLengths,
  workgroups: ({ inputs, intervals, tiles }) => [
    tiles,
    ceilDiv(inputs, Math.min(Math.floor(COUNTS / intervals), MOST_COUNTERS)),
    1,
  ],
  flops: ({ batch, inputs }) => 40 * batch * inputs,
  parts: ({ inputs, tiles }) => tiles * inputs,
  reference({ x, starts, samples }, constants, firstList, endList) {
    const { batch, inputs, intervals, domainStart, domainEnd, tiles } = constants;
    const tileSamples = ceilDiv(batch, tiles);
    const cellsPerUnit = intervals / (domainEnd - domainStart);
    const cells = new Uint32Array(tileSamples);
    for (let list = firstList; list < endList; list++) {
      const p = list % inputs;
      const first = Math.min(Math.floor(list / inputs) * tileSamples, batch);
      const count = Math.min(tileSamples, batch - first);
      const place = first * inputs + p * count;
      // Counts, then places where the next sample of a cell goes, which end up where the next cell begins.
      const next = starts.subarray(list * (intervals + 1), (list + 1) * (intervals + 1)).fill(0);
      for (let i = 0; i < count; i++) {
        const position = (x[(first + i) * inputs + p] - domainStart) * cellsPerUnit;
        let cell = 0;
        if (position > 0 && position < Number.POSITIVE_INFINITY) cell = Math.min(position, intervals - 1) | 0;
        cells[i] = cell;
        next[cell + 1]++;
      }
      next[0] = place;
      for (let cell = 1; cell <= intervals; cell++) next[cell] += next[cell - 1];
      for (let i = 0; i < count; i++) samples[next[cells[i]]++] = first + i;
      next.copyWithin(1, 0, intervals);
      next[0] = place;
    }
  },
});

/**
 * partials[tile,p,k,q] = Σ_{b in tile} B_k(x[b,p]) ∂L/∂y[b,q], with `starts` and `samples` from {@link splineCellOrder}.
 * The gradient is the sum over tiles; with one tile it is `partials` itself.
 *
 * Every sum is made by one thread in a fixed order, so results repeat bit for bit on one device.
 */
export const splineCoefficientGradientWide = defineKernel({
  name: 'spline-coefficient-gradient-wide',
  wgsl: columnsOf(4) + coefficientGradientWgsl,
  bindings: { x: 'read', outputGradient: 'read', starts: 'read:uint', samples: 'read:uint', partials: 'write' },
  constants: [...tiledConstants, 'outputs'],
  lengths(constants) {
    const { batch, inputs, outputs, intervals, degree, tiles } = constants;
    const partials = tiles * inputs * (intervals + degree) * outputs;
    return { ...listLengths(constants), outputGradient: batch * outputs, partials };
  },
  workgroups({ inputs, outputs, tiles }) {
    const { rows, blocks } = columnBlocks(outputs / 4);
    return [ceilDiv(tiles * inputs, rows), blocks, 1];
  },
  flops: (sizes) => windowFlops(sizes) + multiplyAdds(sizes),
  parts: ({ inputs, tiles }) => tiles * inputs,
  prepare: prepareCubic,
  reference: sumCoefficients,
});
