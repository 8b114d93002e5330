/**
 * The references of the spline layer on jets (src/kernels/spline-jet.ts): the CPU backend's loops.
 *
 * φ, φ' and φ'' of an input's edges are made once and then serve all directions, in second order two at a time, so that
 * they are loaded half as often. Everything is in units of the cell: jets are scaled when they are read, gradients when
 * they are written.
 */
import { type DerivativeWindows, derivativeWindowsAt } from '../splines/derivative-windows.ts';
import type { WindowGrid } from '../splines/window.ts';
import { jetChannels } from './jet.ts';
import type { HostArray } from './kernel.ts';
import { contract, scatter } from './spline-jet-rows.ts';

export interface SplineJetConstants extends WindowGrid {
  readonly batch: number;
  readonly inputs: number;
  readonly outputs: number;
  readonly directions: number;
  readonly order: number;
}

/** Points whose windows are evaluated together: enough to amortise the call, few enough to stay in the cache. */
const POINTS = 64;

/** Samples, or other units, from `first` to `end` − 1. */
interface Range {
  readonly first: number;
  readonly end: number;
}

/** The windows of a few samples at a time, at all of their inputs or some. */
class Windows {
  readonly cells: Int32Array;
  readonly derivatives: DerivativeWindows;
  readonly #x: HostArray;
  readonly #grid: SplineJetConstants;
  readonly #range: Range;
  readonly #inputs: Range;
  readonly #samples: number;
  readonly #points: Float64Array;

  constructor(x: HostArray, grid: SplineJetConstants, range: Range, inputs: Range = { first: 0, end: grid.inputs }) {
    this.#range = range;
    this.#inputs = inputs;
    this.#x = x;
    this.#grid = grid;
    const width = inputs.end - inputs.first;
    this.#samples = Math.max(1, Math.floor(POINTS / width));
    const points = this.#samples * width;
    const windows = () => new Float64Array(points * (grid.degree + 1));
    this.#points = new Float64Array(points);
    this.cells = new Int32Array(points);
    this.derivatives = [windows(), windows(), windows(), windows()];
  }

  /** Place of sample b's first input of those. Samples of the range are asked for in order. */
  place(b: number): number {
    const { first, end } = this.#inputs;
    const slot = (b - this.#range.first) % this.#samples;
    if (slot === 0) {
      let count = 0;
      for (let sample = b; sample < Math.min(b + this.#samples, this.#range.end); sample++) {
        for (let p = first; p < end; p++) this.#points[count++] = this.#x[sample * this.#grid.inputs + p];
      }
      derivativeWindowsAt(this.#points, { first: 0, count }, this.#grid, this.cells, this.derivatives);
    }
    return slot * (end - first);
  }
}

/** What the loops over directions need to know. */
interface Shape {
  readonly outputs: number;
  readonly directions: number;
  readonly order: number;
  /** Elements of one channel of x and of y. */
  readonly xPlane: number;
  readonly yPlane: number;
  readonly cellsPerUnit: number;
}

function shapeOf({ batch, inputs, outputs, directions, order, ...grid }: SplineJetConstants): Shape {
  const cellsPerUnit = grid.intervals / (grid.domainEnd - grid.domainStart);
  return { outputs, directions, order, xPlane: batch * inputs, yPlane: batch * outputs, cellsPerUnit };
}

export function jetForward(
  x: HostArray,
  weights: HostArray,
  y: HostArray,
  jet: SplineJetConstants,
  range: Range,
): void {
  const { inputs, outputs, intervals, degree } = jet;
  const shape = shapeOf(jet);
  const windows = new Windows(x, jet, range);
  const [b0, b1, b2] = windows.derivatives;
  const rows = [b0, b1, b2] as const;
  const edges = new Float64Array(3 * outputs);
  for (let plane = 0; plane < jetChannels(jet) * shape.yPlane; plane += shape.yPlane) {
    y.fill(0, plane + range.first * outputs, plane + range.end * outputs);
  }
  for (let b = range.first; b < range.end; b++) {
    let point = windows.place(b);
    const to = b * outputs;
    for (let p = 0; p < inputs; p++, point++) {
      const row = (p * (intervals + degree) + windows.cells[point]) * outputs;
      contract(rows, point * (degree + 1), degree, weights, row, outputs, edges);
      for (let q = 0; q < outputs; q++) y[to + q] += edges[q];
      addDirections(x, b * inputs + p, edges, y, to, shape);
    }
  }
}

/** y' += φ' x' and y'' += φ'' x'² + φ' x'' for one sample and input; `from` and `to` are their places in channel 0. */
function addDirections(x: HostArray, from: number, edges: Float64Array, y: HostArray, to: number, shape: Shape): void {
  const { outputs, directions, order, xPlane, yPlane, cellsPerUnit } = shape;
  let j = 0;
  if (order === 1) {
    for (; j < directions; j++) {
      from += xPlane;
      to += yPlane;
      const dx = cellsPerUnit * x[from];
      for (let q = 0; q < outputs; q++) y[to + q] += dx * edges[outputs + q];
    }
    return;
  }
  for (; j + 1 < directions; j += 2) {
    addTwo(x, from, edges, y, to, shape);
    from += 4 * xPlane;
    to += 4 * yPlane;
  }
  if (j < directions) addOne(x, from, edges, y, to, shape);
}

function addTwo(x: HostArray, from: number, edges: Float64Array, y: HostArray, to: number, shape: Shape): void {
  const { outputs, xPlane, yPlane, cellsPerUnit } = shape;
  const dx = cellsPerUnit * x[from + xPlane];
  const ddx = cellsPerUnit * x[from + 2 * xPlane];
  const dz = cellsPerUnit * x[from + 3 * xPlane];
  const ddz = cellsPerUnit * x[from + 4 * xPlane];
  const to1 = to + yPlane;
  const to2 = to1 + yPlane;
  const to3 = to2 + yPlane;
  const to4 = to3 + yPlane;
  for (let q = 0; q < outputs; q++) {
    const slope = edges[outputs + q];
    const curvature = edges[2 * outputs + q];
    y[to1 + q] += slope * dx;
    y[to2 + q] += curvature * (dx * dx) + slope * ddx;
    y[to3 + q] += slope * dz;
    y[to4 + q] += curvature * (dz * dz) + slope * ddz;
  }
}

function addOne(x: HostArray, from: number, edges: Float64Array, y: HostArray, to: number, shape: Shape): void {
  const { outputs, xPlane, yPlane, cellsPerUnit } = shape;
  const dx = cellsPerUnit * x[from + xPlane];
  const ddx = cellsPerUnit * x[from + 2 * xPlane];
  const to1 = to + yPlane;
  const to2 = to1 + yPlane;
  for (let q = 0; q < outputs; q++) {
    const slope = edges[outputs + q];
    y[to1 + q] += slope * dx;
    y[to2 + q] += edges[2 * outputs + q] * (dx * dx) + slope * ddx;
  }
}

export function jetInputGradient(
  x: HostArray,
  weights: HostArray,
  outputGradient: HostArray,
  inputGradient: HostArray,
  jet: SplineJetConstants,
  range: Range,
): void {
  const { inputs, outputs, intervals, degree } = jet;
  const shape = shapeOf(jet);
  const windows = new Windows(x, jet, range);
  const [, b1, b2, b3] = windows.derivatives;
  const rows = [b1, b2, b3] as const;
  const slopes = new Float64Array(3 * outputs);
  const directionGradients = jet.order === 1 ? firstOrderGradients : secondOrderGradients;
  for (let b = range.first; b < range.end; b++) {
    let point = windows.place(b);
    const from = b * outputs;
    for (let p = 0; p < inputs; p++, point++) {
      const row = (p * (intervals + degree) + windows.cells[point]) * outputs;
      contract(rows, point * (degree + 1), degree, weights, row, outputs, slopes);
      const at = b * inputs + p;
      let gradient = directionGradients(x, at, slopes, outputGradient, from, inputGradient, shape);
      for (let q = 0; q < outputs; q++) gradient += outputGradient[from + q] * slopes[q];
      inputGradient[at] = shape.cellsPerUnit * gradient;
    }
  }
}

/** Writes ∂x' = Σ g' φ' of one sample and input for every direction; returns their share Σ g' φ'' x' of ∂x. */
function firstOrderGradients(
  x: HostArray,
  at: number,
  slopes: Float64Array,
  outputGradient: HostArray,
  from: number,
  inputGradient: HostArray,
  { outputs, directions, xPlane, yPlane, cellsPerUnit }: Shape,
): number {
  let gradient = 0;
  for (let j = 0; j < directions; j++) {
    at += xPlane;
    from += yPlane;
    let first = 0;
    let mixed = 0;
    for (let q = 0; q < outputs; q++) {
      const g = outputGradient[from + q];
      first += g * slopes[q];
      mixed += g * slopes[outputs + q];
    }
    inputGradient[at] = cellsPerUnit * first;
    gradient += mixed * cellsPerUnit * x[at];
  }
  return gradient;
}

/** Writes ∂x' = Σ g' φ' + 2 g'' φ'' x' and ∂x'' = Σ g'' φ'; returns Σ g' φ'' x' + g'' (φ''' x'² + φ'' x''). */
function secondOrderGradients(
  x: HostArray,
  at: number,
  slopes: Float64Array,
  outputGradient: HostArray,
  from: number,
  inputGradient: HostArray,
  { outputs, directions, xPlane, yPlane, cellsPerUnit }: Shape,
): number {
  let gradient = 0;
  for (let j = 0; j < directions; j++) {
    const at1 = at + (1 + 2 * j) * xPlane;
    const at2 = at1 + xPlane;
    const from1 = from + (1 + 2 * j) * yPlane;
    const from2 = from1 + yPlane;
    let first = 0;
    let second = 0;
    let firstMixed = 0;
    let secondMixed = 0;
    let third = 0;
    for (let q = 0; q < outputs; q++) {
      const g1 = outputGradient[from1 + q];
      const g2 = outputGradient[from2 + q];
      const slope = slopes[q];
      const curvature = slopes[outputs + q];
      first += g1 * slope;
      second += g2 * slope;
      firstMixed += g1 * curvature;
      secondMixed += g2 * curvature;
      third += g2 * slopes[2 * outputs + q];
    }
    const dx = cellsPerUnit * x[at1];
    inputGradient[at1] = cellsPerUnit * (first + 2 * secondMixed * dx);
    inputGradient[at2] = cellsPerUnit * second;
    gradient += firstMixed * dx + third * dx * dx + secondMixed * cellsPerUnit * x[at2];
  }
  return gradient;
}

/** A unit is a tile and an input: number tile · inputs + p. */
export function jetCoefficientGradient(
  x: HostArray,
  outputGradient: HostArray,
  partials: HostArray,
  jet: SplineJetConstants,
  tileSamples: number,
  units: Range,
): void {
  const { batch, inputs, outputs, intervals, degree } = jet;
  const shape = shapeOf(jet);
  const length = (intervals + degree) * outputs;
  partials.fill(0, units.first * length, units.end * length);
  const factors = new Float64Array(3 * outputs);
  for (let tile = Math.floor(units.first / inputs); tile * inputs < units.end; tile++) {
    const samples = { first: tile * tileSamples, end: Math.min((tile + 1) * tileSamples, batch) };
    const own = {
      first: Math.max(units.first - tile * inputs, 0),
      end: Math.min(units.end - tile * inputs, inputs),
    };
    const windows = new Windows(x, jet, samples, own);
    const [b0, b1, b2] = windows.derivatives;
    const rows = [b0, b1, b2] as const;
    for (let b = samples.first; b < samples.end; b++) {
      let point = windows.place(b);
      const from = b * outputs;
      for (let q = 0; q < outputs; q++) factors[q] = outputGradient[from + q];
      for (let p = own.first; p < own.end; p++, point++) {
        gatherDirections(x, b * inputs + p, outputGradient, from, factors, shape);
        const row = (tile * inputs + p) * length + windows.cells[point] * outputs;
        scatter(rows, point * (degree + 1), degree, factors, partials, row, outputs);
      }
    }
  }
}

/** Sums over directions for one sample and input: factors[outputs + q] = Σ g' x' + g'' x'', [2 outputs + q] = Σ g'' x'². */
function gatherDirections(
  x: HostArray,
  at: number,
  outputGradient: HostArray,
  from: number,
  factors: Float64Array,
  shape: Shape,
): void {
  const { outputs, directions, order, xPlane, yPlane, cellsPerUnit } = shape;
  for (let entry = outputs; entry < 3 * outputs; entry++) factors[entry] = 0;
  let j = 0;
  if (order === 1) {
    for (; j < directions; j++) {
      at += xPlane;
      from += yPlane;
      const dx = cellsPerUnit * x[at];
      for (let q = 0; q < outputs; q++) factors[outputs + q] += dx * outputGradient[from + q];
    }
    return;
  }
  for (; j + 1 < directions; j += 2) {
    gatherTwo(x, at, outputGradient, from, factors, shape);
    at += 4 * xPlane;
    from += 4 * yPlane;
  }
  if (j < directions) gatherOne(x, at, outputGradient, from, factors, shape);
}

function gatherTwo(
  x: HostArray,
  at: number,
  outputGradient: HostArray,
  from: number,
  factors: Float64Array,
  { outputs, xPlane, yPlane, cellsPerUnit }: Shape,
): void {
  const dx = cellsPerUnit * x[at + xPlane];
  const ddx = cellsPerUnit * x[at + 2 * xPlane];
  const dz = cellsPerUnit * x[at + 3 * xPlane];
  const ddz = cellsPerUnit * x[at + 4 * xPlane];
  const from1 = from + yPlane;
  const from2 = from1 + yPlane;
  const from3 = from2 + yPlane;
  const from4 = from3 + yPlane;
  for (let q = 0; q < outputs; q++) {
    const g2 = outputGradient[from2 + q];
    const g4 = outputGradient[from4 + q];
    factors[outputs + q] += dx * outputGradient[from1 + q] + ddx * g2 + dz * outputGradient[from3 + q] + ddz * g4;
    factors[2 * outputs + q] += dx * dx * g2 + dz * dz * g4;
  }
}

function gatherOne(
  x: HostArray,
  at: number,
  outputGradient: HostArray,
  from: number,
  factors: Float64Array,
  { outputs, xPlane, yPlane, cellsPerUnit }: Shape,
): void {
  const dx = cellsPerUnit * x[at + xPlane];
  const ddx = cellsPerUnit * x[at + 2 * xPlane];
  const from1 = from + yPlane;
  const from2 = from1 + yPlane;
  for (let q = 0; q < outputs; q++) {
    const g2 = outputGradient[from2 + q];
    factors[outputs + q] += dx * outputGradient[from1 + q] + ddx * g2;
    factors[2 * outputs + q] += dx * dx * g2;
  }
}

/**
 * Writes the derivatives of one point's residual by the coefficients of a layer: those of slot (p, ρ, q), as
 * src/kernels/jacobian-rows.ts numbers them, to values[at + …] and their places to columns[at + …].
 */
export function jetJacobianRow(
  x: HostArray,
  adjoint: HostArray,
  jet: SplineJetConstants,
  firstColumn: number,
): (point: number, values: HostArray, columns: HostArray, at: number) => void {
  const { inputs, outputs, intervals, degree } = jet;
  const shape = shapeOf(jet);
  const stride = degree + 1;
  const cells = new Int32Array(inputs);
  const windows = () => new Float64Array(inputs * stride);
  const derivatives: DerivativeWindows = [windows(), windows(), windows(), windows()];
  const [b0, b1, b2] = derivatives;
  const factors = new Float64Array(3 * outputs);
  return (point, values, columns, at) => {
    derivativeWindowsAt(x, { first: point * inputs, count: inputs }, jet, cells, derivatives);
    const from = point * outputs;
    for (let q = 0; q < outputs; q++) factors[q] = adjoint[from + q];
    for (let p = 0; p < inputs; p++) {
      gatherDirections(x, point * inputs + p, adjoint, from, factors, shape);
      const first = firstColumn + p * (intervals + degree) * outputs;
      for (let j = 0; j < stride; j++) {
        const k = cells[p] + j;
        const to = at + (p * stride + (k % stride)) * outputs;
        const column = first + k * outputs;
        const window = p * stride + j;
        for (let q = 0; q < outputs; q++) {
          values[to + q] =
            b0[window] * factors[q] + b1[window] * factors[outputs + q] + b2[window] * factors[2 * outputs + q];
          columns[to + q] = column + q;
        }
      }
    }
  };
}
