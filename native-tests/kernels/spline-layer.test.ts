import { expect } from 'chai';
import type { Backend } from '../../src/backend/backend.ts';
import { dispatch } from '../../src/backend/dispatch.ts';
import { WebGpuBackend } from '../../src/backend/webgpu/webgpu-backend.ts';
import type { HostArray, Kernel } from '../../src/kernels/kernel.ts';
import {
  type SplineLayerConstants,
  splineCoefficientGradient,
  splineForward,
  splineGradientTiles,
  splineInputGradient,
} from '../../src/kernels/spline-layer.ts';
import { splineCellOrder, splineCoefficientGradientWide } from '../../src/kernels/spline-layer-wide.ts';
import { bsplineBasis } from '../../src/splines/basis.ts';
import { sharedDevice } from '../backends.ts';

/** Rounding error of one operation in float32. */
const EPSILON = 2 ** -24;

type Buffers = Record<string, HostArray>;

/** Numbers in [−1, 1) that float32 holds exactly; a fixed multiplicative generator. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48271) % 2147483647;
    return Math.fround((2 * state) / 2147483647 - 1);
  };
}

function floats(length: number, next: () => number): Float64Array {
  return Float64Array.from({ length }, next);
}

async function onDevice(backend: Backend, kernel: Kernel, buffers: Buffers, constants: SplineLayerConstants) {
  const output = Object.keys(kernel.bindings).find((name) => kernel.bindings[name] === 'write')!;
  const lengths = kernel.lengths(constants);
  const device = Object.fromEntries(
    Object.keys(kernel.bindings).map((name) => [name, backend.allocate(lengths[name])]),
  );
  for (const [name, data] of Object.entries(buffers)) backend.write(device[name], data);
  backend.run(await backend.record([{ kernel, buffers: device, constants }]));
  const [result] = await backend.read([device[output]]);
  for (const buffer of Object.values(device)) backend.release(buffer);
  return result.subarray(0, lengths[output]);
}

function inFloat64(kernel: Kernel, buffers: Buffers, constants: SplineLayerConstants): Float64Array {
  const output = Object.keys(kernel.bindings).find((name) => kernel.bindings[name] === 'write')!;
  const result = new Float64Array(kernel.lengths(constants)[output]);
  kernel.reference({ ...buffers, [output]: result }, constants);
  return result;
}

function sumOfTiles(partials: Float64Array, constants: SplineLayerConstants): Float64Array {
  const tiles = splineGradientTiles(constants);
  const sum = new Float64Array(partials.length / tiles);
  partials.forEach((value, at) => {
    sum[at % sum.length] += value;
  });
  return sum;
}

async function coefficientGradient(backend: Backend, buffers: Buffers, constants: SplineLayerConstants) {
  return {
    device: sumOfTiles(await onDevice(backend, splineCoefficientGradient, buffers, constants), constants),
    exact: sumOfTiles(inFloat64(splineCoefficientGradient, buffers, constants), constants),
  };
}

/** With lists of samples that the device has made. */
async function wideCoefficientGradient(
  backend: Backend,
  x: Float64Array,
  outputGradient: Float64Array,
  constants: SplineLayerConstants & { tiles: number },
): Promise<Float64Array> {
  const lengths = splineCoefficientGradientWide.lengths(constants);
  const lists = {
    starts: backend.allocate(lengths.starts, { type: 'uint' }),
    samples: backend.allocate(lengths.samples, { type: 'uint' }),
  };
  const data = { x: backend.allocate(lengths.x), outputGradient: backend.allocate(lengths.outputGradient) };
  const partials = backend.allocate(lengths.partials);
  backend.write(data.x, x);
  backend.write(data.outputGradient, outputGradient);
  const dispatches = [
    dispatch(splineCellOrder, { x: data.x, ...lists }, constants),
    dispatch(splineCoefficientGradientWide, { ...data, ...lists, partials }, constants),
  ];
  backend.run(await backend.record(dispatches));
  const [result] = await backend.read([partials]);
  for (const buffer of [...Object.values({ ...lists, ...data }), partials]) backend.release(buffer);
  return result.subarray(0, lengths.partials);
}

function layer(changes: Partial<SplineLayerConstants>): SplineLayerConstants {
  return { batch: 1, inputs: 1, outputs: 1, intervals: 8, degree: 3, domainStart: -1, domainEnd: 1, ...changes };
}

/** The float32 numbers just below and above x. */
function neighbours(x: number): number[] {
  const step = 2 ** (Math.floor(Math.log2(Math.max(Math.abs(x), 2 ** -60))) - 23);
  return [Math.fround(x - step), Math.fround(x), Math.fround(x + step)];
}

/** Every knot of the domain and both ends as nearly as float32 can, their neighbours, and points between and outside. */
function criticalPoints({ intervals, domainStart, domainEnd }: SplineLayerConstants): number[] {
  const length = domainEnd - domainStart;
  const knots = Array.from({ length: intervals + 1 }, (_, i) => domainStart + (length * i) / intervals);
  const next = generator(5);
  const others = Array.from({ length: 500 }, () => Math.fround((domainStart + domainEnd) / 2 + 0.55 * length * next()));
  return [...knots, domainStart, domainEnd].flatMap(neighbours).concat(others);
}

const domains = [
  [-1, 1],
  [-4, 4],
  [0, 3],
  [Math.fround(-0.3), Math.fround(2.9)],
  [1000, 1001],
];

/** Interval counts, each on one of the domains; over all degrees every count meets every domain. */
function grids(degree: number): SplineLayerConstants[] {
  return [7, 8, 100, 320, 512].map((intervals, i) => {
    const [domainStart, domainEnd] = domains[(i + degree) % domains.length];
    return layer({ intervals, degree, domainStart, domainEnd });
  });
}

/** So near a knot that float64 cannot tell on which side; there the slope of a piecewise linear function jumps. */
function isAtKnot(x: number, { intervals, domainStart, domainEnd }: SplineLayerConstants): boolean {
  const position = ((x - domainStart) * intervals) / (domainEnd - domainStart);
  return Math.abs(position - Math.round(position)) < 1e-9;
}

describe('Spline layer on the device', () => {
  let backend: Backend;
  before(async () => {
    backend = new WebGpuBackend(await sharedDevice());
  });
  after(() => backend.destroy());

  for (const degree of [1, 2, 3, 4, 5]) {
    it(`is as accurate as float32 at knots, ends and between, up to 512 intervals: degree ${degree}`, async () => {
      for (const grid of grids(degree)) {
        const { intervals, domainStart, domainEnd } = grid;
        const points = criticalPoints(grid);
        const constants = { ...grid, batch: points.length };
        const x = Float64Array.from(points);
        const weights = floats(intervals + degree, generator(3));
        const y = await onDevice(backend, splineForward, { x, weights }, constants);
        points.forEach((point, b) => {
          const basis = bsplineBasis(point, { degree, intervals, domain: [domainStart, domainEnd] });
          let exact = 0;
          let scale = 0;
          basis.forEach((value, k) => {
            exact += weights[k] * value;
            scale += Math.abs(weights[k] * value);
          });
          // Position, powers and polynomial carry about 4 (degree + 1) roundings, the sum degree + 1 more.
          const bound = 5 * (degree + 1) * EPSILON * scale;
          expect(y[b], `n ${intervals} on [${domainStart}, ${domainEnd}], x ${point}`).to.be.closeTo(exact, bound);
        });
      }
    });
  }

  for (const degree of [1, 2, 3, 4, 5]) {
    it(`has input gradients as accurate as float32, up to 512 intervals: degree ${degree}`, async () => {
      for (const grid of grids(degree)) {
        const { intervals, domainStart, domainEnd } = grid;
        const points = criticalPoints(grid).filter((x) => degree > 1 || !isAtKnot(x, grid));
        const constants = { ...grid, batch: points.length };
        const x = Float64Array.from(points);
        const weights = floats(intervals + degree, generator(3));
        const outputGradient = floats(points.length, generator(9));
        const buffers = { x, weights, outputGradient };
        const device = await onDevice(backend, splineInputGradient, buffers, constants);
        const exact = inFloat64(splineInputGradient, buffers, constants);
        // Slopes are differences of numbers up to 1, times weights up to 1.
        const cellsPerUnit = intervals / (domainEnd - domainStart);
        points.forEach((point, b) => {
          const bound = 8 * (degree + 1) * EPSILON * cellsPerUnit * Math.abs(outputGradient[b]);
          expect(device[b], `degree ${degree}, n ${intervals}, x ${point}`).to.be.closeTo(exact[b], bound);
        });
      }
    });
  }

  for (const [intervals, degree, batch] of [
    [8, 3, 5000],
    [128, 3, 5000],
    [512, 5, 3000],
    [1, 1, 20000],
    [4096, 3, 3000],
  ]) {
    it(`has coefficient gradients to 1e-5 where they differ by 1e8: degree ${degree}, ${intervals} intervals`, async () => {
      const constants = layer({ batch, inputs: 2, outputs: 9, intervals, degree });
      const next = generator(11);
      const x = floats(batch * 2, () => Math.fround(1.1 * next()));
      // Outputs differ by 1e8; within an output samples do too, and those at the left are the small ones.
      const outputGradient = floats(batch * 9, next).map((value, at) => {
        const sample = x[2 * Math.floor(at / 9)] < 0 ? 1e-8 : 10 ** (4 * next());
        return Math.fround(value * sample * 10 ** (8 - (at % 9)));
      });
      const { device, exact } = await coefficientGradient(backend, { x, outputGradient }, constants);
      const sizes = inFloat64(
        splineCoefficientGradient,
        // The functions are positive inside and at most slightly negative outside.
        { x, outputGradient: outputGradient.map(Math.abs) },
        constants,
      );
      const terms = sumOfTiles(sizes, constants);
      exact.forEach((value, at) => {
        expect(device[at], `entry ${at}`).to.be.closeTo(value, 1e-5 * Math.abs(terms[at]));
      });
      for (let q = 0; q < 9; q++) expect(relativeError(device, exact, q, 9)).to.be.below(1e-5);
    });
  }

  it('adds many equal contributions without drift', async () => {
    const constants = layer({ batch: 100_000, intervals: 2 });
    const x = new Float64Array(constants.batch).fill(Math.fround(0.3));
    const outputGradient = new Float64Array(constants.batch).fill(Math.fround(0.1));
    const { device, exact } = await coefficientGradient(backend, { x, outputGradient }, constants);
    expect(relativeError(device, exact, 0, 1)).to.be.below(1e-5);
  });

  for (const degree of [1, 2, 3, 4, 5]) {
    it(`has coefficient gradients of wide layers as accurate as float32, knots included: degree ${degree}`, async () => {
      for (const grid of grids(degree)) {
        const x = Float64Array.from(criticalPoints(grid));
        const constants = { ...grid, batch: x.length, outputs: 16 };
        const outputGradient = floats(16 * x.length, generator(9));
        const device = await wideCoefficientGradient(backend, x, outputGradient, { ...constants, tiles: 1 });
        const [exact, terms] = [outputGradient, outputGradient.map(Math.abs)].map((gradient) =>
          sumOfTiles(inFloat64(splineCoefficientGradient, { x, outputGradient: gradient }, constants), constants),
        );
        exact.forEach((value, at) => {
          // A sum's terms are small where a function is, and their errors relative to its neighbours, up to 1 each.
          const error = Math.abs(device[at] - value);
          if (!(error <= 1e-5 * (1 + Math.abs(terms[at]))))
            expect.fail(`n ${grid.intervals}, entry ${at}: off by ${error}`);
        });
      }
    });
  }

  it('adds many equal contributions without drift in wide layers', async () => {
    const constants = layer({ batch: 100_000, intervals: 2, outputs: 16 });
    const x = new Float64Array(constants.batch).fill(Math.fround(0.3));
    const outputGradient = new Float64Array(16 * constants.batch).fill(Math.fround(0.1));
    const device = await wideCoefficientGradient(backend, x, outputGradient, { ...constants, tiles: 1 });
    const exact = sumOfTiles(inFloat64(splineCoefficientGradient, { x, outputGradient }, constants), constants);
    for (let q = 0; q < 16; q++) expect(relativeError(device, exact, q, 16)).to.be.below(1e-5);
  });

  it('repeats its results bit for bit', async () => {
    const constants = layer({ batch: 3000, inputs: 3, outputs: 5, intervals: 32 });
    const next = generator(17);
    const x = floats(3000 * 3, next);
    const weights = floats(3 * 35 * 5, next);
    const outputGradient = floats(3000 * 5, next);
    for (const [kernel, buffers] of [
      [splineForward, { x, weights }],
      [splineInputGradient, { x, weights, outputGradient }],
      [splineCoefficientGradient, { x, outputGradient }],
    ] as [Kernel, Buffers][]) {
      const first = await onDevice(backend, kernel, buffers, constants);
      const second = await onDevice(backend, kernel, buffers, constants);
      expect(second, kernel.name).to.deep.equal(first);
    }
  });

  it('shows what is not finite: NaN and infinity in points and gradients', async () => {
    for (const bad of [Number.NaN, Infinity, -Infinity]) {
      const constants = layer({ batch: 70, inputs: 2, outputs: 3 });
      const next = generator(23);
      const weights = floats(2 * 11 * 3, next);
      const x = floats(140, next);
      const outputGradient = floats(210, next);
      x[2 * 69] = bad;
      const y = await onDevice(backend, splineForward, { x, weights }, constants);
      expect(Array.from(y, Number.isFinite)).to.deep.equal(Array.from(y, (_, at) => at < 69 * 3));
      const slopes = await onDevice(backend, splineInputGradient, { x, weights, outputGradient }, constants);
      if (Number.isNaN(bad)) expect(slopes[2 * 69]).to.be.NaN;
      const fromPoint = (await coefficientGradient(backend, { x, outputGradient }, constants)).device;
      expect(fromPoint.subarray(0, 33).every(Number.isFinite)).to.equal(false);
      expect(fromPoint.subarray(33).every(Number.isFinite)).to.equal(true);
      x[2 * 69] = 0;
      outputGradient[209] = bad;
      const fromGradient = (await coefficientGradient(backend, { x, outputGradient }, constants)).device;
      // Output 2 of both inputs, and no other.
      for (const q of [0, 1, 2]) {
        const column = fromGradient.filter((_, at) => at % 3 === q);
        expect(column.every(Number.isFinite), `output ${q}`).to.equal(q < 2);
      }
    }
  });

  it('takes batches longer than one dimension of a grid', async () => {
    const constants = layer({ batch: 66_000, outputs: 64, intervals: 2, degree: 1 });
    const x = floats(constants.batch, generator(29));
    const weights = floats(3 * 64, generator(31));
    const y = await onDevice(backend, splineForward, { x, weights }, constants);
    const exact = inFloat64(splineForward, { x, weights }, constants);
    let worst = 0;
    exact.forEach((value, at) => {
      worst = Math.max(worst, Math.abs(y[at] - value));
    });
    expect(worst).to.be.below(16 * EPSILON);
  });
});

function relativeError(actual: Float64Array, exact: Float64Array, q: number, outputs: number): number {
  let error = 0;
  let norm = 0;
  for (let at = q; at < exact.length; at += outputs) {
    error += (actual[at] - exact[at]) ** 2;
    norm += exact[at] ** 2;
  }
  return Math.sqrt(error / norm);
}
