/** Reasons to stop before the budget is spent, and what is left then. */
import { expect } from 'chai';
import { CpuBackend } from '../../src/backend/cpu/cpu-backend.ts';
import { Kan } from '../../src/models/kan.ts';
import type { Progress } from '../../src/multilevel/options.ts';
import { regression } from '../../src/multilevel/regression.ts';
import { trainMultilevel } from '../../src/multilevel/train.ts';
import { adam } from '../../src/optimizers/adam.ts';
import { lbfgs } from '../../src/optimizers/lbfgs.ts';
import { figureOf, sample, smooth } from './problems.ts';

const backend = new CpuBackend();
const data = sample(smooth, 120, 1);
const problem = regression(data);
const create = (intervals = 3) => Kan.create(backend, { widths: [2, 3, 1], intervals, seed: 1 });

describe('stopping', () => {
  it('at a tolerance: on the level that reaches it', async () => {
    const whole = await trainMultilevel(create(), problem, { levels: 3, steps: 40, optimizer: lbfgs() });
    const tolerance = whole.history.levels[1].trainLoss * 1.0001;
    expect(tolerance).to.be.below(whole.history.levels[0].trainLoss);
    const options = { levels: 3, steps: 40, optimizer: lbfgs(), tolerance };
    const { model, history } = await trainMultilevel(create(), problem, options);
    expect(history.stopped).to.equal('tolerance');
    expect(history.levels).to.have.length(2);
    expect(model.intervals).to.deep.equal([6, 6]);
    expect(history.levels[1].trainLoss).to.be.at.most(tolerance);
  });

  it('keeps the model that did best on validation data, of each level', async () => {
    // Twenty noisy rows and a fine grid: training overfits.
    const noisy = regression(sample(smooth, 20, 3, 0.3));
    const validation = regression(sample(smooth, 100, 4));
    const options = {
      levels: 2,
      steps: 120,
      validation,
      validationInterval: 10,
      optimizer: adam({ learningRate: 0.05 }),
    };
    const { model, history } = await trainMultilevel(create(8), noisy, options);
    const losses = history.validation.map(({ loss }) => loss);
    const least = Math.min(...losses);
    expect(losses).to.have.length(26);
    expect(history.validation.map(({ evaluations }) => evaluations)).to.deep.equal(
      [0, 120].flatMap((first) => Array.from({ length: 13 }, (_, index) => first + 10 * index)),
    );
    expect(losses[12], 'the first level ends worse than its best').to.be.above(Math.min(...losses.slice(0, 13)));
    expect(await figureOf(validation, model)).to.be.closeTo(least, 1e-12);
    expect(history.levels.map(({ validationLoss }) => validationLoss)).to.deep.equal([
      Math.min(...losses.slice(0, 13)),
      Math.min(...losses.slice(13)),
    ]);
    // The finer level starts from the best of the coarser one.
    expect(losses[13]).to.be.closeTo(Math.min(...losses.slice(0, 13)), 1e-12);
    expect(history.levels[1].trainLoss).to.be.closeTo(await figureOf(noisy, model), 1e-15);
  });

  it('a level ends when patience does; the next one is tried all the same', async () => {
    const noisy = regression(sample(smooth, 20, 3, 0.3));
    const validation = regression(sample(smooth, 100, 4));
    const options = { validation, validationInterval: 5, patience: 3, optimizer: adam({ learningRate: 0.05 }) };
    const { history } = await trainMultilevel(create(8), noisy, { ...options, levels: 2, steps: 2000 });
    expect(history.stopped).to.equal('early-stopping');
    for (const level of [0, 1]) {
      const losses = history.validation.filter((point) => point.level === level).map(({ loss }) => loss);
      const best = losses.indexOf(Math.min(...losses));
      expect(best).to.equal(losses.length - 4);
      expect(history.levels[level].evaluations).to.equal(5 * (losses.length - 1));
    }
    const patient = await trainMultilevel(create(8), noisy, { ...options, stepsPerLevel: [2000, 4] });
    expect(patient.history.stopped, 'the last level came to its end').to.equal('completed');
  });

  for (const [name, optimizer] of [
    ['Adam', adam({ learningRate: 0.01, schedule: { type: 'constant' } })],
    ['L-BFGS', lbfgs({ gradientTolerance: 0 })],
  ] as const) {
    it(`on an AbortSignal, in the middle of a level: ${name}`, async () => {
      // More work than any machine does before the timer fires.
      const large = regression(sample(smooth, 20_000, 5, 0.1));
      const controller = new AbortController();
      const timer = setTimeout(() => controller.abort(), 20);
      let afterAbort = 0;
      const { model, history } = await trainMultilevel(create(), large, {
        levels: 3,
        steps: 1_000_000,
        optimizer,
        signal: controller.signal,
        onProgress: () => {
          if (controller.signal.aborted) afterAbort++;
        },
      });
      clearTimeout(timer);
      expect(history.stopped).to.equal('aborted');
      expect(history.levels).to.have.length(1);
      expect(history.evaluations).to.be.below(100_000);
      // What was already asked for is still taken in.
      expect(afterAbort).to.be.within(1, 2);
      expect(await figureOf(large, model)).to.be.closeTo(history.levels[0].trainLoss, 1e-12);
      expect(model.intervals).to.deep.equal([3, 3]);
    });
  }

  it('on a signal that was given before', async () => {
    const options = { levels: 3, steps: 10_000, signal: AbortSignal.abort() };
    const { model, history } = await trainMultilevel(create(), problem, options);
    expect(history.stopped).to.equal('aborted');
    expect(history.evaluations).to.be.below(100);
    expect(await model.predict([[0, 0]])).to.have.property('shape');
  });
});

describe('progress', () => {
  it('only grows, level by level, and ends at the whole budget', async () => {
    const seen: Progress[] = [];
    const { history } = await trainMultilevel(create(), problem, {
      stepsPerLevel: [200, 150],
      optimizer: adam(),
      onProgress: (progress) => seen.push(progress),
    });
    for (let i = 1; i < seen.length; i++) {
      expect(seen[i].work).to.be.above(seen[i - 1].work);
      const sameLevel = seen[i].level === seen[i - 1].level;
      expect(
        sameLevel ? seen[i].evaluations > seen[i - 1].evaluations : seen[i].level === seen[i - 1].level + 1,
      ).to.equal(true);
    }
    expect(seen.map(({ level }) => level)).to.include.members([0, 1]);
    for (const { levels, budget, level, intervals } of seen) {
      expect([levels, budget, intervals]).to.deep.equal([2, [200, 150][level], [3 * 2 ** level, 3 * 2 ** level]]);
    }
    const last = seen[seen.length - 1];
    expect([last.evaluations, last.work]).to.deep.equal([150, history.work]);
    expect(last.loss).to.equal(history.curve[history.curve.length - 1].loss);
  });

  it('an exception of the listener ends training, and nothing is left behind', async () => {
    const kan = create();
    const { bytes } = backend.counters;
    const training = trainMultilevel(kan, problem, {
      onProgress() {
        throw new Error('the listener is broken');
      },
    });
    const error = await training.catch((caught: unknown) => caught);
    expect(error).to.be.instanceOf(Error).with.property('message', 'the listener is broken');
    expect(backend.counters.bytes).to.equal(bytes);
  });
});
