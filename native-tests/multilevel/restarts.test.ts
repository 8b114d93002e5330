/** Several starts, of which every level keeps the better half. */
import { expect } from 'chai';
import type { Backend } from '../../src/backend/backend.ts';
import { CpuBackend } from '../../src/backend/cpu/cpu-backend.ts';
import { Kan } from '../../src/models/kan.ts';
import type { Progress } from '../../src/multilevel/options.ts';
import { regression } from '../../src/multilevel/regression.ts';
import { trainRestarts } from '../../src/multilevel/restarts.ts';
import { trainMultilevel } from '../../src/multilevel/train.ts';
import { adam } from '../../src/optimizers/adam.ts';
import { definePde } from '../../src/physics/pde.ts';
import { grid, points } from '../../src/physics/sampling.ts';
import { solve } from '../../src/physics/solve.ts';
import { errorOf } from '../backends.ts';
import { figureOf, sample, smooth } from './problems.ts';

const data = sample(smooth, 80, 1);
const problem = regression(data);
const held = regression(sample(smooth, 50, 2));
const architecture = { widths: [2, 2, 1], intervals: 2 };
const create = (backend: Backend) => (restart: number) => Kan.create(backend, { ...architecture, seed: restart });

describe('restarts', () => {
  it('one start is plain multilevel training', async () => {
    const backend = new CpuBackend();
    const options = { levels: 2, steps: 12 };
    const { model, history, restart } = await trainRestarts(create(backend), problem, options);
    const initial = create(backend)(0);
    const plain = await trainMultilevel(initial, problem, options);
    expect(restart).to.equal(0);
    const withoutTime = ({ levels, curve, work, evaluations, stopped }: typeof history) => ({
      levels: levels.map((level) => ({ ...level, seconds: 0 })),
      ...{ curve, work, evaluations, stopped },
    });
    expect(withoutTime(history)).to.deep.equal(withoutTime(plain.history));
    for (const network of [model, initial, plain.model]) network.dispose();
    expect(backend.counters.bytes).to.equal(0);
  });

  it('halves the field level by level, and keeps those with the least validation loss', async () => {
    const backend = new CpuBackend();
    const seen: { intervals: number; loss: number }[] = [];
    const progress: Progress[] = [];
    const { model, history, restart } = await trainRestarts(create(backend), problem, {
      restarts: 5,
      levels: 4,
      stepsPerLevel: [8, 7, 6, 5],
      optimizer: adam(),
      validation: held,
      measure: async (network) => {
        seen.push({ intervals: network.intervals[0], loss: await figureOf(held, network) });
        return {};
      },
      onProgress: (report) => progress.push(report),
    });
    expect(seen.map(({ intervals }) => intervals)).to.deep.equal([2, 2, 2, 2, 2, 4, 4, 4, 8, 8, 16]);
    const first = seen.slice(0, 5).map(({ loss }) => loss);
    const kept = [...first].sort((a, b) => a - b).slice(0, 3);
    expect(kept).to.include(first[restart]);
    // The second level goes through the three best in their order, each from where it was.
    expect(history.levels.map(({ intervals, steps }) => [intervals[0], steps])).to.deep.equal([
      [2, 8],
      [4, 7],
      [8, 6],
      [16, 5],
    ]);
    expect(history.levels[0].validationLoss).to.equal(first[restart]);
    const finalists = seen.slice(8, 10).map(({ loss }) => loss);
    expect(history.levels[2].validationLoss).to.equal(Math.min(...finalists));
    expect(model.intervals).to.deep.equal([16, 16]);
    expect(history.evaluations).to.equal(5 * 8 + 3 * 7 + 2 * 6 + 5);
    expect(history.work).to.equal(2 * 5 * 8 + 4 * 3 * 7 + 8 * 2 * 6 + 16 * 5);
    expect(history.curve.map(({ level }) => level)).to.deep.equal(
      [8, 7, 6, 5].flatMap((count, level) => new Array(count).fill(level)),
    );
    expect(new Set(progress.map(({ level, levels }) => `${level} of ${levels}`))).to.deep.equal(
      new Set(['0 of 4', '1 of 4', '2 of 4', '3 of 4']),
    );
    model.dispose();
    expect(backend.counters.bytes).to.equal(0);
  });

  it('goes on without a start that breaks down', async () => {
    const backend = new CpuBackend();
    const start = (restart: number) => {
      const kan = create(backend)(restart);
      if (restart === 0) kan.parameters.write({ 'layer1.weights': new Array(10).fill(1e200) });
      return kan;
    };
    const options = { restarts: 3, levels: 2, steps: 5 };
    const { model, restart } = await trainRestarts(start, problem, options);
    expect(restart).to.be.above(0);
    model.dispose();
    expect(backend.counters.bytes).to.equal(0);
    const hopeless = await errorOf(() => trainRestarts(() => start(0), problem, options));
    expect(hopeless.code).to.equal('NON_FINITE_TRAINING');
    (hopeless.where['model'] as Kan).dispose();
    expect(backend.counters.bytes).to.equal(0);
  });

  it('ends with the best so far when it is told to stop', async () => {
    const backend = new CpuBackend();
    const controller = new AbortController();
    let reports = 0;
    const { model, history } = await trainRestarts(create(backend), problem, {
      restarts: 4,
      levels: 3,
      steps: 30,
      optimizer: adam(),
      signal: controller.signal,
      onProgress: () => {
        if (++reports === 2) controller.abort();
      },
    });
    expect(history.stopped).to.equal('aborted');
    expect(model.intervals[0]).to.equal(2);
    expect((await model.predict([[0, 0]])).get(0, 0)).to.be.finite;
    model.dispose();
    expect(backend.counters.bytes).to.equal(0);
  });

  it('a tolerance that is reached ends the race', async () => {
    const backend = new CpuBackend();
    const options = { restarts: 4, levels: 3, steps: 30, tolerance: 1e9 };
    const { model, history } = await trainRestarts(create(backend), problem, options);
    expect(history.stopped).to.equal('tolerance');
    expect(history.levels).to.have.length(1);
    model.dispose();
    expect(backend.counters.bytes).to.equal(0);
  });

  it('refuses a number of starts that is none', async () => {
    const backend = new CpuBackend();
    for (const restarts of [0, 1.5, Number.NaN]) {
      const error = await errorOf(() => trainRestarts(create(backend), problem, { restarts, levels: 1 }));
      expect(error.code).to.equal('INVALID_ARGUMENT');
    }
    const tooFine = await errorOf(() => trainRestarts(create(backend), problem, { restarts: 2, levels: 30 }));
    expect(tooFine.code).to.equal('INTERVALS_OUT_OF_RANGE');
    expect(backend.counters.bytes).to.equal(0);
  });

  it('solve tells the seed of the winner, which alone gives the same solution on the same points', async () => {
    const backend = new CpuBackend();
    const pde = definePde({
      inputs: { x: [-1, 1] },
      terms: {
        inside: { on: grid({ x: 20 }, { part: 'inside' }), residual: ({ u, x }) => u.xx.add(u.mul(u)).sub(x) },
        ends: { on: points([[-1], [1]]), residual: ({ u }) => u },
      },
    });
    const options = { hidden: [2], intervals: 2, levels: 2, steps: 6, heldOut: false };
    const winners = new Set<number>();
    for (const seed of [0, 5, 10]) {
      const race = await solve(backend, pde, { ...options, seed, restarts: 3 });
      expect(race.seed).to.be.within(seed, seed + 2);
      winners.add(race.seed - seed);
      const alone = await solve(backend, pde, { ...options, seed: race.seed });
      const losses = ({ history }: typeof race) => history.levels.map(({ trainLoss }) => trainLoss);
      expect(losses(race)).to.deep.equal(losses(alone));
      for (const { model } of [race, alone]) model.dispose();
    }
    expect([...winners].some((restart) => restart > 0)).to.equal(true);
    expect(backend.counters.bytes).to.equal(0);
  });
});
