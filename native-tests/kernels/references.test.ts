/** The float64 references of everything but the layers: closed forms, finite differences, and what a NaN does. */
import { expect } from 'chai';
import fc from 'fast-check';
import { activationForward, activationGradient, activations } from '../../src/kernels/activations.ts';
import { adam } from '../../src/kernels/adam.ts';
import { differencePenalty, differencePenaltyGradient } from '../../src/kernels/difference-penalty.ts';
import { gatherRows } from '../../src/kernels/gather.ts';
import type { Kernel } from '../../src/kernels/kernel.ts';
import { meanSquaredError, meanSquaredErrorGradient } from '../../src/kernels/mean-squared-error.ts';
import { nonfiniteCount, outsideCount } from '../../src/kernels/monitors.ts';
import { rowDots, sumTiles } from '../../src/kernels/reductions.ts';
import { kernels } from '../../src/kernels/registry.ts';
import { linearCombination } from '../../src/kernels/vectors.ts';
import { cases } from './cases.ts';
import { type Constants, Random, withOutputs, written } from './kernel-case.ts';
import { differentiate, evaluate, expectClose, runs, seeds } from './reference-tools.ts';

describe('activations', () => {
  it('have the values of their definitions', () => {
    const x = Float64Array.of(-1, 0, 1, 3);
    const values = {
      tanh: [-0.7615941559557649, 0, 0.7615941559557649, 0.9950547536867305],
      sigmoid: [0.2689414213699951, 0.5, 0.7310585786300049, 0.9525741268224334],
      relu: [0, 0, 1, 3],
      // x/2 (1 + tanh(√(2/π)(x + 0.044715 x³))) by hand for ±1 and 3.
      gelu: [-1, 0, 1, 3].map((v) => (v / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (v + 0.044715 * v ** 3)))),
    };
    for (const name of activations)
      expectClose(evaluate(activationForward[name], { count: 4 }, { x }), values[name], 1e-15);
  });

  for (const name of activations) {
    it(`${name} has the slope that differences of its values give`, () => {
      const x = Float64Array.of(-9, -4, -1.5, -0.4, -0.01, 0.01, 0.4, 1.5, 4, 9);
      const outputGradient = Float64Array.from(x, (_, i) => i - 4.5);
      const constants = { count: x.length };
      const expected = differentiate(activationForward[name], constants, { x }, 'x', outputGradient);
      expectClose(evaluate(activationGradient[name], constants, { x, outputGradient }), expected, 1e-10);
    });

    it(`${name} is finite far away`, () => {
      const x = Float64Array.of(-1e30, -1e3, 1e3, 1e30);
      const outputGradient = new Float64Array(4).fill(1);
      for (const y of evaluate(activationForward[name], { count: 4 }, { x })) expect(y).to.satisfy(Number.isFinite);
      const slopes = evaluate(activationGradient[name], { count: 4 }, { x, outputGradient });
      const last = name === 'relu' || name === 'gelu' ? 1 : 0;
      expect([...slopes]).to.deep.equal([0, 0, last, last]);
    });
  }
});

describe('mean squared error', () => {
  it('averages the squares', () => {
    const inputs = { prediction: Float64Array.of(1, 2, 3), target: Float64Array.of(1, 0, 0) };
    expect(evaluate(meanSquaredError, { count: 3, tiles: 1 }, inputs)[0]).to.equal(13 / 3);
    expect([...evaluate(meanSquaredError, { count: 3, tiles: 2 }, inputs)]).to.deep.equal([4 / 3, 9 / 3]);
  });

  it('has the gradient that differences of its values give', () => {
    const inputs = { prediction: Float64Array.of(1, 2, -3, 4), target: Float64Array.of(1, 0.5, 0, 7) };
    const lossGradient = Float64Array.of(-0.7);
    const expected = differentiate(meanSquaredError, { count: 4, tiles: 1 }, inputs, 'prediction', lossGradient);
    const actual = evaluate(meanSquaredErrorGradient, { count: 4 }, { ...inputs, lossGradient });
    expectClose(actual, expected, 1e-11);
  });
});

describe('difference penalty', () => {
  const constants = { inputs: 2, coefficients: 6, outputs: 3, factor: 0.5 };
  const tensor = (of: (k: number) => number) => Float64Array.from({ length: 36 }, (_, i) => of(Math.floor(i / 3) % 6));

  it('of k² is factor · lines · (coefficients − 2) · 2², of a line 0', () => {
    const parabola = { coefficients: tensor((k) => k * k) };
    expect(evaluate(differencePenalty, constants, parabola)[0]).to.equal(0.5 * 6 * 4 * 4);
    const line = { coefficients: tensor((k) => 3 - 2 * k) };
    expect(evaluate(differencePenalty, constants, line)[0]).to.equal(0);
  });

  it('is 0 with a gradient of 0 for fewer than three coefficients', () => {
    for (const coefficients of [1, 2]) {
      const short = { ...constants, coefficients };
      const inputs = { coefficients: new Random(1).floats(6 * coefficients), valueGradient: Float64Array.of(1) };
      expect(evaluate(differencePenalty, short, inputs)[0]).to.equal(0);
      for (const slope of evaluate(differencePenaltyGradient, short, inputs)) expect(slope).to.equal(0);
    }
  });

  it('has the gradient that differences of its values give', () => {
    fc.assert(
      fc.property(seeds, fc.integer({ min: 1, max: 7 }), (seed, count) => {
        const random = new Random(seed);
        const shape = { ...constants, coefficients: count };
        const inputs = { coefficients: random.floats(6 * count, () => random.uniform(-1, 1)) };
        const valueGradient = Float64Array.of(1.5);
        const expected = differentiate(differencePenalty, shape, inputs, 'coefficients', valueGradient);
        expectClose(evaluate(differencePenaltyGradient, shape, { ...inputs, valueGradient }), expected, 1e-10);
      }),
      runs,
    );
  });
});

describe('reductions', () => {
  const first = (count: number) => Float64Array.from({ length: count }, (_, i) => i + 1);

  it('sum tiles', () => {
    expect([...evaluate(sumTiles, { tiles: 3, count: 2 }, { partials: first(6) })]).to.deep.equal([9, 12]);
  });

  it('multiply a matrix by a vector from either side', () => {
    const matrix = first(6);
    const rows = evaluate(rowDots, { rows: 2, columns: 3 }, { matrix, vector: Float64Array.of(1, 10, 100) });
    expect([...rows]).to.deep.equal([321, 654]);
    const coefficients = Float64Array.of(1, 10);
    const columns = evaluate(linearCombination, { rows: 2, columns: 3 }, { coefficients, matrix });
    expect([...columns]).to.deep.equal([41, 52, 63]);
  });
});

describe('Adam', () => {
  const settings = {
    models: 1,
    tiles: 1,
    ringLength: 4,
    steps: 3,
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
    weightDecay: 0.01,
  };

  it("takes the textbook's steps on a quadratic", () => {
    const constants = { ...settings, length: 2 };
    const buffers = withOutputs(adam, constants, {
      parameters: Float64Array.of(1, -2),
      partials: new Float64Array(2),
      losses: new Float64Array(1),
      firstMoment: new Float64Array(2),
      secondMoment: new Float64Array(2),
      schedule: Float64Array.of(0.1, 0.05, 0.02),
      counters: new Uint32Array(9),
      ring: new Float64Array(4),
    });
    const theta = [1, -2];
    const state = theta.map(() => ({ m: 0, v: 0 }));
    let [power1, power2] = [1, 1];
    for (let t = 1; t <= 200; t++) {
      const learningRate = [0.1, 0.05, 0.02][Math.min(t, 3) - 1];
      buffers.losses[0] = t;
      buffers.partials.set(theta.map((value, i) => (i + 1) * value));
      power1 *= 0.9;
      power2 *= 0.999;
      theta.forEach((value, i) => {
        const g = (i + 1) * value;
        state[i].m = 0.9 * state[i].m + 0.1 * g;
        state[i].v = 0.999 * state[i].v + 0.001 * g ** 2;
        const [mean, variance] = [state[i].m / (1 - power1), state[i].v / (1 - power2)];
        theta[i] = value - learningRate * 0.01 * value - (learningRate * mean) / (Math.sqrt(variance) + 1e-8);
      });
      adam.reference(buffers as never, constants);
      expectClose(buffers.parameters, theta, 1e-11);
    }
    expect([...buffers.counters.subarray(0, 4)]).to.deep.equal([200, 200, 200, 0]);
    expect([...buffers.ring.subarray(0, 4)]).to.deep.equal([197, 198, 199, 200]);
  });

  it('moves each parameter by the learning rate in its first step, whatever the size of the gradient', () => {
    const constants = { ...settings, length: 3, weightDecay: 0 };
    const buffers = withOutputs(adam, constants, {
      parameters: new Float64Array(3),
      partials: Float64Array.of(1e-3, -1, 1e6),
      losses: new Float64Array(1),
      firstMoment: new Float64Array(3),
      secondMoment: new Float64Array(3),
      schedule: Float64Array.of(0.5, 0, 0),
      counters: new Uint32Array(9),
    });
    adam.reference(buffers as never, constants);
    // ε / |g| = 1e-5 for the smallest gradient.
    expectClose(buffers.parameters, [-0.5, 0.5, -0.5], 1.1e-5);
  });

  it('adds up tiles, and keeps models apart', () => {
    const constants = { ...settings, models: 2, tiles: 2, length: 2, steps: 1, ringLength: 1, weightDecay: 0 };
    const buffers = withOutputs(adam, constants, {
      parameters: new Float64Array(4),
      partials: Float64Array.of(1, 2, 3, 4, 10, 20, -30, -40),
      losses: Float64Array.of(1, 2, 10, 20),
      firstMoment: new Float64Array(4),
      secondMoment: new Float64Array(4),
      schedule: Float64Array.of(0.5, 0.25),
      counters: new Uint32Array(9),
      ring: new Float64Array(2),
    });
    adam.reference(buffers as never, constants);
    expectClose(buffers.firstMoment, [0.4, 0.6, -2, -2], 1e-14);
    expectClose(buffers.parameters, [-0.5, -0.5, 0.25, 0.25], 1e-7);
    expect([...buffers.ring.subarray(0, 2)]).to.deep.equal([3, 30]);
  });
});

describe('monitors', () => {
  it('count NaN and infinities, and nothing else', () => {
    const values = Float64Array.of(Number.NaN, 1, Infinity, -Infinity, 0, 1e300, 5);
    const counts = Uint32Array.of(7, 7, 7);
    nonfiniteCount.reference({ values, counts }, { count: 6, slot: 1, slots: 3 });
    expect([...counts]).to.deep.equal([7, 3, 7]);
  });

  it('count what lies outside the closed domain', () => {
    const values = Float64Array.of(-1, 1, -1.001, 1.001, 0, Infinity, -Infinity, Number.NaN);
    const counts = Uint32Array.of(7, 7);
    outsideCount.reference({ values, counts }, { count: 8, slot: 0, slots: 2, domainStart: -1, domainEnd: 1 });
    expect([...counts]).to.deep.equal([4, 7]);
  });
});

describe('gathering rows', () => {
  const gather = (constants: Constants, counter: number) => {
    const source = Float64Array.from({ length: constants.rows }, (_, i) => i);
    const order = Uint32Array.from(source, (i) => constants.rows - 1 - i);
    return evaluate(gatherRows, constants, { source, order, counter: Uint32Array.of(counter) });
  };

  it('visits every row equally often', () => {
    const visits = new Array(7).fill(0);
    for (let step = 0; step < 7; step++)
      for (const row of gather({ rows: 7, columns: 1, batch: 3 }, step)) visits[row]++;
    expect(visits).to.deep.equal(new Array(7).fill(3));
  });

  it('goes through the rows in the given order', () => {
    expect([...gather({ rows: 5, columns: 1, batch: 3 }, 1)]).to.deep.equal([1, 0, 4]);
  });

  it('does not overflow for large counters', () => {
    const constants = { rows: 99_991, columns: 1, batch: 16_384 };
    const counter = 2 ** 32 - 1;
    const position = Number((BigInt(counter) * 16_384n) % 99_991n);
    expect(gather(constants, counter)[0]).to.equal(99_990 - position);
  });
});

describe('a NaN anywhere in an input shows in the output', () => {
  // These write whole numbers.
  const counting = ['nonfinite-count', 'outside-count', 'spline-cell-order'];
  const reading = (kernel: Kernel) =>
    Object.keys(kernel.bindings).filter((name) => ['read', 'update'].includes(kernel.bindings[name]));

  for (const kernel of kernels.filter(({ name }) => !counting.includes(name))) {
    for (const poison of reading(kernel)) {
      it(`${kernel.name}: ${poison}`, () => {
        for (let seed = 0; seed < 5; seed++) {
          const { constants, buffers } = cases[kernel.name](kernel, new Random(seed));
          // No second difference, nothing to read.
          if (poison === 'coefficients' && constants.coefficients < 3) continue;
          buffers[poison].fill(Number.NaN);
          kernel.reference(buffers, constants);
          const results = written(kernel).flatMap((name) => [...buffers[name]]);
          expect(results.some(Number.isNaN)).to.equal(true);
        }
      });
    }
  }
});
