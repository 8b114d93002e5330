/**
 * One spline layer, y[b,q] = Σ_p φ_{p,q}(x[b,p]) with φ_{p,q} = Σ_k W[p,k,q] B_k: its value and both gradients.
 *
 * x [batch, inputs], W [inputs, coefficients, outputs], y [batch, outputs]; coefficients = intervals + degree.
 * Per point only the degree + 1 functions of its cell are evaluated, so no cost grows with the number of intervals.
 * Outside [domainStart, domainEnd] each φ continues linearly. The device rounds both ends to float32.
 * Source: docs/mathematics.md, "Local window", "Outside the domain" and "Reproducible reductions".
 */

import columnsWgsl from '../../shaders/lib/columns.wgsl';
import tiledCoefficientSums from '../../shaders/lib/tiled-coefficient-sums.wgsl';
import coefficientGradientWgsl from '../../shaders/spline-coefficient-gradient.wgsl';
import forwardWgsl from '../../shaders/spline-forward.wgsl';
import inputGradientWgsl from '../../shaders/spline-input-gradient.wgsl';
import { windowsAt } from '../splines/window.ts';
import { Faster } from './faster.ts';
import { ceilDiv, defineKernel, type Grid, MAX_WORKGROUPS } from './kernel.ts';
import { type CubicLoops, cubicLoops, eachListed, unitOf } from './spline-layer-cubic.ts';
import { splineWgsl } from './spline-wgsl.ts';

const constants = ['batch', 'inputs', 'outputs', 'intervals', 'degree', 'domainStart', 'domainEnd'] as const;

export type SplineLayerConstants = Readonly<Record<(typeof constants)[number], number>>;

function sizes({ batch, inputs, outputs, intervals, degree }: SplineLayerConstants) {
  return { x: batch * inputs, weights: inputs * (intervals + degree) * outputs, y: batch * outputs };
}

export function multiplyAdds({ batch, inputs, outputs, degree }: SplineLayerConstants): number {
  return 2 * batch * inputs * outputs * (degree + 1);
}

/** Rough cost of one window in operations: the cell search and degree + 1 polynomials. */
export function windowFlops({ batch, inputs, degree }: SplineLayerConstants): number {
  return batch * inputs * (20 + (degree + 1) * (degree + 2));
}

/** Room for the windows of one sample's inputs. */
export function sampleWindows({ inputs, degree }: SplineLayerConstants) {
  return { cells: new Int32Array(inputs), windows: new Float64Array(inputs * (degree + 1)) };
}

/** Samples that a thread takes at once, so that it fetches an input's weights for all of them. */
const BLOCK = 256;

function blocks({ batch }: SplineLayerConstants): number {
  return ceilDiv(batch, BLOCK);
}

/** The first one, and one more than the last. */
function samplesOf({ batch }: SplineLayerConstants, firstBlock: number, endBlock: number): [number, number] {
  return [firstBlock * BLOCK, Math.min(endBlock * BLOCK, batch)];
}

/** Fewer samples are not worth copying weights for. */
const FEW_SAMPLES = 32;
/** Numbers of a tile's samples that WebAssembly's memory is grown for. */
const MOST_NUMBERS = 2 ** 26;

const simd = new Faster<CubicLoops>(async () => (await import('./spline-layer-simd.ts')).openSimdLoops());

/** Has cubic references run in WebAssembly from then on. */
export const prepareCubic = simd.prepare;

/** The faster ones for that many samples, of which so many numbers are needed at once; they agree in every bit. */
function loopsFor(samples: number, numbers = 0): CubicLoops {
  return (samples >= FEW_SAMPLES && numbers <= MOST_NUMBERS && simd.way) || cubicLoops;
}

/** Threads of a workgroup. */
const THREADS = 64;

/** What WGSL calls a column: outputs that are read at once. */
const COLUMNS = {
  1: 'alias Column = f32; const COLUMN = 1u; fn total(column: Column) -> f32 { return column; }\n',
  4: 'alias Column = vec4<f32>; const COLUMN = 4u; fn total(column: Column) -> f32 { return dot(column, Column(1.0)); }\n',
};

/** Text in front of a kernel that shares out its outputs in columns. */
export const columnsOf = (outputs: keyof typeof COLUMNS) => splineWgsl + COLUMNS[outputs] + columnsWgsl;

/** Samples, or lists of samples, of a workgroup and workgroups for all columns; WGSL has the same numbers. */
export function columnBlocks(columns: number) {
  const lanes = Math.min(ceilDiv(columns, 2), THREADS);
  return { rows: Math.floor(THREADS / lanes), blocks: ceilDiv(columns, 2 * lanes) };
}

/** Workgroups of `rows` samples, in x and z, by `blocks` of something else. */
export function sampleGrid(batch: number, rows: number, blocks: number): Grid {
  const groups = ceilDiv(batch, rows);
  return [Math.min(groups, MAX_WORKGROUPS), blocks, ceilDiv(groups, MAX_WORKGROUPS)];
}

/** y[b,q] = Σ_p Σ_k W[p,k,q] B_k(x[b,p]). A NaN in x gives NaN in its sample's y. */
export const splineForward = defineKernel({
  name: 'spline-forward',
  wgsl: columnsOf(1) + forwardWgsl,
  bindings: { x: 'read', weights: 'read', y: 'write' },
  constants,
  lengths: sizes,
  workgroups({ batch, outputs }) {
    const { rows, blocks } = columnBlocks(outputs);
    return sampleGrid(batch, rows, blocks);
  },
  flops: (sizes) => windowFlops(sizes) + multiplyAdds(sizes),
  parts: blocks,
  prepare: prepareCubic,
  reference(buffers, grid, firstBlock, endBlock) {
    const [first, end] = samplesOf(grid, firstBlock, endBlock);
    const { inputs, outputs, intervals, degree } = grid;
    if (degree === 3) return loopsFor(end - first).forward(buffers, grid, first, end);
    const { x, weights, y } = buffers;
    y.fill(0, first * outputs, end * outputs);
    const { cells, windows } = sampleWindows(grid);
    for (let b = first; b < end; b++) {
      windowsAt(x, { first: b * inputs, count: inputs }, grid, 0, cells, windows);
      const to = b * outputs;
      for (let p = 0; p < inputs; p++) {
        let row = (p * (intervals + degree) + cells[p]) * outputs;
        for (let j = 0; j <= degree; j++) {
          const value = windows[p * (degree + 1) + j];
          for (let q = 0; q < outputs; q++) y[to + q] += value * weights[row + q];
          row += outputs;
        }
      }
    }
  },
});

/** ∂L/∂x[b,p] = Σ_q ∂L/∂y[b,q] Σ_k W[p,k,q] B_k'(x[b,p]). */
export const splineInputGradient = defineKernel({
  name: 'spline-input-gradient',
  wgsl: columnsOf(1) + inputGradientWgsl,
  bindings: { x: 'read', weights: 'read', outputGradient: 'read', inputGradient: 'write' },
  constants,
  lengths(constants) {
    const { x, weights, y } = sizes(constants);
    return { x, weights, outputGradient: y, inputGradient: x };
  },
  workgroups: ({ batch, inputs }) => sampleGrid(batch, THREADS, ceilDiv(inputs, 2)),
  flops: (sizes) => windowFlops(sizes) + multiplyAdds(sizes),
  parts: blocks,
  prepare: prepareCubic,
  reference(buffers, grid, firstBlock, endBlock) {
    const [first, end] = samplesOf(grid, firstBlock, endBlock);
    const { inputs, outputs, intervals, degree } = grid;
    if (degree === 3) return loopsFor(end - first).inputGradient(buffers, grid, first, end);
    const { x, weights, outputGradient, inputGradient } = buffers;
    const { cells, windows } = sampleWindows(grid);
    for (let b = first; b < end; b++) {
      windowsAt(x, { first: b * inputs, count: inputs }, grid, 1, cells, windows);
      const from = b * outputs;
      for (let p = 0; p < inputs; p++) {
        let row = (p * (intervals + degree) + cells[p]) * outputs;
        let gradient = 0;
        for (let j = 0; j <= degree; j++) {
          let sum = 0;
          for (let q = 0; q < outputs; q++) sum += outputGradient[from + q] * weights[row + q];
          gradient += windows[p * (degree + 1) + j] * sum;
          row += outputs;
        }
        inputGradient[b * inputs + p] = gradient;
      }
    }
  },
});

/** Fewest samples that are worth a tile, and about how many workgroups keep a device busy. */
const TILE_SAMPLES = 512;
const BUSY_WORKGROUPS = 256;

/** Float32 sums in a workgroup's memory; WGSL has the same number. */
const SUMS = 3584;

/** Workgroups per tile and input: outputs and coefficients are split evenly into as few blocks as threads and memory allow. */
function blocksPerInput({ outputs, intervals, degree }: SplineLayerConstants): number {
  const coefficients = intervals + degree;
  const ranges = ceilDiv(coefficients, SUMS);
  const largest = Math.min(Math.floor(THREADS / (degree + 1)), Math.floor(SUMS / ceilDiv(coefficients, ranges)));
  return ceilDiv(outputs, largest) * ranges;
}

/**
 * Number of partial sums that {@link splineCoefficientGradient} leaves: enough workgroups to fill a device, but each
 * tile at least twice as many samples as coefficients, so that writing the sums costs little beside making them.
 */
export function splineGradientTiles(constants: SplineLayerConstants): number {
  const { batch, inputs, intervals, degree } = constants;
  const wanted = ceilDiv(BUSY_WORKGROUPS, inputs * blocksPerInput(constants));
  const most = ceilDiv(batch, Math.max(TILE_SAMPLES, 2 * (intervals + degree)));
  return Math.max(1, Math.min(wanted, most));
}

/**
 * partials[tile,p,k,q] = Σ_{b in tile} B_k(x[b,p]) ∂L/∂y[b,q]; tile t holds samples t·T … min(t·T + T, batch) − 1,
 * T = ⌈batch/tiles⌉. The gradient is the sum over tiles; with one tile it is `partials` itself.
 *
 * Every sum is made by one thread in a fixed order, so results repeat bit for bit on one device.
 */
export const splineCoefficientGradient = defineKernel({
  name: 'spline-coefficient-gradient',
  wgsl: splineWgsl + coefficientGradientWgsl + tiledCoefficientSums,
  bindings: { x: 'read', outputGradient: 'read', partials: 'write' },
  constants,
  lengths(constants) {
    const { x, weights, y } = sizes(constants);
    return { x, outputGradient: y, partials: splineGradientTiles(constants) * weights };
  },
  workgroups: (constants) => [splineGradientTiles(constants), constants.inputs, blocksPerInput(constants)],
  flops: (sizes) => windowFlops(sizes) + multiplyAdds(sizes),
  parts: (grid) => splineGradientTiles(grid) * grid.inputs,
  prepare: prepareCubic,
  reference: (buffers, grid, first, end) =>
    sumCoefficients(buffers, { ...grid, tiles: splineGradientTiles(grid) }, first, end),
});

/** Sums over the samples of tiles, listed by cell or not: units `first` to `end` − 1. */
export function sumCoefficients(
  buffers: Parameters<CubicLoops['coefficientGradient']>[0],
  grid: SplineLayerConstants & { readonly tiles: number },
  first: number,
  end: number,
): void {
  const { batch, inputs, outputs, intervals, degree, tiles } = grid;
  if (degree === 3) {
    const samples = ceilDiv(batch, tiles);
    loopsFor(samples, samples * Math.max(inputs, outputs)).coefficientGradient(buffers, grid, first, end);
    return;
  }
  const { x, outputGradient, starts, samples, partials } = buffers;
  const length = (intervals + degree) * outputs;
  const { cells, windows } = sampleWindows({ ...grid, inputs: 1 });
  partials.fill(0, first * length, end * length);
  for (let unit = first; unit < end; unit++) {
    const { p, from, count } = unitOf(unit, grid);
    const add = (b: number, cell?: number) => {
      windowsAt(x, { first: b * inputs + p, count: 1 }, grid, 0, cells, windows);
      let row = unit * length + (cell ?? cells[0]) * outputs;
      for (let j = 0; j <= degree; j++) {
        for (let q = 0; q < outputs; q++) partials[row + q] += windows[j] * outputGradient[b * outputs + q];
        row += outputs;
      }
    };
    if (starts && samples) eachListed(starts, samples, unit, intervals, add);
    else for (let b = from; b < from + count; b++) add(b);
  }
}
