/** Runs that diverge, and requests that cannot be met. */
import { expect } from 'chai';
import { CpuBackend } from '../../src/backend/cpu/cpu-backend.ts';
import { Kan } from '../../src/models/kan.ts';
import { Mlp } from '../../src/models/mlp.ts';
import type { Network } from '../../src/models/network.ts';
import { inCoordinates } from '../../src/multilevel/coordinates.ts';
import type { TrainingHistory } from '../../src/multilevel/history.ts';
import type { TrainOptions } from '../../src/multilevel/options.ts';
import { type RegressionOptions, regression } from '../../src/multilevel/regression.ts';
import { trainMultilevel } from '../../src/multilevel/train.ts';
import { adam } from '../../src/optimizers/adam.ts';
import { adamThenLbfgs } from '../../src/optimizers/sequence.ts';
import { errorOf, forEachBackend } from '../backends.ts';
import { ARCHITECTURE, BATCH, figureOf, ROWS, sample, smooth } from './problems.ts';

const data = sample(smooth, ROWS, 1);
const problem = regression(data);

forEachBackend('a run that diverges', (open) => {
  const constant = { type: 'constant' } as const;
  const rate = { cpu: 1e200, webgpu: 1e25 };

  it('names level, step and layer, and gives back a finite model and the history', async () => {
    const backend = await open();
    const kan = Kan.create(backend, ARCHITECTURE);
    const before = await kan.parameters.read();
    const optimizer = adam({ learningRate: rate[backend.name], schedule: constant });
    const error = await errorOf(() => trainMultilevel(kan, problem, { levels: 2, steps: 50, optimizer }));
    expect(error.code).to.equal('NON_FINITE_TRAINING');
    expect(error.fix).to.include('learning rate');
    expect(error.where).to.include({ level: 0, step: 1 });
    expect(error.where.layer).to.be.within(1, 2);
    const { model, history } = error.where as unknown as { model: Network; history: TrainingHistory };
    // The first update is what broke it: what is left is the initial model.
    expect(await model.parameters.read()).to.deep.equal(before);
    expect(await kan.parameters.read()).to.deep.equal(before);
    expect(await figureOf(problem, model)).to.satisfy(Number.isFinite);
    expect(history.levels).to.deep.equal([]);
  });

  it('on a later level, in a later step, with mini-batches', async () => {
    const backend = await open();
    const kan = Kan.create(backend, ARCHITECTURE);
    // A gentle first level, a ramp that ends in absurd rates on the second.
    const gentle = adam({ learningRate: 0.01 });
    const steep = adam({ learningRate: rate[backend.name], schedule: { type: 'ramp', start: 0, steps: 1e6 } });
    let level = 0;
    const optimizer = {
      name: 'gentle, then steep',
      start: (...request: Parameters<typeof gentle.start>) => (level++ === 0 ? gentle : steep).start(...request),
    };
    const batches = regression({ ...data, batchSize: BATCH });
    const error = await errorOf(() => trainMultilevel(kan, batches, { levels: 2, steps: 100, optimizer }));
    expect(error.code).to.equal('NON_FINITE_TRAINING');
    expect(error.where.level).to.equal(1);
    expect(error.where.step).to.be.above(1);
    const { model, history } = error.where as unknown as { model: Network; history: TrainingHistory };
    expect(model.intervals).to.deep.equal([6, 4]);
    expect(history.levels).to.have.length(1);
    expect(await figureOf(problem, model)).to.satisfy(Number.isFinite);
  });

  it("when the very last step does it: the level's first model is given back", async () => {
    const backend = await open();
    const kan = Kan.create(backend, ARCHITECTURE);
    const before = await kan.parameters.read();
    const bad = { learningRate: rate[backend.name], schedule: constant };
    const optimizers = [adam(bad), adamThenLbfgs({ adam: bad, adamShare: 0.5 })];
    for (const [index, optimizer] of optimizers.entries()) {
      const error = await errorOf(() => trainMultilevel(kan, problem, { levels: 1, steps: index + 1, optimizer }));
      expect(error.code).to.equal('NON_FINITE_TRAINING');
      expect(error.where).to.include({ level: 0, step: 1 });
      const { model } = error.where as unknown as { model: Network };
      expect(await model.parameters.read()).to.deep.equal(before);
    }
  });
});

describe('training that cannot start', () => {
  const backend = new CpuBackend();
  const kan = Kan.create(backend, ARCHITECTURE);

  const refusedOptions: [string, TrainOptions, string][] = [
    ['no level', { levels: 0 }, 'INVALID_ARGUMENT'],
    ['half a level', { levels: 1.5 }, 'INVALID_ARGUMENT'],
    ['no step', { steps: 0 }, 'INVALID_ARGUMENT'],
    ['steps for other levels', { levels: 3, stepsPerLevel: [10, 10] }, 'INVALID_ARGUMENT'],
    ['no steps at all', { stepsPerLevel: [] }, 'INVALID_ARGUMENT'],
    ['a negative step', { stepsPerLevel: [10, -1] }, 'INVALID_ARGUMENT'],
    ['too many levels', { levels: 40 }, 'INTERVALS_OUT_OF_RANGE'],
    ['a tolerance that is none', { tolerance: Number.NaN }, 'INVALID_ARGUMENT'],
    ['no validation interval', { validationInterval: 0 }, 'INVALID_ARGUMENT'],
    ['half a validation interval', { validationInterval: 2.5 }, 'INVALID_ARGUMENT'],
    ['no patience', { patience: 0 }, 'INVALID_ARGUMENT'],
    ['free work', { workPerEpoch: 0 }, 'INVALID_ARGUMENT'],
    [
      'validation data of other width',
      { validation: regression({ inputs: [[1]], targets: [[1]] }) },
      'KAN_INPUT_WIDTH',
    ],
  ];
  for (const [what, options, code] of refusedOptions) {
    it(`is refused: ${what}`, async () => {
      const { bytes } = backend.counters;
      expect((await errorOf(() => trainMultilevel(kan, problem, options))).code).to.equal(code);
      expect(backend.counters.bytes, 'nothing is left behind').to.equal(bytes);
    });
  }

  it('an Mlp has one level', async () => {
    const mlp = Mlp.create(backend, { widths: [2, 3, 1] });
    const error = await errorOf(() => trainMultilevel(mlp, problem, { levels: 2 }));
    expect(error.code).to.equal('INVALID_ARGUMENT');
    expect(error.message).to.include('mlp');
  });

  it('L-BFGS takes neither mini-batches nor mixed coordinates, and nothing is left behind', async () => {
    const { bytes } = backend.counters;
    const unsuitable = [
      regression({ ...data, batchSize: 10 }),
      inCoordinates(problem, { geometry: 'spline', gradient: 'power-relu' }),
      inCoordinates(problem, { geometry: 'power-relu', gradient: 'spline' }),
    ];
    for (const refused of unsuitable) {
      const error = await errorOf(() => trainMultilevel(kan, refused, { optimizer: adamThenLbfgs() }));
      expect(error.code).to.equal('OPTIMIZER_UNSUITABLE');
      expect(backend.counters.bytes).to.equal(bytes);
    }
  });

  const refusedProblems: [string, Partial<RegressionOptions>, string][] = [
    ['no rows', { inputs: [], targets: [] }, 'DATA_EMPTY'],
    ['ragged rows', { inputs: [[1, 2], [3]], targets: [[1], [2]] }, 'SHAPE_MISMATCH'],
    ['fewer targets than inputs', { targets: [[1]] }, 'SHAPE_MISMATCH'],
    ['a target that is not finite', { inputs: [[1, 2]], targets: [[Number.NaN]] }, 'NON_FINITE_INPUT'],
    ['a negative roughness', { roughness: -1 }, 'INVALID_ARGUMENT'],
    ['a roughness that is none', { roughness: Number.NaN }, 'INVALID_ARGUMENT'],
    ['an empty batch', { batchSize: 0 }, 'INVALID_ARGUMENT'],
    ['a batch larger than the data', { batchSize: ROWS + 1 }, 'INVALID_ARGUMENT'],
    ['a seed that is none', { batchSize: 10, seed: 0.5 }, 'INVALID_ARGUMENT'],
  ];
  for (const [what, options, code] of refusedProblems) {
    it(`is refused as a problem: ${what}`, async () => {
      expect((await errorOf(() => regression({ ...data, ...options }))).code).to.equal(code);
    });
  }

  it('is refused: data of another width', async () => {
    const wide = regression({ inputs: [[1, 2, 3]], targets: [[1]] });
    expect((await errorOf(() => trainMultilevel(kan, wide))).code).to.equal('KAN_INPUT_WIDTH');
  });

  it('one row is enough', async () => {
    const one = regression({ inputs: [[0.3, 0.1]], targets: [[2]] });
    const { history } = await trainMultilevel(kan, one, { levels: 2, steps: 30 });
    expect(history.levels[1].trainLoss).to.be.below(1e-6);
  });
});
