/**
 * The references of the spline layer (src/kernels/spline-layer.ts) for cubic splines, the default degree.
 *
 * A window that V8 inlines and four rows of weights per step make them faster than the loops that serve every degree.
 * Where WebAssembly is at hand, src/kernels/spline-layer-simd.ts does the same.
 */
import type { WindowGrid } from '../splines/window.ts';
import type { HostArray } from './kernel.ts';

export interface LayerGrid extends WindowGrid {
  readonly inputs: number;
  readonly outputs: number;
}

interface TiledGrid extends LayerGrid {
  readonly batch: number;
  readonly tiles: number;
}

type Buffers<Names extends string> = Readonly<Record<Names, HostArray>>;

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

/** References of the spline layer for cubic splines. */
export interface CubicLoops {
  /** Samples `first` to `end` − 1 of y. */
  forward(buffers: Buffers<'x' | 'weights' | 'y'>, grid: LayerGrid, first: number, end: number): void;
  /** Samples `first` to `end` − 1 of the input gradient. */
  inputGradient(
    buffers: Buffers<'x' | 'weights' | 'outputGradient' | 'inputGradient'>,
    grid: LayerGrid,
    first: number,
    end: number,
  ): void;
  /**
   * partials [tiles, inputs, coefficients, outputs], of which unit t · inputs + p is tile t and input p; units `first` to
   * `end` − 1. They take the samples of their tile in their order, or as the lists of splineCellOrder have them.
   */
  coefficientGradient(
    buffers: Buffers<'x' | 'outputGradient' | 'partials'> & Partial<Buffers<'starts' | 'samples'>>,
    grid: TiledGrid,
    first: number,
    end: number,
  ): void;
}

export const cubicLoops: CubicLoops = {
  forward({ x, weights, y }, { inputs, outputs, intervals, domainStart, domainEnd }, first, end) {
    const cellsPerUnit = intervals / (domainEnd - domainStart);
    y.fill(0, first * outputs, end * outputs);
    for (let b = first; b < end; b++) {
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
          y[to + q] +=
            w0 * weights[row0 + q] + w1 * weights[row1 + q] + w2 * weights[row2 + q] + w3 * weights[row3 + q];
        }
      }
    }
  },

  /** Even and odd outputs are summed apart, as vectors of two do. */
  inputGradient({ x, weights, outputGradient, inputGradient }, grid, first, end) {
    const { inputs, outputs, intervals, domainStart, domainEnd } = grid;
    const cellsPerUnit = intervals / (domainEnd - domainStart);
    for (let b = first; b < end; b++) {
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
        let even = 0;
        let odd = 0;
        for (let q = 0; q < outputs; q++) {
          const slope =
            w0 * weights[row0 + q] + w1 * weights[row1 + q] + w2 * weights[row2 + q] + w3 * weights[row3 + q];
          if ((q & 1) === 0) even += outputGradient[from + q] * slope;
          else odd += outputGradient[from + q] * slope;
        }
        inputGradient[b * inputs + p] = (even + odd) * cellsPerUnit;
      }
    }
  },

  coefficientGradient({ x, outputGradient, starts, samples, partials }, grid, first, end) {
    const { inputs, outputs, intervals, domainStart, domainEnd } = grid;
    const cellsPerUnit = intervals / (domainEnd - domainStart);
    const length = (intervals + 3) * outputs;
    partials.fill(0, first * length, end * length);
    for (let unit = first; unit < end; unit++) {
      const { p, from, count } = unitOf(unit, grid);
      const add = (b: number, listCell?: number) => {
        const cell = evaluate(x[b * inputs + p], domainStart, cellsPerUnit, intervals);
        const row0 = unit * length + (listCell ?? cell) * outputs;
        const row1 = row0 + outputs;
        const row2 = row1 + outputs;
        const row3 = row2 + outputs;
        const w0 = window[0];
        const w1 = window[1];
        const w2 = window[2];
        const w3 = window[3];
        for (let q = 0; q < outputs; q++) {
          const gradient = outputGradient[b * outputs + q];
          partials[row0 + q] += w0 * gradient;
          partials[row1 + q] += w1 * gradient;
          partials[row2 + q] += w2 * gradient;
          partials[row3 + q] += w3 * gradient;
        }
      };
      if (starts && samples) eachListed(starts, samples, unit, intervals, add);
      else for (let b = from; b < from + count; b++) add(b);
    }
  },
};

/** Calls back with every sample of a unit's lists, cell by cell. */
export function eachListed(
  starts: HostArray,
  samples: HostArray,
  unit: number,
  intervals: number,
  call: (sample: number, cell: number) => void,
): void {
  for (let cell = 0; cell < intervals; cell++) {
    const list = unit * (intervals + 1) + cell;
    for (let place = starts[list]; place < starts[list + 1]; place++) call(samples[place], cell);
  }
}

/** Input p of a unit, and the samples of its tile: `count` from `from` on. */
export function unitOf(
  unit: number,
  { batch, inputs, tiles }: Readonly<Record<'batch' | 'inputs' | 'tiles', number>>,
): Readonly<Record<'p' | 'from' | 'count', number>> {
  const tileSamples = Math.ceil(batch / tiles);
  const from = Math.min(Math.floor(unit / inputs) * tileSamples, batch);
  return { p: unit % inputs, from, count: Math.min(tileSamples, batch - from) };
}
