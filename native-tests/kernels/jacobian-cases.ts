/** Cases of the kernels that make compact Jacobian rows, and of those that sum over them. */
import { DIFFERENCE_SLOTS, rowElements } from '../../src/kernels/jacobian-rows.ts';
import { jetChannels, MAX_DIRECTIONS } from '../../src/kernels/jet.ts';
import { features, forEachTerm, type JetConstants, jets, times } from './jet-cases.ts';
import {
  type Buffers,
  type CaseGenerator,
  type Constants,
  EPSILON,
  GARBAGE,
  type Random,
  sumOfTerms,
  withOutputs,
} from './kernel-case.ts';
import { layerConstants } from './layer-cases.ts';

type Chunk = Constants & Record<'samples' | 'traces' | 'chunk' | 'slots', number>;
type Rows = Chunk & Record<'slot' | 'column', number>;

/** Rows that have `own` slots for the kernel, and others beside them. */
export function rowConstants(random: Random, { own, samples }: { own: number; samples: number }): Rows {
  const slot = random.integer(0, 4);
  return {
    samples,
    traces: random.integer(1, 2),
    chunk: random.integer(1, samples + 2),
    slots: slot + own + random.integer(0, 4),
    slot,
    column: random.integer(0, 1000),
  };
}

/** Of a chunk that has samples; the last one is often short of some. */
function chunkNumber(random: Random, { samples, chunk }: Chunk): Uint32Array {
  const last = Math.ceil(samples / chunk) - 1;
  return Uint32Array.of(random.pick([0, last, random.integer(0, last)]));
}

/** The row of every point of a chunk. */
function forEachRow({ samples, traces, chunk }: Chunk, counter: number, visit: (row: number, point: number) => void) {
  for (let trace = 0; trace < traces; trace++) {
    for (let s = counter * chunk; s < Math.min(samples, (counter + 1) * chunk); s++) {
      visit(trace * chunk + s - counter * chunk, trace * samples + s);
    }
  }
}

/** On plain values, or on jets of some directions. */
const splineCase =
  (drawDirections: (random: Random) => number): CaseGenerator =>
  (kernel, random) => {
    const layer = layerConstants(random, 60);
    const { batch: samples, inputs, outputs, intervals, degree } = layer;
    const rows = rowConstants(random, { own: inputs * (degree + 1) * outputs, samples });
    const constants: Rows & JetConstants = {
      ...layer,
      ...rows,
      batch: rows.traces * samples,
      directions: drawDirections(random),
      order: random.integer(1, 2),
    };
    const { batch, directions } = constants;
    const x = jets(random, constants);
    const adjoint = random.floats(jetChannels(constants) * batch * outputs);
    const counter = chunkNumber(random, rows);
    const errors = new Map<string, number>();
    forEachTerm(x, constants, ({ b, p, k, row, bounds }) => {
      features(bounds, k, x, b * inputs + p, constants).forEach((feature, channel) => {
        for (let q = 0; q < outputs; q++) {
          const coefficient = row / outputs - p * (intervals + degree);
          const key = `${b} ${(p * (degree + 1) + (coefficient % (degree + 1))) * outputs + q}`;
          const term = times(feature, adjoint[(channel * batch + b) * outputs + q], 2 * directions + 4);
          errors.set(key, (errors.get(key) ?? 0) + term.error);
        }
      });
    });
    const values = new Float64Array(rowElements(rows));
    forEachRow(rows, counter[0], (at, point) => {
      for (let own = 0; own < inputs * (degree + 1) * outputs; own++) {
        values[at * rows.slots + rows.slot + own] = errors.get(`${point} ${own}`)!;
      }
    });
    return { constants, buffers: withOutputs(kernel, constants, { x, adjoint, counter }), bounds: { values } };
  };

const affineCase: CaseGenerator = (kernel, random) => {
  const [inputs, outputs, channels] = [random.integer(1, 9), random.integer(1, 9), random.integer(1, 13)];
  const rows = rowConstants(random, { own: inputs * outputs, samples: random.integer(1, 60) });
  const constants = { ...rows, channels, inputs, outputs };
  const points = channels * rows.traces * rows.samples;
  const counter = chunkNumber(random, rows);
  const given = { x: random.floats(points * inputs), adjoint: random.floats(points * outputs), counter };
  const { buffers, bounds } = sumOfTerms(kernel, { constants, inputs: given, roundings: channels + 1 });
  return { constants, buffers, bounds: { values: bounds.values } };
};

const denseCase: CaseGenerator = (kernel, random) => {
  const count = random.integer(1, 20);
  const rows = rowConstants(random, { own: count, samples: random.integer(1, 60) });
  const sourceTraces = random.integer(1, rows.traces);
  const batch = rows.traces * rows.samples;
  const [pointStride, entryStride] = random.pick([
    [count, 1],
    [count + 3, 1],
    [1, batch],
    [1, sourceTraces * rows.samples],
  ]);
  const layout = { count, offset: random.integer(0, 9), pointStride, entryStride, sourceTraces };
  const constants = { ...rows, ...layout };
  const source = random.floats(kernel.lengths(constants).source);
  const counter = chunkNumber(random, rows);
  return { constants, buffers: withOutputs(kernel, constants, { source, counter }), bounds: {} };
};

const differenceCase: CaseGenerator = (kernel, random) => {
  const [inputs, coefficients, outputs] = [random.integer(1, 4), random.integer(3, 20), random.integer(1, 4)];
  const samples = inputs * (coefficients - 2) * outputs;
  const rows = { ...rowConstants(random, { own: DIFFERENCE_SLOTS, samples }), traces: 1 };
  const constants = { ...rows, coefficients, outputs, residualColumn: random.integer(0, 2000) };
  const given = random.floats(inputs * coefficients * outputs);
  // Signs that alternate along the axis make every second difference a sum.
  const sign = (i: number) => ((Math.floor(i / outputs) % coefficients) % 2 === 0 ? 1 : -1);
  const worst = { coefficients: given.map((value, i) => sign(i) * Math.abs(value)) };
  const counter = chunkNumber(random, rows);
  const { buffers, bounds } = sumOfTerms(kernel, {
    constants,
    inputs: { coefficients: given, counter },
    worst: { ...worst, counter },
    roundings: 1,
  });
  const { slots, slot } = rows;
  const own = (i: number) => (i - slot) % slots;
  const values = Float64Array.from(bounds.values, (bound, i) => (own(i) === DIFFERENCE_SLOTS - 1 ? bound : 0));
  return { constants, buffers, bounds: { values } };
};

/** One parameter of each slot's own for every row, and rows past the last sample that must not be looked at. */
export function compactRows(random: Random, rows: Chunk & { size: number }, counter: number, draw: () => number) {
  const { slots, size } = rows;
  const owners = Array.from({ length: size }, (_, column) => (column < slots ? column : random.integer(0, slots - 1)));
  const shuffled = owners.map((owner) => ({ owner, key: random.unit() })).sort((a, b) => a.key - b.key);
  const owned = Array.from({ length: slots }, (_, slot) =>
    shuffled.flatMap(({ owner }, column) => (owner === slot ? [column] : [])),
  );
  const values = new Float64Array(rowElements(rows)).fill(GARBAGE);
  const columns = new Uint32Array(values.length);
  forEachRow(rows, counter, (row) => {
    for (let slot = 0; slot < slots; slot++) {
      values[row * slots + slot] = Math.fround(draw());
      columns[row * slots + slot] = random.pick(owned[slot]);
    }
  });
  return { values, columns };
}

/**
 * Sum and rest lose only what rounding takes from the rest: of N terms at most N² 2^-48 of their sizes, and N 2^-24 of
 * what the rest holds before. The terms themselves are products of four numbers, rounded three times, unless the numbers
 * have so few digits that no product is rounded.
 */
const normalMatrixCase: CaseGenerator = (kernel, random) => {
  const samples = random.integer(1, 60);
  const { slot: _, column: __, ...rows } = rowConstants(random, { own: random.integer(1, 20), samples });
  const { traces, chunk, slots } = rows;
  const exact = random.unit() < 0.5;
  const constants = {
    ...rows,
    size: slots + random.integer(0, 40),
    tiles: random.integer(1, 3),
    factor: exact ? 2 ** random.integer(-9, 2) : random.uniform(1e-3, 10),
  };
  const entries = kernel.lengths(constants).matrix;
  const counter = chunkNumber(random, rows);
  const draw = exact ? () => random.integer(-1023, 1023) * 2 ** random.integer(-14, -6) : () => random.mixed();
  const inputs = {
    ...compactRows(random, constants, counter[0], draw),
    // More than there are samples, so that one too many would show.
    weights: random.floats(samples + chunk, () => (exact ? random.integer(1, 15) / 8 : random.uniform(0.1, 2))),
    counter,
    matrix: random.floats(entries),
    rest: random.floats(entries, () => 2 ** -24 * random.mixed()),
  } satisfies Buffers;
  const terms = chunk * traces * traces;
  const roundings = (exact ? 0 : 3 / 2) + (terms * terms * 2 ** -48) / EPSILON;
  const { buffers, bounds } = sumOfTerms(kernel, { constants, inputs, roundings });
  const lost = (terms * 2 ** -24) / EPSILON;
  const matrix = Float64Array.from(bounds.matrix, (bound, i) => bound + lost * Math.abs(inputs.rest[i]));
  return { constants, buffers, bounds: { matrix }, compensated: { sum: 'matrix', rest: 'rest' } };
};

/** Chunks of rows of whose slots nothing is known but that no two share a parameter. */
function anyRows(random: Random, mostSlots = 20) {
  const samples = random.integer(1, 60);
  const own = random.integer(1, mostSlots);
  const { slot: _, column: __, ...rows } = rowConstants(random, { own, samples });
  const constants = { ...rows, size: rows.slots + random.integer(0, 40) };
  const counter = chunkNumber(random, rows);
  return { constants, counter, rows: compactRows(random, constants, counter[0], () => random.mixed()) };
}

/** More weights than there are samples, so that one too many would show. */
const weightsFor = (random: Random, { samples, chunk }: Chunk) =>
  random.floats(samples + chunk, () => random.uniform(0.1, 2));

const rowProductsCase: CaseGenerator = (kernel, random) => {
  const { constants, counter, rows } = anyRows(random);
  const { traces, slots, size } = constants;
  return sumOfTerms(kernel, {
    constants: { ...constants, factor: random.uniform(1e-3, 10) },
    inputs: { ...rows, counter, weights: weightsFor(random, constants), vector: random.floats(size) },
    roundings: traces * slots + 3,
  });
};

const rowCombinationCase: CaseGenerator = (kernel, random) => {
  const { constants: own, counter, rows } = anyRows(random, 80);
  const constants = { ...own, tiles: random.integer(1, 3) };
  const { traces, chunk } = constants;
  const factors = random.floats(chunk);
  const sums = random.floats(kernel.lengths(constants).sums);
  return sumOfTerms(kernel, { constants, inputs: { ...rows, counter, factors, sums }, roundings: traces * chunk + 1 });
};

/** Rows in which slots (p, ρ, q) hold a window of `width` coefficients of input p, k in slot k mod width. */
const edgeBlocksCase: CaseGenerator = (kernel, random) => {
  const [inputs, width, outputs] = [random.integer(1, 4), random.integer(1, 5), random.integer(1, 5)];
  const own = inputs * width * outputs;
  const { column: _, ...rows } = rowConstants(random, { own, samples: random.integer(1, 60) });
  const { slot, slots, traces, chunk } = rows;
  const coefficients = width + random.integer(0, 9);
  const base = random.integer(0, 9);
  const size = base + inputs * coefficients * outputs + slots - own;
  const edges = { inputs, width, outputs, bands: width + random.integer(0, 2), factor: random.uniform(1e-3, 10) };
  const constants = { ...rows, ...edges, size };
  const counter = chunkNumber(random, rows);
  const values = new Float64Array(rowElements(rows)).fill(GARBAGE);
  const columns = new Uint32Array(values.length);
  forEachRow(rows, counter[0], (row) => {
    // Other parameters, which this kernel has nothing to do with.
    for (let other = 0; other < slots; other++) {
      values[row * slots + other] = random.mixed();
      columns[row * slots + other] = size - 1;
    }
    for (let p = 0; p < inputs; p++) {
      const first = random.integer(0, coefficients - width);
      for (let k = first; k < first + width; k++) {
        for (let q = 0; q < outputs; q++) {
          const at = (p * width + (k % width)) * outputs + q;
          columns[row * slots + slot + at] = base + (p * coefficients + k) * outputs + q;
        }
      }
    }
  });
  const weights = weightsFor(random, rows);
  const blocks = random.floats(kernel.lengths(constants).blocks);
  return sumOfTerms(kernel, {
    constants,
    inputs: { values, columns, counter, weights, blocks },
    roundings: traces * chunk + 3,
  });
};

export const jacobianCases: Record<string, CaseGenerator> = {
  'spline-jacobian-rows': splineCase(() => 0),
  // Loops over directions are unrolled, so many of them take long to compile.
  'spline-jet-jacobian-rows': splineCase((random) => random.pick([1, 1, 2, 2, 3, MAX_DIRECTIONS])),
  'affine-jacobian-rows': affineCase,
  'dense-jacobian-rows': denseCase,
  'difference-jacobian-rows': differenceCase,
  'normal-matrix': normalMatrixCase,
  'row-products': rowProductsCase,
  'row-combination': rowCombinationCase,
  'edge-blocks': edgeBlocksCase,
};
