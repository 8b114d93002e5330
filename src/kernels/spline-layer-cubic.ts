/**
 * The references of the spline layer (src/kernels/spline-layer.ts) for cubic splines, the default degree.
 *
 * They are the CPU backend's inner loops: a window that V8 inlines and four rows of weights per step make them two to
 * three times as fast as the loops that serve every degree.
 */
import type { WindowGrid } from '../splines/window.ts';
import type { HostArray } from './kernel.ts';

interface LayerGrid extends WindowGrid {
  readonly batch: number;
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

/** Adds to y, which the caller has cleared. */
export function cubicForward(x: HostArray, weights: HostArray, y: HostArray, grid: LayerGrid): void {
  const { batch, inputs, outputs, intervals, domainStart, domainEnd } = grid;
  const cellsPerUnit = intervals / (domainEnd - domainStart);
  for (let b = 0; b < batch; b++) {
    const to = b * outputs;
    for (let p = 0; p < inputs; p++) {
      const cell = evaluate(x[b * inputs + p], domainStart, cellsPerUnit, intervals);
      const w0 = window[0];
      const w1 = window[1];
      const w2 = window[2];
      const w3 = window[3];
      const row0 = (p * (intervals + 3) + cell) * outputs;
      const row1 = row0 + outputs;
      const row2 = row1 + outputs;
      const row3 = row2 + outputs;
      for (let q = 0; q < outputs; q++) {
        y[to + q] += w0 * weights[row0 + q] + w1 * weights[row1 + q] + w2 * weights[row2 + q] + w3 * weights[row3 + q];
      }
    }
  }
}

export function cubicInputGradient(
  x: HostArray,
  weights: HostArray,
  outputGradient: HostArray,
  inputGradient: HostArray,
  grid: LayerGrid,
): void {
  const { batch, inputs, outputs, intervals, domainStart, domainEnd } = grid;
  const cellsPerUnit = intervals / (domainEnd - domainStart);
  for (let b = 0; b < batch; b++) {
    const from = b * outputs;
    for (let p = 0; p < inputs; p++) {
      const cell = evaluateSlopes(x[b * inputs + p], domainStart, cellsPerUnit, intervals);
      const w0 = window[0];
      const w1 = window[1];
      const w2 = window[2];
      const w3 = window[3];
      const row0 = (p * (intervals + 3) + cell) * outputs;
      const row1 = row0 + outputs;
      const row2 = row1 + outputs;
      const row3 = row2 + outputs;
      let sum = 0;
      for (let q = 0; q < outputs; q++) {
        const slope = w0 * weights[row0 + q] + w1 * weights[row1 + q] + w2 * weights[row2 + q] + w3 * weights[row3 + q];
        sum += outputGradient[from + q] * slope;
      }
      inputGradient[b * inputs + p] = sum * cellsPerUnit;
    }
  }
}

/** Adds to partials, which the caller has cleared. */
export function cubicCoefficientGradient(
  x: HostArray,
  outputGradient: HostArray,
  partials: HostArray,
  grid: LayerGrid,
  tileSamples: number,
): void {
  const { batch, inputs, outputs, intervals, domainStart, domainEnd } = grid;
  const cellsPerUnit = intervals / (domainEnd - domainStart);
  for (let b = 0; b < batch; b++) {
    const from = b * outputs;
    const tile = Math.floor(b / tileSamples);
    for (let p = 0; p < inputs; p++) {
      const cell = evaluate(x[b * inputs + p], domainStart, cellsPerUnit, intervals);
      const w0 = window[0];
      const w1 = window[1];
      const w2 = window[2];
      const w3 = window[3];
      const row0 = ((tile * inputs + p) * (intervals + 3) + cell) * outputs;
      const row1 = row0 + outputs;
      const row2 = row1 + outputs;
      const row3 = row2 + outputs;
      for (let q = 0; q < outputs; q++) {
        const gradient = outputGradient[from + q];
        partials[row0 + q] += w0 * gradient;
        partials[row1 + q] += w1 * gradient;
        partials[row2 + q] += w2 * gradient;
        partials[row3 + q] += w3 * gradient;
      }
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
