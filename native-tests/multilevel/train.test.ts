/** Coarse to fine: the history, the unit of work, no jump at a refinement, the same run twice. */
import { expect } from 'chai';
import { CpuBackend } from '../../src/backend/cpu/cpu-backend.ts';
import { Kan } from '../../src/models/kan.ts';
import { Mlp } from '../../src/models/mlp.ts';
import { MultichannelMlp } from '../../src/models/multichannel-mlp.ts';
import type { TrainOptions } from '../../src/multilevel/options.ts';
import { regression } from '../../src/multilevel/regression.ts';
import { trainMultilevel } from '../../src/multilevel/train.ts';
import { adam } from '../../src/optimizers/adam.ts';
import { lbfgs } from '../../src/optimizers/lbfgs.ts';
import { adamThenLbfgs } from '../../src/optimizers/sequence.ts';
import { forEachBackend } from '../backends.ts';
import { ARCHITECTURE, BATCH, errorOn, lossRounding, ROWS, sample, smooth } from './problems.ts';

const data = sample(smooth, ROWS, 1);
const problem = regression(data);

forEachBackend('multilevel training', (open) => {
  it("spends every level's steps, and counts an epoch on n intervals as n", async () => {
    const backend = await open();
    const kan = Kan.create(backend, ARCHITECTURE);
    const before = await kan.parameters.read();
    const optimizer = adam({ learningRate: 0.03 });
    const { model, history } = await trainMultilevel(kan, problem, { stepsPerLevel: [70, 40, 10], optimizer });
    expect(history.levels.map(({ intervals }) => intervals)).to.deep.equal([
      [3, 2],
      [6, 4],
      [12, 8],
    ]);
    expect(history.levels.map(({ steps }) => steps)).to.deep.equal([70, 40, 10]);
    expect(history.levels.map(({ evaluations }) => evaluations)).to.deep.equal([70, 40, 10]);
    expect(history.levels.map(({ work }) => work)).to.deep.equal([210, 240, 120]);
    // 2·3·(n + 3) + 3·(m + 3)
    expect(history.levels.map(({ parameters }) => parameters)).to.deep.equal([51, 75, 123]);
    expect([history.evaluations, history.work, history.stopped]).to.deep.equal([120, 570, 'completed']);
    expect(history.curve).to.have.length(120);
    expect(history.curve.map(({ evaluations }) => evaluations)).to.deep.equal(
      Array.from({ length: 120 }, (_, index) => index + 1),
    );
    expect(history.curve[70]).to.deep.include({ level: 1, work: 216 });
    expect(model.intervals).to.deep.equal([12, 8]);
    const last = history.levels[2].trainLoss;
    expect(await errorOn(model, data)).to.be.closeTo(last, lossRounding(backend) * last);
    expect(history.levels[2].seconds).to.be.at.least(0);
    expect(history.validation).to.deep.equal([]);
    expect(await kan.parameters.read(), 'the given model stays as it is').to.deep.equal(before);
  });

  it('the loss does not jump at a refinement, and L-BFGS never raises it', async () => {
    const backend = await open();
    const kan = Kan.create(backend, ARCHITECTURE);
    const { history } = await trainMultilevel(kan, problem, { levels: 3, steps: 20, optimizer: lbfgs() });
    for (const level of [1, 2]) {
      const first = history.curve.find((point) => point.level === level)!.loss;
      const { trainLoss } = history.levels[level - 1];
      // In float32 coefficients are rounded at a refinement: residuals move by rounding of targets of size one.
      const bound = backend.precision === 'float64' ? 1e-12 * trainLoss : 1e-5 * Math.sqrt(trainLoss);
      expect(first).to.be.closeTo(trainLoss, bound);
    }
    for (let i = 1; i < history.curve.length; i++) {
      const [before, after] = [history.curve[i - 1].loss, history.curve[i].loss];
      expect(after).to.be.at.most(before + (backend.precision === 'float64' ? 1e-12 : 1e-5) * Math.sqrt(before));
    }
    expect(history.evaluations).to.be.at.most(60);
    expect(history.evaluations).to.equal(history.levels.reduce((sum, { evaluations }) => sum + evaluations, 0));
  });

  const recipes: Readonly<Record<string, [TrainOptions, number | undefined]>> = {
    'Adam, then L-BFGS': [{ levels: 2, steps: 30, optimizer: adamThenLbfgs() }, undefined],
    'mini-batches': [{ levels: 2, steps: 30, optimizer: adam() }, BATCH],
    'with a look at validation data': [
      { levels: 2, steps: 30, validation: regression(sample(smooth, BATCH, 2)), validationInterval: 7 },
      undefined,
    ],
  };
  for (const [name, [options, batchSize]] of Object.entries(recipes)) {
    it(`the same seed gives the same run, bit for bit: ${name}`, async () => {
      const backend = await open();
      const run = async () => {
        const kan = Kan.create(backend, ARCHITECTURE);
        const seeded = regression({ ...data, batchSize, seed: 3 });
        const { model, history } = await trainMultilevel(kan, seeded, options);
        const { curve, validation } = history;
        return { parameters: await model.parameters.read(), curve, validation, work: history.work };
      };
      expect(await run()).to.deep.equal(await run());
    });
  }

  it("gives back all memory but the model's", async () => {
    const backend = await open();
    const run = async () => {
      const kan = Kan.create(backend, ARCHITECTURE);
      const validation = regression(sample(smooth, BATCH, 2));
      const options = { levels: 2, steps: 12, validation, watch: { test: validation } };
      const { model } = await trainMultilevel(kan, problem, options);
      model.dispose();
      kan.dispose();
    };
    await run();
    const { bytes } = backend.counters;
    if (backend.name === 'cpu') expect(bytes).to.equal(0);
    await run();
    expect(backend.counters.bytes).to.equal(bytes);
  });
});

describe('training other networks', () => {
  const backend = new CpuBackend();

  it('takes an Mlp, whose epochs cost what the caller says', async () => {
    const mlp = Mlp.create(backend, { widths: [2, 5, 1], seed: 1 });
    const { model, history } = await trainMultilevel(mlp, problem, { steps: 25, workPerEpoch: 8 });
    expect(model.kind).to.equal('mlp');
    expect(history.levels).to.have.length(1);
    expect(history.levels[0].intervals).to.deep.equal([]);
    expect(history.work).to.equal(8 * history.evaluations);
    expect(history.curve[history.curve.length - 1].loss).to.be.below(history.curve[0].loss);
  });

  it('takes a MultichannelMlp through its own levels', async () => {
    const options = { widths: [2, 2, 1], degree: 2, intervals: 2, hiddenDomain: [-1, 1] as const };
    const mlp = await MultichannelMlp.create(backend, options);
    const { model, history } = await trainMultilevel(mlp, problem, { levels: 2, steps: 10 });
    expect(model.intervals).to.deep.equal([4, 4]);
    const first = history.curve.find(({ level }) => level === 1)!.loss;
    const { trainLoss } = history.levels[0];
    expect(first).to.be.closeTo(trainLoss, 1e-10 * trainLoss);
  });
});
