/**
 * The spline layer of src/kernels/spline-layer.ts for many outputs: eight of them per thread, read four at a time.
 *
 * Definitions, shapes and references are those of the kernels without `-wide` in their names.
 * Source: docs/mathematics.md, "Wide layers".
 */

import nanWgsl from '../../shaders/lib/nan.wgsl';
import splineWindowWgsl from '../../shaders/lib/spline-window.wgsl';
import wideColumnsWgsl from '../../shaders/lib/wide-columns.wgsl';
import cellOrderWgsl from '../../shaders/spline-cell-order.wgsl';
import coefficientGradientWgsl from '../../shaders/spline-coefficient-gradient-wide.wgsl';
import forwardWgsl from '../../shaders/spline-forward-wide.wgsl';
import inputGradientWgsl from '../../shaders/spline-input-gradient-wide.wgsl';
import { ceilDiv, defineKernel, type Grid, MAX_WORKGROUPS } from './kernel.ts';
import {
  tiledGradient,
  type SplineLayerConstants,
  splineForward,
  splineInputGradient,
} from './spline-layer.ts';

/** Threads of a workgroup, and counts that fit in its memory; WGSL has the same numbers. */
const THREADS = 64;
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

/** Threads that share the outputs of a sample, and samples, or lists of samples, of a workgroup. */
function wideColumns(outputs: number) {
  const lanes = Math.min(ceilDiv(outputs, 8), THREADS);
  return { lanes, rows: Math.floor(THREADS / lanes), blocks: ceilDiv(outputs, 8 * lanes) };
}

/** Workgroups for all samples, in x and z, by `blocks` of outputs. */
function sampleGrid(batch: number, rows: number, blocks: number): Grid {
  const groups = ceilDiv(batch, rows);
  return [Math.min(groups, MAX_WORKGROUPS), blocks, ceilDiv(groups, MAX_WORKGROUPS)];
}

export const splineForwardWide = defineKernel({
  ...splineForward,
  name: 'spline-forward-wide',
  wgsl: nanWgsl + splineWindowWgsl + wideColumnsWgsl + forwardWgsl,
  workgroups({ batch, outputs }) {
    const { rows, blocks } = wideColumns(outputs);
    return sampleGrid(batch, rows, blocks);
  },
});

export const splineInputGradientWide = defineKernel({
  ...splineInputGradient,
  name: 'spline-input-gradient-wide',
  wgsl: nanWgsl + splineWindowWgsl + wideColumnsWgsl + inputGradientWgsl,
  workgroups: ({ batch, outputs }) => sampleGrid(batch, wideColumns(outputs).rows, 1),
});

/** Number of tiles, each with a partial sum of its own: few samples per list leave a device idle, many partial sums cost memory. */
export function wideGradientTiles({ batch, inputs, intervals, degree }: SplineLayerConstants): number {
  const samples = Math.max(TILE_SAMPLES, TILE_SAMPLES_PER_COEFFICIENT * (intervals + degree));
  return Math.max(1, Math.min(ceilDiv(BUSY_LISTS, inputs), Math.floor(batch / samples)));
}

const tiledConstants = [
  'batch',
  'inputs',
  'intervals',
  'degree',
  'domainStart',
  'domainEnd',
  'tiles',
] as const;

type TiledConstants = Readonly<Record<(typeof tiledConstants)[number], number>>;

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
  wgsl: nanWgsl + splineWindowWgsl + cellOrderWgsl,
  bindings: { x: 'read', starts: 'write:uint', samples: 'write:uint' },
  constants: tiledConstants,
  lengths: listLengths,
  workgroups: ({ inputs, intervals, tiles }) => [
    tiles,
    ceilDiv(inputs, Math.min(Math.floor(COUNTS / intervals), MOST_COUNTERS)),
    1,
  ],
  flops: ({ batch, inputs }) => 40 * batch * inputs,
  reference({ x, starts, samples }, { batch, inputs, intervals, domainStart, domainEnd, tiles }) {
    const tileSamples = ceilDiv(batch, tiles);
    const cellsPerUnit = intervals / (domainEnd - domainStart);
    const cellAt = (b: number, p: number) => {
      const cell = Math.floor((x[b * inputs + p] - domainStart) * cellsPerUnit);
      return Number.isFinite(cell) ? Math.min(Math.max(cell, 0), intervals - 1) : 0;
    };
    let place = 0;
    for (let tile = 0; tile < tiles; tile++) {
      const first = Math.min(tile * tileSamples, batch);
      const end = Math.min(first + tileSamples, batch);
      for (let p = 0; p < inputs; p++) {
        const list = (tile * inputs + p) * (intervals + 1);
        const lists: number[][] = Array.from({ length: intervals }, () => []);
        for (let b = first; b < end; b++) lists[cellAt(b, p)].push(b);
        lists.forEach((members, cell) => {
          starts[list + cell] = place;
          for (const b of members) samples[place++] = b;
        });
        starts[list + intervals] = place;
      }
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
  wgsl: nanWgsl + splineWindowWgsl + wideColumnsWgsl + coefficientGradientWgsl,
  bindings: { x: 'read', outputGradient: 'read', starts: 'read:uint', samples: 'read:uint', partials: 'write' },
  constants: [...tiledConstants, 'outputs'],
  lengths(constants) {
    const { batch, inputs, outputs, intervals, degree, tiles } = constants;
    const partials = tiles * inputs * (intervals + degree) * outputs;
    return { ...listLengths(constants), outputGradient: batch * outputs, partials };
  },
  workgroups({ inputs, outputs, tiles }) {
    const { rows, blocks } = wideColumns(outputs);
    return [ceilDiv(tiles * inputs, rows), blocks, 1];
  },
  flops: ({ batch, inputs, outputs, degree }) =>
    batch * inputs * (20 + (degree + 1) * (degree + 2) + 2 * outputs * (degree + 1)),
  reference: ({ x, outputGradient, partials }, { tiles, ...grid }) =>
    tiledGradient(x, outputGradient, partials, grid, tiles),
});
