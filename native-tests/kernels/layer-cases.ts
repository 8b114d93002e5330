/** Cases of the kernels that know a spline grid: layers, change of basis, prolongation. */

import type { HostArray, Kernel } from '../../src/kernels/kernel.ts';
import { splineCellOrder, type TiledConstants } from '../../src/kernels/spline-layer-wide.ts';
import { splineWindow } from '../../src/splines/window.ts';
import { type CaseGenerator, type Constants, EPSILON, type Random, sumOfTerms, withOutputs } from './kernel-case.ts';

/** A domain whose ends are float32, and points on it: inside but off the knots, outside, and the ends themselves. */
export function layerConstants(random: Random, mostSamples: number): Constants {
  const [domainStart, domainEnd] = random.pick([
    [-1, 1],
    [-4, 4],
    [0, 1],
    [Math.fround(0.1), Math.fround(0.7)],
  ]);
  return {
    batch: random.integer(1, mostSamples),
    inputs: random.integer(1, 5),
    outputs: random.integer(1, 7),
    intervals: random.integer(1, 20),
    degree: random.integer(1, 5),
    domainStart,
    domainEnd,
  };
}

/** Slopes of degree 1 jump at knots, so a point that rounding could move across one would compare two cells. */
export function points(random: Random, { batch, inputs, intervals, domainStart, domainEnd }: Constants): Float64Array {
  const width = domainEnd - domainStart;
  const draw = () => {
    const kind = random.unit();
    if (kind < 0.05) return domainStart;
    if (kind < 0.1) return domainEnd;
    if (kind < 0.2) return Math.fround(domainStart - random.uniform(0, 2) * width);
    if (kind < 0.3) return Math.fround(domainEnd + random.uniform(0, 2) * width);
    const cell = random.integer(0, intervals - 1);
    return Math.fround(domainStart + ((cell + random.uniform(0.05, 0.95)) * width) / intervals);
  };
  return random.floats(batch * inputs, draw);
}

export const weightCount = ({ inputs, intervals, degree, outputs }: Constants) =>
  inputs * (intervals + degree) * outputs;

/** |values| and |slopes| of the functions at one point, and their error bounds in units of EPSILON. */
interface BasisBounds {
  readonly first: number;
  readonly values: number[];
  readonly valueErrors: number[];
  readonly slopes: number[];
  readonly slopeErrors: number[];
}

type BasisOf = (x: number, constants: Constants) => BasisBounds;

export function cellsFrom(x: number, { intervals, domainStart, domainEnd }: Constants) {
  const cellsPerUnit = intervals / (domainEnd - domainStart);
  const inside = Math.min(Math.max(x, domainStart), domainEnd);
  return {
    cellsPerUnit,
    position: (inside - domainStart) * cellsPerUnit,
    excess: Math.abs(x - inside) * cellsPerUnit,
  };
}

/**
 * ψ_j = (z + d·e)·w·(z w)^{d−1} with z = position − i. The position carries five roundings and z one more of the sizes
 * of both terms, w three; so z is off by `shift` roundings and a power of w z by its degree times that.
 */
function powerReluBounds(x: number, constants: Constants): BasisBounds {
  const { intervals, degree, domainStart, domainEnd } = constants;
  const { position, excess, cellsPerUnit } = cellsFrom(x, constants);
  const width = (domainEnd - domainStart) / intervals;
  const scale = width ** degree;
  const result: BasisBounds = { first: 0, values: [], valueErrors: [], slopes: [], slopeErrors: [] };
  for (let j = 0; j < intervals + degree; j++) {
    const z = position + degree - j;
    const shift = 6 * (position + Math.abs(j - degree));
    const z0 = z ** (degree - 1);
    const z1 = degree > 1 ? (degree - 1) * z ** (degree - 2) : 0;
    const alive = z < 0 ? 0 : scale;
    result.values.push(alive * (z + degree * excess) * z0);
    result.slopes.push(alive * degree * z0 * cellsPerUnit);
    const relative = 5 * degree + 10;
    result.valueErrors.push(
      alive * degree * shift * (z0 + z1 * excess) + relative * alive * (z + degree * excess) * z0,
    );
    result.slopeErrors.push(alive * degree * cellsPerUnit * (z1 * shift + relative * z0));
  }
  return result;
}

/**
 * B-splines in the point's cell. Their polynomials add positive terms of total size ≤ the value plus its slope, and the
 * local coordinate is off by a few roundings of 1; slopes are differences of lower-degree values.
 */
function splineBounds(x: number, constants: Constants): BasisBounds {
  const { intervals, degree } = constants;
  const { position, excess, cellsPerUnit } = cellsFrom(x, constants);
  const cell = Math.min(Math.floor(position), intervals - 1);
  const s = position - cell;
  const values = windowSizes(degree, s, 0);
  const slopes = windowSizes(degree, s, 1);
  const curvatures = windowSizes(degree, s, 2);
  return {
    first: cell,
    values: values.map((value, j) => value + excess * slopes[j]),
    valueErrors: values.map((value, j) => 16 * value + 8 * slopes[j] + excess * (24 * slopes[j] + 8 * curvatures[j])),
    slopes: slopes.map((slope) => slope * cellsPerUnit),
    slopeErrors: slopes.map((slope, j) => (20 * slope + 8 * curvatures[j]) * cellsPerUnit),
  };
}

/** Sizes of the terms whose differences are the m-th derivatives of the window's functions. */
export function windowSizes(degree: number, s: number, derivative: number): number[] {
  const lower = new Float64Array(6);
  if (derivative > degree) return new Array(degree + 1).fill(0);
  if (degree === derivative) lower[0] = 1;
  else splineWindow(degree - derivative, s, 0, lower);
  let sizes = Array.from(lower.subarray(0, degree - derivative + 1), Math.abs);
  for (let step = 0; step < derivative; step++) {
    sizes = Array.from({ length: sizes.length + 1 }, (_, j) => (sizes[j - 1] ?? 0) + (sizes[j] ?? 0));
  }
  return sizes;
}

type ConstantsGenerator = typeof layerConstants;

/** As many outputs as one block of workgroups has, and more. */
const splineConstants: ConstantsGenerator = (random, mostSamples) => {
  const layer = layerConstants(random, mostSamples);
  return random.unit() < 0.8 ? layer : { ...layer, outputs: random.integer(120, 140) };
};

/** Outputs in fours. */
const wideConstants: ConstantsGenerator = (random, mostSamples) => {
  const layer = splineConstants(random, mostSamples);
  return { ...layer, inputs: random.integer(1, 9), outputs: 4 * layer.outputs };
};

function forwardCase(basisOf: BasisOf, constantsOf: ConstantsGenerator): CaseGenerator {
  return (kernel, random) => {
    const constants = constantsOf(random, 200);
    const { batch, inputs, outputs, intervals, degree } = constants;
    const x = points(random, constants);
    const weights = random.floats(weightCount(constants));
    const y = new Float64Array(batch * outputs);
    for (let b = 0; b < batch; b++) {
      for (let p = 0; p < inputs; p++) {
        const { first, values, valueErrors } = basisOf(x[b * inputs + p], constants);
        const additions = inputs * values.length;
        values.forEach((value, j) => {
          const row = (p * (intervals + degree) + first + j) * outputs;
          for (let q = 0; q < outputs; q++) {
            y[b * outputs + q] += Math.abs(weights[row + q]) * (valueErrors[j] + (additions + 2) * value);
          }
        });
      }
    }
    return { constants, buffers: withOutputs(kernel, constants, { x, weights }), bounds: { y } };
  };
}

function inputGradientCase(basisOf: BasisOf, constantsOf: ConstantsGenerator): CaseGenerator {
  return (kernel, random) => {
    const constants = constantsOf(random, 200);
    const { batch, inputs, outputs, intervals, degree } = constants;
    const x = points(random, constants);
    const weights = random.floats(weightCount(constants));
    const outputGradient = random.floats(batch * outputs);
    const inputGradient = new Float64Array(batch * inputs);
    for (let b = 0; b < batch; b++) {
      for (let p = 0; p < inputs; p++) {
        const { first, slopes, slopeErrors } = basisOf(x[b * inputs + p], constants);
        const additions = slopes.length + outputs;
        slopes.forEach((slope, j) => {
          const row = (p * (intervals + degree) + first + j) * outputs;
          for (let q = 0; q < outputs; q++) {
            const product = Math.abs(weights[row + q] * outputGradient[b * outputs + q]);
            inputGradient[b * inputs + p] += product * (slopeErrors[j] + (additions + 3) * slope);
          }
        });
      }
    }
    const buffers = withOutputs(kernel, constants, { x, weights, outputGradient });
    return { constants, buffers, bounds: { inputGradient } };
  };
}

/** Bounds of Σ_b B_k(x[b,p]) g[b,q] for every (p, k, q) where a sum is `additions` roundings deep. */
function weightErrors(basisOf: BasisOf, constants: Constants, x: HostArray, gradient: HostArray, additions: number) {
  const { batch, inputs, outputs, intervals, degree } = constants;
  const errors = new Float64Array(weightCount(constants));
  for (let b = 0; b < batch; b++) {
    for (let p = 0; p < inputs; p++) {
      const { first, values, valueErrors } = basisOf(x[b * inputs + p], constants);
      values.forEach((value, j) => {
        const row = (p * (intervals + degree) + first + j) * outputs;
        for (let q = 0; q < outputs; q++) {
          errors[row + q] += Math.abs(gradient[b * outputs + q]) * (valueErrors[j] + (additions + 2) * value);
        }
      });
    }
  }
  return errors;
}

const powerReluWeightCase: CaseGenerator = (kernel, random) => {
  const constants = layerConstants(random, 700);
  const x = points(random, constants);
  const outputGradient = random.floats(constants.batch * constants.outputs);
  const weightGradient = weightErrors(powerReluBounds, constants, x, outputGradient, 12);
  return {
    constants,
    buffers: withOutputs(kernel, constants, { x, outputGradient }),
    bounds: { weightGradient },
  };
};

/**
 * Sums are made in fixed point: beside float32's own errors each contribution may lose 2^-42 of the largest one of its
 * output, and there are at most `batch` of them. All tiles but one are empty only where the batch is short.
 */
const splineCoefficientCase: CaseGenerator = (kernel, random) => {
  const constants = layerConstants(random, 1500);
  const { batch, inputs, outputs, intervals, degree } = constants;
  const x = points(random, constants);
  const outputGradient = random.floats(batch * outputs);
  const errors = weightErrors(splineBounds, constants, x, outputGradient, 8);
  // Outside by at most two domain widths, slope at most one per cell.
  const largest = outputGradient.reduce((most, value) => Math.max(most, Math.abs(value)), 0) * (1 + 2 * intervals);
  const lost = (batch * largest * 2 ** -42) / EPSILON;
  const tiles = kernel.lengths(constants).partials / (inputs * (intervals + degree) * outputs);
  const partials = Float64Array.from({ length: tiles * errors.length }, (_, i) => errors[i % errors.length] + lost);
  const buffers = withOutputs(kernel, constants, { x, outputGradient });
  return { constants, buffers, bounds: { partials }, spreadsNan: true };
};

const withTiles = (random: Random, layer: Constants): Constants => ({ ...layer, tiles: random.integer(1, 5) });

/** More inputs and intervals than a workgroup counts at once, too. */
const cellOrderCase: CaseGenerator = (kernel, random) => {
  const { outputs: _, ...layer } = layerConstants(random, 300);
  const inputs = random.integer(1, 70);
  const constants = withTiles(random, { ...layer, inputs, intervals: random.pick([layer.intervals, 300, 4096]) });
  return { constants, buffers: withOutputs(kernel, constants, { x: points(random, constants) }), bounds: {} };
};

const wideCoefficientCase: CaseGenerator = (kernel, random) => {
  const constants = withTiles(random, wideConstants(random, 700));
  const { batch, outputs, tiles } = constants;
  const x = points(random, constants);
  const outputGradient = random.floats(batch * outputs);
  const { starts, samples } = withOutputs(splineCellOrder, constants, { x });
  splineCellOrder.reference({ x, starts, samples }, constants as TiledConstants);
  const errors = weightErrors(splineBounds, constants, x, outputGradient, 8);
  const partials = Float64Array.from({ length: tiles * errors.length }, (_, i) => errors[i % errors.length]);
  const buffers = withOutputs(kernel, constants, { x, outputGradient, starts, samples });
  return { constants, buffers, bounds: { partials } };
};

/** Signs along the coefficient axis, such that A's alternating diagonals cancel nothing. */
function alternating(values: HostArray, { inputs, intervals, degree, outputs }: Constants): Float64Array {
  const coefficients = values.length / (inputs * outputs) || intervals + degree;
  return Float64Array.from(values, (value, i) => {
    const k = Math.floor(i / outputs) % coefficients;
    return k % 2 === 0 ? Math.abs(value) : -Math.abs(value);
  });
}

function gridConstants(random: Random): Constants {
  const { batch: _, ...constants } = layerConstants(random, 1);
  return { ...constants, inputs: random.integer(1, 12), outputs: random.integer(1, 12) };
}

/** The scale h^−d/d! costs eight roundings per factor. */
function bandedCase(kernel: Kernel, random: Random, options: { solve: boolean }) {
  const constants = gridConstants(random);
  const { intervals, degree } = constants;
  const input = random.floats(weightCount(constants));
  const scaleRoundings = 8 * degree + 4;
  // A path through the running sums takes one addition per coefficient and one per sum.
  if (options.solve) {
    const roundings = scaleRoundings + intervals + 2 * degree + 1;
    return sumOfTerms(kernel, { constants, inputs: { input }, roundings });
  }
  const worst = { input: alternating(input, constants) };
  return sumOfTerms(kernel, { constants, inputs: { input }, worst, roundings: scaleRoundings + degree + 3 });
}

const prolongateCase: CaseGenerator = (kernel, random) => {
  const { domainStart: _, domainEnd: __, ...constants } = gridConstants(random);
  const coarse = random.floats(weightCount(constants));
  return sumOfTerms(kernel, { constants, inputs: { coarse }, roundings: constants.degree + 4 });
};

export const layerCases: Record<string, CaseGenerator> = {
  'power-relu-forward': forwardCase(powerReluBounds, layerConstants),
  'power-relu-input-gradient': inputGradientCase(powerReluBounds, layerConstants),
  'power-relu-weight-gradient': powerReluWeightCase,
  'spline-forward': forwardCase(splineBounds, splineConstants),
  'spline-input-gradient': inputGradientCase(splineBounds, splineConstants),
  'spline-coefficient-gradient': splineCoefficientCase,
  'spline-forward-wide': forwardCase(splineBounds, wideConstants),
  'spline-input-gradient-wide': inputGradientCase(splineBounds, wideConstants),
  'spline-cell-order': cellOrderCase,
  'spline-coefficient-gradient-wide': wideCoefficientCase,
  'banded-multiply': (kernel, random) => bandedCase(kernel, random, { solve: false }),
  'banded-transpose-multiply': (kernel, random) => bandedCase(kernel, random, { solve: false }),
  'banded-solve': (kernel, random) => bandedCase(kernel, random, { solve: true }),
  'banded-transpose-solve': (kernel, random) => bandedCase(kernel, random, { solve: true }),
  prolongate: prolongateCase,
};
