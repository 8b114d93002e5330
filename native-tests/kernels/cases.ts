/** One generator of random cases per kernel, by the kernel's name. */

import { jacobianCases } from './jacobian-cases.ts';
import { jetCases } from './jet-cases.ts';
import {
  type CaseGenerator,
  type Constants,
  negative,
  type Random,
  sumOfTerms,
  withOutputs,
  workgroupSumRoundings,
} from './kernel-case.ts';
import { layerCases } from './layer-cases.ts';
import { weightedSquaresCases } from './weighted-squares-cases.ts';

/** Elements of one to several workgroups. */
const someCount = (random: Random) => random.pick([1, 2, 63, 64, 65, random.integer(1, 700)]);

/** Elements of less than one workgroup to several runs of each thread. */
const longCount = (random: Random) => random.pick([1, 255, 256, 257, 8193, random.integer(1, 40_000)]);

const affineConstants = (random: Random, mostSamples: number): Constants => ({
  batch: random.integer(1, mostSamples),
  inputs: random.integer(1, 20),
  outputs: random.integer(1, 20),
});

const affineCases: Record<string, CaseGenerator> = {
  'affine-forward'(kernel, random) {
    const layer = affineConstants(random, 100);
    const constants: Constants = { ...layer, biasRows: random.pick([layer.batch, random.integer(0, layer.batch)]) };
    const { batch, inputs, outputs } = constants;
    const buffers = {
      x: random.floats(batch * inputs),
      weights: random.floats(inputs * outputs),
      bias: random.floats(outputs),
    };
    return sumOfTerms(kernel, { constants, inputs: buffers, roundings: inputs + 2 });
  },
  'affine-input-gradient'(kernel, random) {
    const constants = affineConstants(random, 100);
    const { batch, inputs, outputs } = constants;
    const buffers = { weights: random.floats(inputs * outputs), outputGradient: random.floats(batch * outputs) };
    return sumOfTerms(kernel, { constants, inputs: buffers, roundings: outputs + 2 });
  },
  'affine-weight-gradient'(kernel, random) {
    const constants = affineConstants(random, 2000);
    const { batch, inputs, outputs } = constants;
    const buffers = { x: random.floats(batch * inputs), outputGradient: random.floats(batch * outputs) };
    return sumOfTerms(kernel, { constants, inputs: buffers, roundings: workgroupSumRoundings(batch) + 1 });
  },
  'affine-bias-gradient'(kernel, random) {
    const constants = affineConstants(random, 20_000);
    const { batch, outputs } = constants;
    const buffers = { outputGradient: random.floats(batch * outputs) };
    return sumOfTerms(kernel, { constants, inputs: buffers, roundings: workgroupSumRoundings(batch) });
  },
};

/** WGSL's exp may be off by 3 + 2|x| units in the last place. */
const expError = (x: number) => 3 + 2 * Math.abs(x);

const geluArgument = (x: number) => 1.5957691216057308 * x * (1 + 0.044715 * x * x);

/** Error bounds of f(x) and f'(x) in units of EPSILON, through exp(−|·|) of the argument and a few roundings. */
const activationErrors: Record<string, { value(x: number, y: number): number; slope(x: number, y: number): number }> = {
  // Where the quotient is used, |x| ≥ 1/4, 1 − exp(−2|x|) magnifies the error of exp at most twofold.
  tanh: { value: (_, y) => 20 * Math.abs(y), slope: (x, y) => (8 + 2 * expError(2 * x)) * Math.abs(y) },
  sigmoid: { value: (x, y) => (5 + 2 * expError(x)) * y, slope: (x, y) => (8 + 2 * expError(x)) * y },
  relu: { value: () => 0, slope: () => 0 },
  // The argument z is off by six roundings, exp(−|z|) thus by 6|z| more. The slope adds σ and z' x σ' of either sign.
  gelu: {
    value: (x, y) => (6 + 2 * expError(geluArgument(x)) + 12 * Math.abs(geluArgument(x))) * Math.abs(y),
    slope(x) {
      const z = geluArgument(Math.max(-25, Math.min(x, 25)));
      const decay = Math.exp(-Math.abs(z));
      const sigmoid = (x < 0 ? decay : 1) / (1 + decay);
      return (20 + 2 * expError(z) + 12 * Math.abs(z)) * (sigmoid + 3 * Math.abs(z) * decay);
    },
  },
};

function activationInputs(random: Random, count: number): Float64Array {
  const special = [0, -0, 0.25, -0.25, 88, -88, 1e4, -1e4, 1e30, -1e30];
  const draw = () => random.pick([random.mixed(), random.uniform(-1, 1), random.uniform(-30, 30)]);
  return random.floats(count, () => (random.unit() < 0.1 ? random.pick(special) : draw()));
}

function activationForwardCase(name: string): CaseGenerator {
  return (kernel, random) => {
    const constants = { count: someCount(random) };
    const x = activationInputs(random, constants.count);
    const buffers = withOutputs(kernel, constants, { x });
    const y = new Float64Array(x.length);
    kernel.reference({ x, y }, constants);
    return { constants, buffers, bounds: { y: y.map((value, i) => activationErrors[name].value(x[i], value)) } };
  };
}

function activationGradientCase(name: string): CaseGenerator {
  return (kernel, random) => {
    const constants = { count: someCount(random) };
    const x = activationInputs(random, constants.count);
    const outputGradient = random.floats(constants.count);
    const slopes = new Float64Array(x.length);
    kernel.reference({ x, outputGradient: slopes.slice().fill(1), inputGradient: slopes }, constants);
    const inputGradient = slopes.map(
      (slope, i) => Math.abs(outputGradient[i]) * (activationErrors[name].slope(x[i], slope) + Math.abs(slope)),
    );
    return { constants, buffers: withOutputs(kernel, constants, { x, outputGradient }), bounds: { inputGradient } };
  };
}

const activationCases = Object.fromEntries(
  Object.keys(activationErrors).flatMap((name) => [
    [`${name}-forward`, activationForwardCase(name)],
    [`${name}-gradient`, activationGradientCase(name)],
  ]),
);

/** Differences of the inputs themselves are rounded once, so nothing grows by cancellation. */
const lossCases: Record<string, CaseGenerator> = {
  'mean-squared-error'(kernel, random) {
    const constants = { count: longCount(random), tiles: random.pick([1, 1, 2, random.integer(3, 40)]) };
    const inputs = { prediction: random.floats(constants.count), target: random.floats(constants.count) };
    const roundings = workgroupSumRoundings(constants.count) + 6;
    return sumOfTerms(kernel, { constants, inputs, worst: inputs, roundings });
  },
  'mean-squared-error-gradient'(kernel, random) {
    const constants = { count: someCount(random) };
    const inputs = {
      prediction: random.floats(constants.count),
      target: random.floats(constants.count),
      lossGradient: random.floats(1),
    };
    return sumOfTerms(kernel, { constants, inputs, worst: inputs, roundings: 6 });
  },
};

function penaltyCase(random: Random) {
  const constants = {
    inputs: random.integer(1, 6),
    coefficients: random.integer(1, 40),
    outputs: random.integer(1, 6),
    factor: random.uniform(0.001, 10),
  };
  const { inputs, coefficients: count, outputs } = constants;
  const coefficients = random.floats(inputs * count * outputs);
  const sign = (i: number) => (Math.floor(i / outputs) % 2 === 0 ? 1 : -1);
  // Signs that alternate along the axis make every second difference a sum.
  const worst = {
    coefficients: coefficients.map((value, i) => sign(i % (count * outputs)) * Math.abs(value)),
  };
  return { constants, coefficients, worst };
}

const penaltyCases: Record<string, CaseGenerator> = {
  'difference-penalty'(kernel, random) {
    const { constants, coefficients, worst } = penaltyCase(random);
    const roundings = 2 * workgroupSumRoundings(coefficients.length) + 6;
    return sumOfTerms(kernel, { constants, inputs: { coefficients }, worst, roundings });
  },
  'difference-penalty-gradient'(kernel, random) {
    const { constants, coefficients, worst } = penaltyCase(random);
    const inputs = { coefficients, valueGradient: random.floats(1) };
    return sumOfTerms(kernel, { constants, inputs, worst, roundings: 10 });
  },
};

const reductionCases: Record<string, CaseGenerator> = {
  'sum-tiles'(kernel, random) {
    const constants = { tiles: random.integer(1, 100), count: someCount(random) };
    const inputs = { partials: random.floats(constants.tiles * constants.count) };
    return sumOfTerms(kernel, { constants, inputs, roundings: Math.min(32, constants.tiles) + 4 });
  },
  'row-dots'(kernel, random) {
    const constants = { rows: random.integer(1, 4), columns: longCount(random) };
    const inputs = {
      matrix: random.floats(constants.rows * constants.columns),
      vector: random.floats(constants.columns),
    };
    return sumOfTerms(kernel, { constants, inputs, roundings: workgroupSumRoundings(constants.columns) + 1 });
  },
};

const adamCases: Record<string, CaseGenerator> = {
  adam(kernel, random) {
    const models = random.integer(1, 3);
    const constants = {
      models,
      length: Math.ceil(someCount(random) / models),
      tiles: random.pick([1, 1, 2, random.integer(3, 70)]),
      steps: random.integer(1, 50),
      ringLength: random.integer(1, 40),
      // Not 0: then drivers drop the old moment, and with it a NaN.
      beta1: random.pick([0.3, 0.5, 0.9].map(Math.fround)),
      beta2: random.pick([0.9, 0.99, 0.999].map(Math.fround)),
      epsilon: Math.fround(1e-8),
      weightDecay: random.pick([0, Math.fround(0.01)]),
    };
    const counter = random.pick([0, 1, random.integer(0, 100), random.integer(0, 20_000), 999_999]);
    const { length, tiles, steps, ringLength } = constants;
    const count = models * length;
    // Of one sign for each parameter: what is left of terms that cancel is all that √v divides by.
    const signs = random.floats(count, () => random.pick([-1, 1]));
    const signOf = (index: number) => signs[Math.floor(index / (tiles * length)) * length + (index % length)];
    const inputs = {
      parameters: random.floats(count),
      partials: random.floats(tiles * count).map((value, index) => Math.abs(value) * signOf(index)),
      losses: random.floats(models * tiles, () => random.uniform(0, 10)),
      firstMoment: random.floats(count),
      secondMoment: random.floats(count, () => Math.fround(random.mixed() ** 2)),
      schedule: random.floats(models * steps, () => random.uniform(0, 0.1)),
      counters: new Uint32Array(models * (length + 1)).fill(counter),
      ring: random.floats(models * ringLength),
    };
    const worst = { parameters: negative(inputs.parameters), counters: inputs.counters };
    // Binary powering: two squarings' and one update's roundings per bit of the step number.
    const roundings = 24 + 5 * Math.log2(counter + 2) + 2 * Math.min(tiles, 35);
    return sumOfTerms(kernel, { constants, inputs, worst, roundings });
  },
  'advance-counter'(kernel, random) {
    const buffers = { counter: Uint32Array.of(random.pick([0, 7, 999_999, 2 ** 32 - 1])) };
    return { constants: {}, buffers: withOutputs(kernel, {}, buffers), bounds: {} };
  },
};

const vectorCases: Record<string, CaseGenerator> = {
  'add-scaled'(kernel, random) {
    const constants = { count: someCount(random) };
    const { count } = constants;
    const inputs = { x: random.floats(count), direction: random.floats(count), scale: random.floats(1) };
    return sumOfTerms(kernel, { constants, inputs, roundings: 2 });
  },
  difference(kernel, random) {
    const constants = { count: someCount(random) };
    const inputs = { a: random.floats(constants.count), b: random.floats(constants.count) };
    return sumOfTerms(kernel, { constants, inputs, worst: inputs, roundings: 1 });
  },
  'linear-combination'(kernel, random) {
    const constants = { rows: random.integer(1, 40), columns: someCount(random) };
    const { rows, columns } = constants;
    const inputs = { coefficients: random.floats(rows), matrix: random.floats(rows * columns) };
    return sumOfTerms(kernel, { constants, inputs, roundings: rows + 1 });
  },
  copy(kernel, random) {
    const constants = { count: someCount(random) };
    return sumOfTerms(kernel, { constants, inputs: { source: random.floats(constants.count) }, roundings: 0 });
  },
  accumulate(kernel, random) {
    const constants = { count: someCount(random) };
    const inputs = { addend: random.floats(constants.count), total: random.floats(constants.count) };
    return sumOfTerms(kernel, { constants, inputs, worst: inputs, roundings: 1 });
  },
  fill(kernel, random) {
    return sumOfTerms(kernel, {
      constants: { count: someCount(random), value: random.mixed() },
      inputs: {},
      roundings: 0,
    });
  },
};

function slotConstants(random: Random): Constants {
  const slots = random.integer(1, 9);
  return { count: longCount(random), slot: random.integer(0, slots - 1), slots };
}

const monitorCases: Record<string, CaseGenerator> = {
  'nonfinite-count'(kernel, random) {
    const constants = slotConstants(random);
    const odd = () => random.pick([Number.NaN, Infinity, -Infinity, 3e38, -3e38]);
    const values = random.floats(constants.count, () => (random.unit() < 0.1 ? odd() : random.mixed()));
    return { constants, buffers: withOutputs(kernel, constants, { values }), bounds: {} };
  },
  'outside-count'(kernel, random) {
    const domainStart = random.uniform(-2, 0);
    const domainEnd = random.uniform(0.5, 2);
    const constants: Constants = { ...slotConstants(random), domainStart, domainEnd };
    const edges = [domainStart, domainEnd, Number.NaN, Infinity, -Infinity];
    const draw = () => (random.unit() < 0.2 ? random.pick(edges) : random.uniform(-3, 3));
    const values = random.floats(constants.count, draw);
    return { constants, buffers: withOutputs(kernel, constants, { values }), bounds: {} };
  },
  'gather-rows'(kernel, random) {
    const rows = random.pick([1, 2, random.integer(1, 300), 100_000]);
    const constants = { rows, columns: rows > 1000 ? 1 : random.integer(1, 9), batch: random.integer(1, 400) };
    const inputs = {
      source: random.floats(rows * constants.columns),
      order: Uint32Array.from({ length: rows }, () => random.integer(0, rows - 1)),
      counter: Uint32Array.of(random.pick([0, 1, random.integer(0, 10_000), 2 ** 32 - 1])),
    };
    return sumOfTerms(kernel, { constants, inputs, worst: inputs, roundings: 0 });
  },
};

export const cases: Record<string, CaseGenerator> = {
  ...layerCases,
  ...jetCases,
  ...jacobianCases,
  ...affineCases,
  ...activationCases,
  ...lossCases,
  ...penaltyCases,
  ...weightedSquaresCases,
  ...reductionCases,
  ...adamCases,
  ...vectorCases,
  ...monitorCases,
};
