/** Adam against a loop of plain arithmetic. */
import { expect } from 'chai';
import type { Backend } from '../../src/backend/backend.ts';
import { adam } from '../../src/optimizers/adam.ts';
import type { AdamOptions } from '../../src/optimizers/adam-run.ts';
import { learningRates } from '../../src/optimizers/schedule.ts';
import { errorOf, forEachBackend } from '../backends.ts';
import { cliff, type FunctionKernel, laplace, objectiveOf, optimize, rosenbrock } from './functions.ts';

const START = [-1.2, 1, 0.3, -0.4, 0.9];

/** Decoupled weight decay as in Loshchilov and Hutter, algorithm 2; returns every iterate and its loss. */
function adamW(kernel: FunctionKernel, start: readonly number[], rates: ArrayLike<number>, weightDecay: number) {
  const x = Float64Array.from(start);
  const [m, v, gradient, loss] = [x.length, x.length, x.length, 1].map((length) => new Float64Array(length));
  const iterates = [x.slice()];
  const losses: number[] = [];
  for (let step = 0; step < rates.length; step++) {
    kernel.reference({ x, gradient, loss }, { count: x.length });
    losses.push(loss[0]);
    for (let i = 0; i < x.length; i++) {
      m[i] = 0.9 * m[i] + 0.1 * gradient[i];
      v[i] = 0.999 * v[i] + 0.001 * gradient[i] ** 2;
      const first = m[i] / (1 - 0.9 ** (step + 1));
      const second = v[i] / (1 - 0.999 ** (step + 1));
      x[i] -= rates[step] * (first / (Math.sqrt(second) + 1e-8) + weightDecay * x[i]);
    }
    iterates.push(x.slice());
  }
  return { iterates, losses };
}

const relative = (backend: Backend, steps: number) =>
  backend.precision === 'float64' ? 1e-12 * steps : 2 ** -24 * 64 * steps;

forEachBackend('Adam', (open) => {
  const combinations: AdamOptions[] = [
    { learningRate: 0.05, schedule: { type: 'constant' } },
    { learningRate: 0.1, weightDecay: 0.3 },
    { learningRate: 0.02, schedule: { type: 'cyclic', period: 20 }, weightDecay: 0.01 },
  ];
  for (const options of combinations) {
    it(`does what the formulas say: ${JSON.stringify(options)}`, async () => {
      const backend = await open();
      const steps = 150;
      const objective = objectiveOf(backend, laplace, START);
      const trace = await optimize(objective, adam(options), steps);
      const { learningRate = Number.NaN, schedule = { type: 'cosine' }, weightDecay = 0 } = options;
      const rates = learningRates(learningRate, schedule, steps);
      const { iterates, losses } = adamW(laplace, START, rates, weightDecay);
      const { x } = await objective.state();
      const bound = relative(backend, steps);
      iterates[steps].forEach((value, i) => {
        expect(x[i]).to.be.closeTo(value, bound);
      });
      trace.losses.forEach((loss, step) => {
        expect(loss, `step ${step}`).to.be.closeTo(losses[step], bound);
      });
      expect([trace.evaluations, trace.steps, trace.losses.length]).to.deep.equal([steps, steps, steps]);
    });
  }

  it('gives the same iterates however the budget is cut', async () => {
    const backend = await open();
    const results = [];
    for (const pieces of [[200], [1], [7, 64, 3], [1000, 5]]) {
      const objective = objectiveOf(backend, rosenbrock, START);
      const trace = await optimize(objective, adam({ learningRate: 0.1 }), 200, pieces);
      results.push({ trace, x: (await objective.state()).x });
    }
    for (const result of results) expect(result).to.deep.equal(results[0]);
    expect(results[0].trace.evaluations).to.equal(200);
  });

  it('takes the next call while the last one is under way', async () => {
    const backend = await open();
    const objective = objectiveOf(backend, rosenbrock, START);
    const run = await adam({ learningRate: 0.1 }).start(objective, 300);
    const losses: number[] = [];
    let pending = [run.advance(50), run.advance(50)];
    for (let call = 2; pending.length > 0; call++) {
      losses.push(...(await pending[0]).losses);
      pending = pending.slice(1);
      if (call < 8) pending.push(run.advance(50));
    }
    run.dispose();
    const alone = await optimize(objectiveOf(backend, rosenbrock, START), adam({ learningRate: 0.1 }), 300);
    expect(losses).to.deep.equal(alone.losses.slice(0, losses.length));
    expect(losses.length).to.be.above(250);
  });

  for (const [depth, bad] of [
    [1, 101],
    [2, 101],
    [1, 1],
    [2, 64],
    [2, 65],
    [2, 128],
  ]) {
    it(`goes back to before what broke it: bad at step ${bad}, ${depth} calls at once`, async () => {
      const backend = await open();
      const rate = 1 / (bad - 0.5);
      const options: AdamOptions = { learningRate: rate, schedule: { type: 'constant' } };
      const { iterates } = adamW(cliff, [0, -1], new Float64Array(bad).fill(rate), 0);
      const objective = objectiveOf(backend, cliff, [0, -1]);
      const run = await adam(options).start(objective, 400);
      const error = await errorOf(async () => {
        for (;;) await Promise.all(Array.from({ length: depth }, () => run.advance(1000)));
      });
      run.dispose();
      expect(error.code).to.equal('NON_FINITE_TRAINING');
      expect(error.where).to.deep.include({ step: bad });
      const { x, loss } = await objective.state();
      expect(loss).to.satisfy(Number.isFinite);
      iterates[bad - 1].forEach((value, i) => {
        expect(x[i]).to.be.closeTo(value, relative(backend, bad));
      });
    });
  }

  it('asks the objective what is not finite, at the values that are not', async () => {
    const backend = await open();
    const plain = objectiveOf(backend, cliff, [0.5]);
    let seen = 0;
    const objective = {
      ...plain,
      diagnose: async () => {
        seen = (await plain.state()).x[0];
        return { layer: 'cliff' };
      },
    };
    const run = await adam({ learningRate: 10, schedule: { type: 'constant' } }).start(objective, 5);
    const error = await errorOf(() => run.advance(5));
    expect(error.where).to.deep.equal({ step: 1, layer: 'cliff' });
    expect(seen).to.be.closeTo(10.5, 1e-5);
    expect((await plain.state()).x[0]).to.equal(0.5);
    run.dispose();
  });
});

describe('Adam', () => {
  it('refuses options that are none', async () => {
    const refused: AdamOptions[] = [
      { learningRate: 0 },
      { learningRate: Number.NaN },
      { beta1: 1 },
      { beta2: -0.1 },
      { beta1: Number.NaN },
      { epsilon: 0 },
      { weightDecay: -1 },
      { weightDecay: Number.POSITIVE_INFINITY },
      { schedule: { type: 'ramp', steps: 0 } },
    ];
    for (const options of refused) {
      expect((await errorOf(() => adam(options))).code, JSON.stringify(options)).to.equal('INVALID_ARGUMENT');
    }
  });
});
