/** Many networks of one shape at once. */
import { expect } from 'chai';
import { CpuBackend } from '../../src/backend/cpu/cpu-backend.ts';
import { Kan } from '../../src/models/kan.ts';
import { regression } from '../../src/multilevel/regression.ts';
import { type Sweep, sweep } from '../../src/multilevel/sweep.ts';
import { trainMultilevel } from '../../src/multilevel/train.ts';
import { adam } from '../../src/optimizers/adam.ts';
import { errorOf, forEachBackend } from '../backends.ts';
import { figureOf, sample, smooth } from './problems.ts';

const architecture = { widths: [2, 3, 1], intervals: 2 };
const data = sample(smooth, 90, 1);
const held = sample(smooth, 40, 2);
const AGREEMENT = { float64: 1e-9, float32: 2e-3 };

function dispose({ members }: Sweep): void {
  for (const { model } of members) model.dispose();
}

forEachBackend('a sweep', (open) => {
  it('trains every member as it would be trained alone', async () => {
    const backend = await open();
    const members = [{ seed: 3 }, { seed: 4, learningRate: 0.05 }, { learningRate: 0.01 }];
    const trained = await sweep(backend, architecture, { ...data, members, levels: 2, steps: 70 });
    expect(trained.members.map(({ seed, learningRate }) => [seed, learningRate])).to.deep.equal([
      [3, 0.02],
      [4, 0.05],
      [2, 0.01],
    ]);
    for (const { seed, learningRate, levels, model, outcome } of trained.members) {
      expect(outcome).to.equal('completed');
      expect(levels.map(({ steps }) => steps)).to.deep.equal([70, 70]);
      const initial = Kan.create(backend, { ...architecture, seed });
      const optimizer = adam({ learningRate });
      const alone = await trainMultilevel(initial, regression(data), { levels: 2, steps: 70, optimizer });
      alone.history.levels.forEach(({ trainLoss }, level) => {
        expect(levels[level].trainLoss / trainLoss).to.be.closeTo(1, AGREEMENT[backend.precision]);
      });
      expect(model.intervals).to.deep.equal(alone.model.intervals);
      for (const network of [initial, alone.model]) network.dispose();
    }
    const losses = trained.members.map(({ levels }) => levels[1].trainLoss);
    expect(losses[trained.best]).to.equal(Math.min(...losses));
    dispose(trained);
  });

  it('members may have targets of their own', async () => {
    const backend = await open();
    const members = [1, -2].map((factor) => ({ seed: 1, targets: data.targets.map(([y]) => [factor * y]) }));
    const trained = await sweep(backend, architecture, { inputs: data.inputs, members, levels: 1, steps: 70 });
    for (const [number, { model, levels }] of trained.members.entries()) {
      const problem = regression({ inputs: data.inputs, targets: members[number].targets });
      expect((await figureOf(problem, model)) / levels[0].trainLoss).to.be.closeTo(1, 1e-4);
      const initial = Kan.create(backend, { ...architecture, seed: 1 });
      const alone = await trainMultilevel(initial, problem, { levels: 1, steps: 70, optimizer: adam() });
      const tolerance = AGREEMENT[backend.precision];
      expect(levels[0].trainLoss / alone.history.levels[0].trainLoss).to.be.closeTo(1, tolerance);
      for (const network of [initial, alone.model]) network.dispose();
    }
    dispose(trained);
  });

  it('stops each member on its own, with the parameters that fit the validation rows best', async () => {
    const backend = await open();
    const members = [{ learningRate: 1e-7 }, { learningRate: 0.03 }, { learningRate: 100 }];
    const options = { members, levels: 1, steps: 120, validation: held, validationInterval: 10, patience: 3 };
    const trained = await sweep(backend, architecture, { ...data, ...options });
    const [, good, wild] = trained.members;
    expect(wild.outcome).to.equal('early-stopping');
    expect(wild.levels[0].steps).to.be.below(120);
    expect(good.levels[0].steps).to.be.above(wild.levels[0].steps);
    expect(trained.best).to.equal(1);
    for (const { model, levels } of trained.members) {
      expect((await figureOf(regression(held), model)) / levels[0].validationLoss!).to.be.closeTo(1, 1e-4);
    }
    dispose(trained);
  });

  it('goes on without a member that diverges, which comes back as it was', async () => {
    const backend = await open();
    const tooMuch = backend.precision === 'float64' ? 1e200 : 1e36;
    const members = [{ seed: 1, learningRate: tooMuch }, { seed: 1 }];
    const trained = await sweep(backend, architecture, { ...data, members, levels: 2, steps: 20 });
    expect(trained.members.map(({ outcome }) => outcome)).to.deep.equal(['diverged', 'completed']);
    expect(trained.best).to.equal(1);
    const initial = await Kan.create(backend, { ...architecture, seed: 1 }).refine();
    expect(await trained.members[0].model.parameters.read()).to.deep.equal(await initial.parameters.read());
    dispose(trained);
    const hopeless = {
      ...data,
      members: [{ learningRate: tooMuch }, { learningRate: 2 * tooMuch }],
      levels: 1,
      steps: 20,
    };
    expect((await errorOf(() => sweep(backend, architecture, hopeless))).code).to.equal('NON_FINITE_TRAINING');
  });

  it('trains networks that are too wide for one kernel one after the other', async () => {
    const backend = await open();
    const wide = { widths: [2, 40, 40, 1], intervals: 1 };
    const options = { members: [{ seed: 1 }, { seed: 2 }], levels: 1, steps: 3, validation: held, patience: undefined };
    const trained = await sweep(backend, wide, { ...data, ...options });
    for (const { levels, outcome } of trained.members) {
      expect(outcome).to.equal('completed');
      expect(levels[0].validationLoss).to.be.above(0);
    }
    dispose(trained);
  });

  it('leaves usable networks when it is told to stop, and no memory behind', async () => {
    const backend = await open();
    const before = backend.counters.bytes;
    const controller = new AbortController();
    const options = { members: [{}, {}], levels: 3, steps: 500, signal: controller.signal };
    const trained = await sweep(backend, architecture, { ...data, ...options, onProgress: () => controller.abort() });
    expect(trained.members.map(({ outcome, levels }) => [outcome, levels.length])).to.deep.equal([
      ['aborted', 1],
      ['aborted', 1],
    ]);
    for (const { model } of trained.members) expect((await model.predict([[0, 0]])).get(0, 0)).to.be.finite;
    dispose(trained);
    if (backend.name === 'cpu') expect(backend.counters.bytes).to.equal(before);
  });
});

describe('a sweep that cannot start', () => {
  for (const [name, options, code] of [
    ['no members', { ...data, members: [] }, 'INVALID_ARGUMENT'],
    ['targets of some members only', { ...data, members: [{}, { targets: data.targets }] }, 'INVALID_ARGUMENT'],
    ['no targets', { inputs: data.inputs, members: [{}] }, 'INVALID_ARGUMENT'],
    ['a learning rate of 0', { ...data, members: [{ learningRate: 0 }] }, 'INVALID_ARGUMENT'],
    ['half a step', { ...data, members: [{}], steps: 0.5 }, 'INVALID_ARGUMENT'],
    ['a patience of 0', { ...data, members: [{}], patience: 0 }, 'INVALID_ARGUMENT'],
    ['rows of another width', { ...data, inputs: data.inputs.map(() => [1]), members: [{}] }, 'KAN_INPUT_WIDTH'],
    [
      'validation rows of another width',
      { ...data, members: [{}], validation: { inputs: [[1]], targets: [[1]] } },
      'KAN_INPUT_WIDTH',
    ],
  ] as const) {
    it(name, async () => {
      const backend = new CpuBackend();
      const error = await errorOf(() => sweep(backend, architecture, { levels: 1, steps: 1, ...options }));
      expect(error.code).to.equal(code);
      expect(error.fix).not.to.equal('');
      expect(backend.counters.bytes).to.equal(0);
    });
  }
});
