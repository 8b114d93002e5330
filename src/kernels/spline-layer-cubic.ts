/**
 * The references of the spline layer (src/kernels/spline-layer.ts) for cubic splines, the default degree.
 *
 * They are the CPU backend's inner loops: a window that V8 inlines and four rows of weights per step make them two to
 * three times as fast as the loops that serve every degree.
 */
import type { WindowGrid } from '../splines/window.ts';
import type { HostArray } from './kernel.ts';

export interface LayerGrid extends WindowGrid {
  readonly inputs: number;
  readonly outputs: number;
}

const window = new Float64Array(4);

/** Fills `window` with values, linear continuation included, and returns the cell. NaN gives NaN and cell 0. */
function evaluate(x: number, start: number, cellsPerUnit: number, intervals: number): number {
  const position = (x - start) * cellsPerUnit;
  const inside = holdInside(position, intervals);
  const cell = cellOf(inside, intervals);
  const s = inside - cell;
  const t = 1 - s;
  window[0] = (1 / 6) * t * t * t;
  window[1] = 2 / 3 + s * s * (0.5 * s - 1);
  window[2] = 2 / 3 + t * t * (0.5 * t - 1);
  window[3] = (1 / 6) * s * s * s;
  if (inside !== position) continueLinearly(s, position - inside);
  return cell;
}

/** Adds slope times distance, in cells, at an end of the domain, where s is 0 or 1. */
function continueLinearly(s: number, distance: number): void {
  window[0] -= 0.5 * distance * (1 - s);
  window[1] -= 0.5 * distance * s;
  window[2] += 0.5 * distance * (1 - s);
  window[3] += 0.5 * distance * s;
}

/** Fills `window` with slopes per cell width and returns the cell. */
function evaluateSlopes(x: number, start: number, cellsPerUnit: number, intervals: number): number {
  const position = (x - start) * cellsPerUnit;
  const inside = holdInside(position, intervals);
  const cell = cellOf(inside, intervals);
  const s = inside - cell;
  const t = 1 - s;
  window[0] = -0.5 * t * t;
  window[1] = (1.5 * s - 2) * s;
  window[2] = (2 - 1.5 * t) * t;
  window[3] = 0.5 * s * s;
  return cell;
}

function holdInside(position: number, intervals: number): number {
  if (position < 0) return 0;
  if (position > intervals) return intervals;
  return position;
}

function cellOf(position: number, intervals: number): number {
  const cell = position | 0;
  return cell < intervals ? cell : intervals - 1;
}

/**
 * Adds to samples `first` to `end` − 1 of y, which the caller has cleared. Two inputs at a time, so that y is loaded and
 * stored half as often; an odd one goes with itself, times zero.
 */
export function cubicForward(
  x: HostArray,
  weights: HostArray,
  y: HostArray,
  grid: LayerGrid,
  first: number,
  end: number,
): void {
  const { inputs, outputs, intervals, domainStart, domainEnd } = grid;
  const cellsPerUnit = intervals / (domainEnd - domainStart);
  for (let b = first; b < end; b++) {
    const to = b * outputs;
    for (let p = 0; p < inputs; p += 2) {
      const cell = evaluate(x[b * inputs + p], domainStart, cellsPerUnit, intervals);
      const a0 = window[0];
      const a1 = window[1];
      const a2 = window[2];
      const a3 = window[3];
      const u0 = (p * (intervals + 3) + cell) * outputs;
      const u1 = u0 + outputs;
      const u2 = u1 + outputs;
      const u3 = u2 + outputs;
      let v0 = u0;
      if (p + 1 < inputs) {
        const other = evaluate(x[b * inputs + p + 1], domainStart, cellsPerUnit, intervals);
        v0 = ((p + 1) * (intervals + 3) + other) * outputs;
      } else window.fill(0);
      const c0 = window[0];
      const c1 = window[1];
      const c2 = window[2];
      const c3 = window[3];
      const v1 = v0 + outputs;
      const v2 = v1 + outputs;
      const v3 = v2 + outputs;
      for (let q = 0; q < outputs; q++) {
        const own = a0 * weights[u0 + q] + a1 * weights[u1 + q] + a2 * weights[u2 + q] + a3 * weights[u3 + q];
        const other = c0 * weights[v0 + q] + c1 * weights[v1 + q] + c2 * weights[v2 + q] + c3 * weights[v3 + q];
        y[to + q] = y[to + q] + own + other;
      }
    }
  }
}

/**
 * Samples `first` to `end` − 1, two inputs at a time as in {@link cubicForward}. Even and odd outputs are summed apart,
 * as vectors of two do.
 */
export function cubicInputGradient(
  x: HostArray,
  weights: HostArray,
  outputGradient: HostArray,
  inputGradient: HostArray,
  grid: LayerGrid,
  first: number,
  end: number,
): void {
  const { inputs, outputs, intervals, domainStart, domainEnd } = grid;
  const cellsPerUnit = intervals / (domainEnd - domainStart);
  for (let b = first; b < end; b++) {
    const from = b * outputs;
    for (let p = 0; p < inputs; p += 2) {
      const cell = evaluateSlopes(x[b * inputs + p], domainStart, cellsPerUnit, intervals);
      const a0 = window[0];
      const a1 = window[1];
      const a2 = window[2];
      const a3 = window[3];
      const u0 = (p * (intervals + 3) + cell) * outputs;
      const u1 = u0 + outputs;
      const u2 = u1 + outputs;
      const u3 = u2 + outputs;
      let v0 = u0;
      if (p + 1 < inputs) {
        const other = evaluateSlopes(x[b * inputs + p + 1], domainStart, cellsPerUnit, intervals);
        v0 = ((p + 1) * (intervals + 3) + other) * outputs;
      }
      const c0 = window[0];
      const c1 = window[1];
      const c2 = window[2];
      const c3 = window[3];
      const v1 = v0 + outputs;
      const v2 = v1 + outputs;
      const v3 = v2 + outputs;
      let own = 0;
      let ownOdd = 0;
      let other = 0;
      let otherOdd = 0;
      for (let q = 0; q < outputs; q++) {
        const even = outputGradient[from + q];
        own += even * (a0 * weights[u0 + q] + a1 * weights[u1 + q] + a2 * weights[u2 + q] + a3 * weights[u3 + q]);
        other += even * (c0 * weights[v0 + q] + c1 * weights[v1 + q] + c2 * weights[v2 + q] + c3 * weights[v3 + q]);
        if (++q === outputs) break;
        const odd = outputGradient[from + q];
        ownOdd += odd * (a0 * weights[u0 + q] + a1 * weights[u1 + q] + a2 * weights[u2 + q] + a3 * weights[u3 + q]);
        otherOdd += odd * (c0 * weights[v0 + q] + c1 * weights[v1 + q] + c2 * weights[v2 + q] + c3 * weights[v3 + q]);
      }
      inputGradient[b * inputs + p] = (own + ownOdd) * cellsPerUnit;
      if (p + 1 < inputs) inputGradient[b * inputs + p + 1] = (other + otherOdd) * cellsPerUnit;
    }
  }
}

/**
 * Adds the sums over some samples for input p to partials[at + …], which the caller has cleared. A sample waits for
 * another one in its cell, so that the sums are loaded and stored half as often.
 */
export function cubicCoefficientGradient(
  x: HostArray,
  outputGradient: HostArray,
  partials: HostArray,
  at: number,
  { inputs, outputs, intervals, domainStart, domainEnd }: LayerGrid,
  p: number,
  { first, end }: { readonly first: number; readonly end: number },
): void {
  const cellsPerUnit = intervals / (domainEnd - domainStart);
  /** One more than the sample that waits in a cell, 0 for none, and its window. */
  const waiting = new Int32Array(intervals);
  const windows = new Float64Array(4 * intervals);
  for (let b = first; b < end; b++) {
    const cell = evaluate(x[b * inputs + p], domainStart, cellsPerUnit, intervals);
    const other = waiting[cell];
    if (other === 0) {
      waiting[cell] = b + 1;
      for (let row = 0; row < 4; row++) windows[4 * cell + row] = window[row];
      continue;
    }
    waiting[cell] = 0;
    const a0 = windows[4 * cell];
    const a1 = windows[4 * cell + 1];
    const a2 = windows[4 * cell + 2];
    const a3 = windows[4 * cell + 3];
    const c0 = window[0];
    const c1 = window[1];
    const c2 = window[2];
    const c3 = window[3];
    const row0 = at + cell * outputs;
    const row1 = row0 + outputs;
    const row2 = row1 + outputs;
    const row3 = row2 + outputs;
    for (let q = 0; q < outputs; q++) {
      const u = outputGradient[(other - 1) * outputs + q];
      const v = outputGradient[b * outputs + q];
      partials[row0 + q] += a0 * u + c0 * v;
      partials[row1 + q] += a1 * u + c1 * v;
      partials[row2 + q] += a2 * u + c2 * v;
      partials[row3 + q] += a3 * u + c3 * v;
    }
  }
  for (let cell = 0; cell < intervals; cell++) {
    if (waiting[cell] === 0) continue;
    const from = (waiting[cell] - 1) * outputs;
    for (let row = 0; row < 4; row++) {
      const value = windows[4 * cell + row];
      const to = at + (cell + row) * outputs;
      for (let q = 0; q < outputs; q++) partials[to + q] += value * outputGradient[from + q];
    }
  }
}

/** Adds the samples of one list, places `first` to `end` − 1 of `samples`, all of them of one cell, whose rows begin at `row0`. */
export function cubicListGradient(
  {
    x,
    outputGradient,
    samples,
    partials,
  }: Readonly<Record<'x' | 'outputGradient' | 'samples' | 'partials', HostArray>>,
  { inputs, outputs, intervals, domainStart, domainEnd }: LayerGrid,
  { p, first, end, row0 }: Readonly<Record<'p' | 'first' | 'end' | 'row0', number>>,
): void {
  const cellsPerUnit = intervals / (domainEnd - domainStart);
  const row1 = row0 + outputs;
  const row2 = row1 + outputs;
  const row3 = row2 + outputs;
  for (let place = first; place < end; place++) {
    evaluate(x[samples[place] * inputs + p], domainStart, cellsPerUnit, intervals);
    const from = samples[place] * outputs;
    const w0 = window[0];
    const w1 = window[1];
    const w2 = window[2];
    const w3 = window[3];
    for (let q = 0; q < outputs; q++) {
      const gradient = outputGradient[from + q];
      partials[row0 + q] += w0 * gradient;
      partials[row1 + q] += w1 * gradient;
      partials[row2 + q] += w2 * gradient;
      partials[row3 + q] += w3 * gradient;
    }
  }
}
