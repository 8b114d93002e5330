/**
 * One spline layer, y[b,q] = Σ_p φ_{p,q}(x[b,p]) with φ_{p,q} = Σ_k W[p,k,q] B_k: its value and both gradients.
 *
 * x [batch, inputs], W [inputs, coefficients, outputs], y [batch, outputs]; coefficients = intervals + degree.
 * Per point only the degree + 1 functions of its cell are evaluated, so no cost grows with the number of intervals.
 * Outside [domainStart, domainEnd] each φ continues linearly. The device rounds both ends to float32.
 * Source: docs/mathematics.md, "Local window", "Outside the domain" and "Reproducible reductions".
 */

import linearIndexWgsl from '../../shaders/lib/linear-index.wgsl';
import splineWindowWgsl from '../../shaders/lib/spline-window.wgsl';
import coefficientGradientWgsl from '../../shaders/spline-coefficient-gradient.wgsl';
import forwardWgsl from '../../shaders/spline-forward.wgsl';
import inputGradientWgsl from '../../shaders/spline-input-gradient.wgsl';
import { windowsAt } from '../splines/window.ts';
import { ceilDiv, defineKernel, type HostArray, linearGrid, MAX_WORKGROUPS } from './kernel.ts';

const constants = ['batch', 'inputs', 'outputs', 'intervals', 'degree', 'domainStart', 'domainEnd'] as const;

export type SplineLayerConstants = Readonly<Record<(typeof constants)[number], number>>;

function sizes({ batch, inputs, outputs, intervals, degree }: SplineLayerConstants) {
  return { x: batch * inputs, weights: inputs * (intervals + degree) * outputs, y: batch * outputs };
}

function multiplyAdds({ batch, inputs, outputs, degree }: SplineLayerConstants): number {
  return 2 * batch * inputs * outputs * (degree + 1);
}

/** Rough cost of one window in operations: the cell search and degree + 1 polynomials. */
function windowFlops({ batch, inputs, degree }: SplineLayerConstants): number {
  return batch * inputs * (20 + (degree + 1) * (degree + 2));
}

/** Points whose windows are evaluated together; they stay in the processor's first cache. */
const POINTS = 256;
const cells = new Int32Array(POINTS);
const windows = new Float64Array(6 * POINTS);

/** y[b,q] = Σ_p Σ_k W[p,k,q] B_k(x[b,p]). A NaN in x gives NaN in its sample's y. */
export const splineForward = defineKernel({
  name: 'spline-forward',
  wgsl: splineWindowWgsl + forwardWgsl,
  bindings: { x: 'read', weights: 'read', y: 'write' },
  constants,
  lengths: sizes,
  // A workgroup of 64 is a block of outputs by as many samples as fit beside it.
  workgroups({ batch, outputs }) {
    const block = Math.min(outputs, 64);
    const groups = ceilDiv(batch, Math.floor(64 / block));
    return [Math.min(groups, MAX_WORKGROUPS), ceilDiv(outputs, block), ceilDiv(groups, MAX_WORKGROUPS)];
  },
  flops: (sizes) => windowFlops(sizes) + multiplyAdds(sizes),
  reference({ x, weights, y }, grid) {
    const { batch, inputs, outputs, intervals, degree } = grid;
    const points = batch * inputs;
    const rowsPerInput = (intervals + degree) * outputs;
    y.fill(0, 0, batch * outputs);
    for (let first = 0; first < points; first += POINTS) {
      const count = Math.min(POINTS, points - first);
      windowsAt(x, { first, count }, grid, 0, cells, windows);
      for (let i = 0; i < count; i++) {
        const b = Math.floor((first + i) / inputs);
        const p = first + i - b * inputs;
        addRows(y, b * outputs, weights, p * rowsPerInput + cells[i] * outputs, outputs, degree, i * (degree + 1));
      }
    }
  },
});

/** ∂L/∂x[b,p] = Σ_q ∂L/∂y[b,q] Σ_k W[p,k,q] B_k'(x[b,p]). */
export const splineInputGradient = defineKernel({
  name: 'spline-input-gradient',
  wgsl: linearIndexWgsl + splineWindowWgsl + inputGradientWgsl,
  bindings: { x: 'read', weights: 'read', outputGradient: 'read', inputGradient: 'write' },
  constants,
  lengths(constants) {
    const { x, weights, y } = sizes(constants);
    return { x, weights, outputGradient: y, inputGradient: x };
  },
  workgroups: ({ batch, inputs }) => linearGrid(batch * inputs),
  flops: (sizes) => windowFlops(sizes) + multiplyAdds(sizes),
  reference({ x, weights, outputGradient, inputGradient }, grid) {
    const { batch, inputs, outputs, intervals, degree } = grid;
    const points = batch * inputs;
    const rowsPerInput = (intervals + degree) * outputs;
    for (let first = 0; first < points; first += POINTS) {
      const count = Math.min(POINTS, points - first);
      windowsAt(x, { first, count }, grid, 1, cells, windows);
      for (let i = 0; i < count; i++) {
        const b = Math.floor((first + i) / inputs);
        const p = first + i - b * inputs;
        inputGradient[first + i] = dotRows(outputGradient, b * outputs, weights, p * rowsPerInput + cells[i] * outputs, outputs, degree, i * (degree + 1));
      }
    }
  },
});

/** Fewest samples that are worth a tile, and about how many workgroups keep a device busy. */
const TILE_SAMPLES = 512;
const BUSY_WORKGROUPS = 256;

/** Entries of the two i32 accumulators that fit in 16 KiB beside 64 windows; WGSL has the same number. */
const ACCUMULATOR_ENTRIES = 1728;

/** Outputs are split evenly into as few blocks as fit the accumulators. */
function outputBlocks({ outputs, intervals, degree }: SplineLayerConstants): number {
  const most = Math.floor(ACCUMULATOR_ENTRIES / (intervals + degree));
  return ceilDiv(outputs, most);
}

/**
 * Number of partial sums that {@link splineCoefficientGradient} leaves: enough workgroups to fill a device, but each
 * tile at least twice as many samples as coefficients, so that writing the sums costs little beside making them.
 */
export function splineGradientTiles(constants: SplineLayerConstants): number {
  const { batch, inputs, intervals, degree } = constants;
  const wanted = ceilDiv(BUSY_WORKGROUPS, inputs * outputBlocks(constants));
  const most = ceilDiv(batch, Math.max(TILE_SAMPLES, 2 * (intervals + degree)));
  return Math.max(1, Math.min(wanted, most));
}

/**
 * partials[tile,p,k,q] = Σ_{b in tile} B_k(x[b,p]) ∂L/∂y[b,q]; tile t holds samples t·T … min(t·T + T, batch) − 1,
 * T = ⌈batch/tiles⌉. The gradient is the sum over tiles; with one tile it is `partials` itself.
 *
 * On the device sums are made in integers, so they do not depend on the order of execution. A contribution that is not
 * finite makes the whole column partials[tile,p,:,q] NaN there.
 */
export const splineCoefficientGradient = defineKernel({
  name: 'spline-coefficient-gradient',
  wgsl: splineWindowWgsl + coefficientGradientWgsl,
  bindings: { x: 'read', outputGradient: 'read', partials: 'write' },
  constants,
  lengths(constants) {
    const { x, weights, y } = sizes(constants);
    return { x, outputGradient: y, partials: splineGradientTiles(constants) * weights };
  },
  workgroups: (constants) => [splineGradientTiles(constants), constants.inputs, outputBlocks(constants)],
  flops: (sizes) => windowFlops(sizes) + multiplyAdds(sizes),
  reference({ x, outputGradient, partials }, grid) {
    const { batch, inputs, outputs, intervals, degree } = grid;
    const points = batch * inputs;
    const rowsPerInput = (intervals + degree) * outputs;
    const tiles = splineGradientTiles(grid);
    const tileSamples = ceilDiv(batch, tiles);
    partials.fill(0, 0, tiles * inputs * rowsPerInput);
    for (let first = 0; first < points; first += POINTS) {
      const count = Math.min(POINTS, points - first);
      windowsAt(x, { first, count }, grid, 0, cells, windows);
      for (let i = 0; i < count; i++) {
        const b = Math.floor((first + i) / inputs);
        const p = first + i - b * inputs;
        const tile = Math.floor(b / tileSamples) * inputs;
        addToRows(partials, (tile + p) * rowsPerInput + cells[i] * outputs, outputGradient, b * outputs, outputs, degree, i * (degree + 1));
      }
    }
  },
});

// The rows of one window: degree + 1 consecutive rows of weights, `outputs` long, from index `from` on.
// Four rows at once (cubic splines) need half the memory traffic of one at a time.

/** y[to + q] += Σ_j windows[at0 + j] W[j,q] */
function addRows(y: HostArray, to: number, weights: HostArray, from: number, outputs: number, degree: number, at0: number): void {
  if (degree === 3) {
    const [w0, w1, w2, w3] = [windows[at0], windows[at0 + 1], windows[at0 + 2], windows[at0 + 3]];
    const [row1, row2, row3] = [from + outputs, from + 2 * outputs, from + 3 * outputs];
    for (let q = 0; q < outputs; q++) {
      y[to + q] += w0 * weights[from + q] + w1 * weights[row1 + q] + w2 * weights[row2 + q] + w3 * weights[row3 + q];
    }
    return;
  }
  for (let j = 0; j <= degree; j++) {
    const value = windows[at0 + j];
    const row = from + j * outputs;
    for (let q = 0; q < outputs; q++) y[to + q] += value * weights[row + q];
  }
}

/** Σ_q g[at + q] Σ_j windows[at0 + j] W[j,q] */
function dotRows(g: HostArray, at: number, weights: HostArray, from: number, outputs: number, degree: number, at0: number): number {
  let sum = 0;
  if (degree === 3) {
    const [w0, w1, w2, w3] = [windows[at0], windows[at0 + 1], windows[at0 + 2], windows[at0 + 3]];
    const [row1, row2, row3] = [from + outputs, from + 2 * outputs, from + 3 * outputs];
    for (let q = 0; q < outputs; q++) {
      sum +=
        g[at + q] *
        (w0 * weights[from + q] + w1 * weights[row1 + q] + w2 * weights[row2 + q] + w3 * weights[row3 + q]);
    }
    return sum;
  }
  for (let j = 0; j <= degree; j++) {
    const row = from + j * outputs;
    let product = 0;
    for (let q = 0; q < outputs; q++) product += g[at + q] * weights[row + q];
    sum += windows[at0 + j] * product;
  }
  return sum;
}

/** W[j,q] += windows[at0 + j] g[at + q] */
function addToRows(weights: HostArray, to: number, g: HostArray, at: number, outputs: number, degree: number, at0: number): void {
  if (degree === 3) {
    const [w0, w1, w2, w3] = [windows[at0], windows[at0 + 1], windows[at0 + 2], windows[at0 + 3]];
    const [row1, row2, row3] = [to + outputs, to + 2 * outputs, to + 3 * outputs];
    for (let q = 0; q < outputs; q++) {
      const gradient = g[at + q];
      weights[to + q] += w0 * gradient;
      weights[row1 + q] += w1 * gradient;
      weights[row2 + q] += w2 * gradient;
      weights[row3 + q] += w3 * gradient;
    }
    return;
  }
  for (let j = 0; j <= degree; j++) {
    const value = windows[at0 + j];
    const row = to + j * outputs;
    for (let q = 0; q < outputs; q++) weights[row + q] += value * g[at + q];
  }
}
