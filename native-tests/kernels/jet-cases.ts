/** Cases of the kernels on directional Taylor jets. */
import { jetChannels, MAX_DIRECTIONS } from '../../src/kernels/jet.ts';
import type { HostArray } from '../../src/kernels/kernel.ts';
import { type CaseGenerator, type Constants, EPSILON, type Random, withOutputs } from './kernel-case.ts';
import { cellsFrom, layerConstants, points, weightCount, windowSizes } from './layer-cases.ts';

function jetLayout(random: Random): { directions: number; order: number } {
  // Loops over directions are unrolled, so many of them take long to compile.
  return { directions: random.pick([1, 1, 1, 2, 2, 2, 3, MAX_DIRECTIONS]), order: random.integer(1, 2) };
}

export type JetConstants = Constants & { readonly directions: number; readonly order: number };

function jetConstants(random: Random, mostSamples: number): JetConstants {
  return { ...layerConstants(random, mostSamples), ...jetLayout(random) };
}

/** Points on the domain and around it, and derivatives of any size. */
export function jets(random: Random, constants: JetConstants): Float64Array {
  const values = points(random, constants);
  return Float64Array.from([...values, ...random.floats((jetChannels(constants) - 1) * values.length)]);
}

/** Sizes of a sum's terms, and error bounds in units of EPSILON. */
interface Sizes {
  readonly size: number;
  readonly error: number;
}

/** Sizes of B, B', B'', B''' at one point, by order and place in the window, in cells. */
interface WindowBounds {
  readonly first: number;
  readonly derivatives: readonly (readonly Sizes[])[];
}

/**
 * An m-fold difference adds up to 2^m window values of lower degree, each with its own few roundings and those of the
 * local coordinate, which the next derivative magnifies.
 */
function windowBounds(x: number, constants: Constants): WindowBounds {
  const { intervals, degree } = constants;
  const { position, excess } = cellsFrom(x, constants);
  const cell = Math.min(Math.floor(position), intervals - 1);
  const sizes = [0, 1, 2, 3, 4].map((m) => windowSizes(degree, position - cell, m));
  const outside = excess > 0;
  const derivatives = [0, 1, 2, 3].map((m) =>
    sizes[m].map((size, j) => {
      if (m > 1 && outside) return { size: 0, error: 0 };
      const inside = { size, error: (16 + 4 * m) * size + 8 * sizes[m + 1][j] };
      if (m > 0 || !outside) return inside;
      const continued = excess * (24 * sizes[1][j] + 8 * sizes[2][j]);
      return { size: inside.size + excess * sizes[1][j], error: inside.error + continued };
    }),
  );
  return { first: cell, derivatives };
}

/** A term times |factor|, after `roundings` more. */
export function times({ size, error }: Sizes, factor: number, roundings: number): Sizes {
  return { size: size * Math.abs(factor), error: (error + roundings * size) * Math.abs(factor) };
}

function plus(...terms: readonly Sizes[]): Sizes {
  return terms.reduce((sum, { size, error }) => ({ size: sum.size + size, error: sum.error + error }), {
    size: 0,
    error: 0,
  });
}

/** The derivatives of x along every direction in cells, x'' = 0 in first order. */
function directionsAt(x: HostArray, index: number, constants: Constants): { dx: number; ddx: number }[] {
  const { batch, inputs, directions, order } = constants;
  const { cellsPerUnit } = cellsFrom(0, constants);
  const plane = batch * inputs;
  return Array.from({ length: directions }, (_, j) => ({
    dx: cellsPerUnit * x[index + (1 + order * j) * plane],
    ddx: order === 2 ? cellsPerUnit * x[index + (2 + order * j) * plane] : 0,
  }));
}

/** What multiplies coefficient first + k in every channel: B, and per direction B' x' and B'' x'² + B' x''. */
export function features(bounds: WindowBounds, k: number, x: HostArray, index: number, constants: Constants): Sizes[] {
  const [b0, b1, b2] = bounds.derivatives.map((window) => window[k]);
  const channels = [b0];
  for (const { dx, ddx } of directionsAt(x, index, constants)) {
    channels.push(times(b1, dx, 3));
    if (constants.order === 2) channels.push(plus(times(b2, dx * dx, 6), times(b1, ddx, 4)));
  }
  return channels;
}

/** Visits every sample, input and place of its window. */
export function forEachTerm(
  x: HostArray,
  constants: Constants,
  visit: (at: { b: number; p: number; k: number; row: number; bounds: WindowBounds }) => void,
): void {
  const { batch, inputs, outputs, intervals, degree } = constants;
  for (let b = 0; b < batch; b++) {
    for (let p = 0; p < inputs; p++) {
      const bounds = windowBounds(x[b * inputs + p], constants);
      for (let k = 0; k <= degree; k++) {
        visit({ b, p, k, row: (p * (intervals + degree) + bounds.first + k) * outputs, bounds });
      }
    }
  }
}

const forwardCase: CaseGenerator = (kernel, random) => {
  const constants = jetConstants(random, 120);
  const { batch, inputs, outputs, degree } = constants;
  const x = jets(random, constants);
  const weights = random.floats(weightCount(constants));
  const y = new Float64Array(kernel.lengths(constants).y);
  const additions = inputs * (degree + 1) + 4;
  forEachTerm(x, constants, ({ b, p, k, row, bounds }) => {
    features(bounds, k, x, b * inputs + p, constants).forEach((feature, channel) => {
      for (let q = 0; q < outputs; q++) {
        y[(channel * batch + b) * outputs + q] += times(feature, weights[row + q], additions).error;
      }
    });
  });
  return { constants, buffers: withOutputs(kernel, constants, { x, weights }), bounds: { y } };
};

const inputGradientCase: CaseGenerator = (kernel, random) => {
  const constants = jetConstants(random, 120);
  const { batch, inputs, outputs, degree, directions, order } = constants;
  const x = jets(random, constants);
  const weights = random.floats(weightCount(constants));
  const outputGradient = random.floats(jetChannels(constants) * batch * outputs);
  const inputGradient = new Float64Array(kernel.lengths(constants).inputGradient);
  const { cellsPerUnit } = cellsFrom(0, constants);
  const additions = degree + 1 + outputs * (3 * directions + 1) + 8;
  forEachTerm(x, constants, ({ b, p, k, row, bounds }) => {
    const [, b1, b2, b3] = bounds.derivatives.map((window) => window[k]);
    const index = b * inputs + p;
    for (let q = 0; q < outputs; q++) {
      const weight = cellsPerUnit * weights[row + q];
      const add = (channel: number, term: Sizes, gradient: number) => {
        inputGradient[channel * batch * inputs + index] += times(term, gradient * weight, additions).error;
      };
      const gradient = (channel: number) => outputGradient[(channel * batch + b) * outputs + q];
      add(0, b1, gradient(0));
      directionsAt(x, index, constants).forEach(({ dx, ddx }, j) => {
        const channel = 1 + order * j;
        add(0, times(b2, dx, 3), gradient(channel));
        add(channel, b1, gradient(channel));
        if (order === 1) return;
        add(0, plus(times(b3, dx * dx, 6), times(b2, ddx, 4)), gradient(channel + 1));
        add(channel, times(b2, 2 * dx, 4), gradient(channel + 1));
        add(channel + 1, b1, gradient(channel + 1));
      });
    }
  });
  const buffers = withOutputs(kernel, constants, { x, weights, outputGradient });
  return { constants, buffers, bounds: { inputGradient } };
};

/** Up to 512 terms are added one after the other; roundings of either sign grow with the root of their number. */
const RUN_ROUNDINGS = Math.sqrt(512);

const coefficientGradientCase: CaseGenerator = (kernel, random) => {
  const constants = jetConstants(random, 1200);
  const { batch, inputs, outputs, directions } = constants;
  const x = jets(random, constants);
  const outputGradient = random.floats(jetChannels(constants) * batch * outputs);
  const errors = new Float64Array(weightCount(constants));
  const additions = RUN_ROUNDINGS + 2 * directions + 4;
  forEachTerm(x, constants, ({ b, p, k, row, bounds }) => {
    features(bounds, k, x, b * inputs + p, constants).forEach((feature, channel) => {
      for (let q = 0; q < outputs; q++) {
        const gradient = outputGradient[(channel * batch + b) * outputs + q];
        errors[row + q] += times(feature, gradient, additions).error;
      }
    });
  });
  const { partials: length } = kernel.lengths(constants);
  const partials = Float64Array.from({ length }, (_, i) => errors[i % errors.length]);
  const buffers = withOutputs(kernel, constants, { x, outputGradient });
  return { constants, buffers, bounds: { partials }, spreadsNan: true };
};

/** WGSL's exp may be off by 3 + 2|x| units in the last place. */
const expError = (x: number) => 3 + 2 * Math.abs(x);

/** What exp gives below the smallest normal float32, 2^-126, may be flushed; polynomials multiply it by less than 2^26. */
const FLUSHED = 2 ** -100 / EPSILON;

/** f, f', f'' and f''' at a point. */
type Taylor = readonly [Sizes, Sizes, Sizes, Sizes];

const sized = (size: number, error: number): Sizes => ({ size: Math.abs(size), error: error + FLUSHED });

/** With f'' = f' (a − b f) and f''' = f' (c − 6 f'); nothing is gained from what cancels in the brackets. */
function polynomials(f: Sizes, first: Sizes, [a, b, c]: readonly [number, number, number]): Taylor {
  const [inner, outer] = [a + b * f.size, c + 6 * first.size];
  const second = first.error * inner + first.size * (b * f.error + 3 * inner);
  const third = first.error * (outer + 6 * first.size) + 3 * first.size * outer;
  return [f, first, sized(first.size * inner, second), sized(first.size * outer, third)];
}

const logistic = (x: number) => 1 / (1 + Math.exp(-x));
const logisticSlope = (x: number) => logistic(x) * logistic(-x);

const taylorBounds: Record<string, (x: number) => Taylor> = {
  // Where the quotient is used, |x| ≥ 1/4, 1 − exp(−2|x|) magnifies the error of exp at most twofold.
  tanh(x) {
    const [f, first] = [Math.tanh(x), 4 * logisticSlope(2 * x)];
    const errors = [20 * Math.abs(f), (8 + 2 * expError(2 * x)) * first];
    return polynomials(sized(f, errors[0]), sized(first, errors[1]), [0, 2, 4]);
  },
  sigmoid(x) {
    const [f, first] = [logistic(x), logisticSlope(x)];
    const errors = [(5 + 2 * expError(x)) * f, (8 + 2 * expError(x)) * first];
    return polynomials(sized(f, errors[0]), sized(first, errors[1]), [1, 2, 1]);
  },
  relu: (x) => [x, 1, 0, 0].map((value) => ({ size: x > 0 ? value : 0, error: 0 })) as unknown as Taylor,
  // The argument z is off by six roundings, exp(−|z|) thus by 6|z| more; |σ''| and |σ'''| are at most σ'.
  gelu(x) {
    const held = Math.max(-25, Math.min(x, 25));
    const size = Math.abs(held);
    const scale = 1.5957691216057308;
    const z = scale * held * (1 + 0.044715 * held * held);
    const [z1, z2, z3] = [scale * (1 + 0.134145 * held * held), scale * 0.26829 * size, scale * 0.26829];
    const s = logisticSlope(z);
    const relative = 30 + 4 * expError(z) + 24 * Math.abs(z);
    const sizes = [
      Math.abs(x) * logistic(z),
      logistic(z) + size * s * z1,
      2 * s * z1 + size * s * (z1 * z1 + z2),
      3 * s * (z1 * z1 + z2) + size * s * (z1 ** 3 + 3 * z1 * z2 + z3),
    ];
    return sizes.map((value) => sized(value, relative * value)) as unknown as Taylor;
  },
};

function activationJets(random: Random, constants: JetConstants): Float64Array {
  const special = [0, -0, 0.25, -0.25, 88, -88, 1e4, -1e4, 1e30, -1e30];
  const draw = () => random.pick([random.mixed(), random.uniform(-1, 1), random.uniform(-30, 30)]);
  const x = random.floats(constants.count, () => (random.unit() < 0.1 ? random.pick(special) : draw()));
  return Float64Array.from([...x, ...random.floats((jetChannels(constants) - 1) * constants.count)]);
}

/** Fewer than one workgroup's elements to some more. */
function activationConstants(random: Random): JetConstants {
  return { count: random.pick([1, 2, 63, 64, 65, random.integer(1, 300)]), ...jetLayout(random) };
}

function activationForwardCase(name: string): CaseGenerator {
  return (kernel, random) => {
    const constants = activationConstants(random);
    const { count, directions, order } = constants;
    const x = activationJets(random, constants);
    const y = new Float64Array(x.length);
    for (let i = 0; i < count; i++) {
      const [f, first, second] = taylorBounds[name](x[i]);
      y[i] = f.error;
      for (let j = 0; j < directions; j++) {
        const at = i + (1 + order * j) * count;
        y[at] = times(first, x[at], 1).error;
        if (order === 2) y[at + count] = plus(times(second, x[at] ** 2, 4), times(first, x[at + count], 3)).error;
      }
    }
    return { constants, buffers: withOutputs(kernel, constants, { x }), bounds: { y } };
  };
}

function activationGradientCase(name: string): CaseGenerator {
  return (kernel, random) => {
    const constants = activationConstants(random);
    const { count, directions, order } = constants;
    const x = activationJets(random, constants);
    const g = random.floats(x.length);
    const bounds = new Float64Array(x.length);
    const additions = 2 * directions + 6;
    for (let i = 0; i < count; i++) {
      const [, first, second, third] = taylorBounds[name](x[i]);
      bounds[i] = times(first, g[i], additions).error;
      for (let j = 0; j < directions; j++) {
        const at = i + (1 + order * j) * count;
        bounds[i] += times(second, g[at] * x[at], additions).error;
        bounds[at] = times(first, g[at], additions).error;
        if (order === 1) continue;
        const [g2, ddx] = [g[at + count], x[at + count]];
        bounds[i] += plus(times(third, g2 * x[at] ** 2, additions), times(second, g2 * ddx, additions)).error;
        bounds[at] += times(second, 2 * g2 * x[at], additions).error;
        bounds[at + count] = times(first, g2, additions).error;
      }
    }
    const buffers = withOutputs(kernel, constants, { x, outputGradient: g });
    return { constants, buffers, bounds: { inputGradient: bounds } };
  };
}

export const jetCases: Record<string, CaseGenerator> = {
  'spline-jet-forward': forwardCase,
  'spline-jet-input-gradient': inputGradientCase,
  'spline-jet-coefficient-gradient': coefficientGradientCase,
  ...Object.fromEntries(
    Object.keys(taylorBounds).flatMap((name) => [
      [`${name}-jet-forward`, activationForwardCase(name)],
      [`${name}-jet-gradient`, activationGradientCase(name)],
    ]),
  ),
};
