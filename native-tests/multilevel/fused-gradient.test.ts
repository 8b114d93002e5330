/** Regression on narrow networks: loss and gradient in one kernel instead of many. */
import { expect } from 'chai';
import type { Backend } from '../../src/backend/backend.ts';
import { CpuBackend } from '../../src/backend/cpu/cpu-backend.ts';
import { Kan, type KanOptions } from '../../src/models/kan.ts';
import { Mlp } from '../../src/models/mlp.ts';
import { MultichannelMlp } from '../../src/models/multichannel-mlp.ts';
import type { Network } from '../../src/models/network.ts';
import { inCoordinates } from '../../src/multilevel/coordinates.ts';
import type { Problem } from '../../src/multilevel/problem.ts';
import { type RegressionOptions, regression } from '../../src/multilevel/regression.ts';
import { trainMultilevel } from '../../src/multilevel/train.ts';
import { adam } from '../../src/optimizers/adam.ts';
import { lbfgs } from '../../src/optimizers/lbfgs.ts';
import { createRandom } from '../../src/random.ts';
import { errorOf, forEachBackend, type Open } from '../backends.ts';
import { dispatchesPerStep, expectSame, openLarge, rounded, train, type Way } from './fused-tools.ts';
import { ARCHITECTURE, BATCH, figureOf, ROWS, sample, smooth } from './problems.ts';

const data = sample(smooth, ROWS, 1);
const problem = regression(data);

/** Rows of which a third lies outside the domain of the inputs, some of them far. */
function rowsFor({ widths }: KanOptions, rows: number): RegressionOptions {
  const random = createRandom(3);
  const draw = (length: number, size: number) =>
    Array.from({ length }, () => Math.fround(size * (2 * random.uniform() - 1)));
  const inputs = Array.from({ length: rows }, () => draw(widths[0], 1.5));
  return { inputs, targets: inputs.map(() => draw(widths[widths.length - 1], 1)) };
}

interface Case {
  readonly options: KanOptions;
  readonly rows: number;
}

const hiddenDomain = [-0.3, 0.3] as const;

/** Few, since a device compiles a kernel for each. */
const cases: Record<string, Case> = {
  'two hidden layers, activations outside their domain, more than one tile': {
    options: { widths: [2, 5, 5, 1], hiddenDomain, hiddenIntervals: 3 },
    rows: 1301,
  },
  'degree 5, another domain': {
    options: { widths: [2, 3, 1], degree: 5, hiddenDomain, domain: [-2, 1], intervals: 7 },
    rows: 50,
  },
  'a leading linear layer with bias, several outputs': {
    options: { widths: [3, 4, 2], degree: 2, leadingLinear: 'with-bias', hiddenDomain },
    rows: 77,
  },
  'several outputs, trainable numbers that the loss does not know, many intervals': {
    options: { widths: [3, 4, 3], scalars: [0.5, 2], intervals: 150 },
    rows: 33,
  },
};

const furtherCases: Record<string, Case> = {
  'one hidden layer': { options: { widths: [2, 5, 1] }, rows: 100 },
  'no hidden layer, degree 1': { options: { widths: [3, 2], degree: 1 }, rows: 31 },
  'a leading linear layer without bias': {
    options: { widths: [3, 4, 4, 1], leadingLinear: 'without-bias' },
    rows: 520,
  },
  'many narrow layers': { options: { widths: [1, 2, 2, 2, 2, 1], hiddenDomain }, rows: 600 },
  'one wide layer': { options: { widths: [2, 60, 1] }, rows: 40 },
  'a single row': { options: { widths: [2, 5, 1] }, rows: 1 },
};

function declare(open: Open, declared: Record<string, Case>): void {
  for (const [title, { options, rows }] of Object.entries(declared)) {
    it(`has the loss and gradient of many kernels: ${title}`, async () => {
      const create = async (backend: Backend) => Kan.create(backend, { seed: 4, ...options });
      await expectSame(open, regression(rowsFor(options, rows)), create);
    });
  }
}

describe('a regression in one kernel, of more networks (cpu)', () => {
  declare(async () => new CpuBackend(), furtherCases);
});

const constant = { type: 'constant' } as const;
/** One such step leaves finite parameters whose outputs are not. */
const ABSURD = { cpu: 1e200, webgpu: 1e25 };

/** What a run breaks with, and the parameters it leaves. */
async function failureOf(
  backend: Backend,
  failing: Problem,
  way: Way,
  learningRate: number,
): Promise<{ where: Record<string, unknown>; left: Record<string, Float64Array> }> {
  const kan = await rounded(Kan.create(backend, ARCHITECTURE));
  const optimizer = adam({ learningRate, schedule: constant });
  const { code, where } = await errorOf(() => train(failing, kan, way, { optimizer, steps: 12 }));
  expect(code).to.equal('NON_FINITE_TRAINING');
  return { where, left: await kan.parameters.read() };
}

forEachBackend('a regression in one kernel', (open) => {
  declare(open, cases);

  it('in every mini-batch', async () => {
    const batches = regression({ ...data, batchSize: 50, seed: 2 });
    await expectSame(open, batches, async (backend) => Kan.create(backend, ARCHITECTURE), 2);
  });

  it('takes fewer tiles where a gradient is long', async () => {
    const backend = await openLarge(open);
    const tilesOf = async (intervals: number) => {
      const kan = Kan.create(backend, { widths: [1, 20, 1], intervals });
      const rows = Array.from({ length: 60_000 }, (_, row) => [row / 60_000]);
      const objective = regression({ inputs: rows, targets: rows }).bind(kan);
      const fused = await objective.fuse!();
      const { tiles } = fused!.tiled;
      for (const part of [fused!, objective, kan]) part.dispose();
      return { tiles, numbers: tiles * kan.parameters.length };
    };
    const [short, long] = [await tilesOf(4), await tilesOf(4096)];
    expect(long.numbers).to.be.at.most(2 ** 24);
    expect(long.tiles).to.be.below(short.tiles);
  });

  it('launches two kernels per step of Adam', async () => {
    const backend = await openLarge(open);
    const objective = problem.bind(Kan.create(backend, ARCHITECTURE));
    expect(await dispatchesPerStep(objective, adam())).to.equal(2);
  });

  it('trains as many kernels do, with Adam and with L-BFGS, and leaves no memory behind', async () => {
    const backend = await openLarge(open);
    const batches = regression({ ...data, batchSize: BATCH });
    // A line search multiplies rounding from step to step.
    const runs = [
      { optimizer: adam(), trained: problem, tolerance: { cpu: 1e-12, webgpu: 1e-5 } },
      { optimizer: adam(), trained: batches, tolerance: { cpu: 1e-12, webgpu: 1e-5 } },
      { optimizer: lbfgs(), trained: problem, tolerance: { cpu: 1e-9, webgpu: 1e-3 } },
    ];
    for (const { optimizer, trained, tolerance } of runs) {
      const { bytes } = backend.counters;
      const lossesOf = async (way: Way) => {
        const kan = await rounded(Kan.create(backend, ARCHITECTURE));
        const losses = await train(trained, kan, way, { optimizer, steps: 20 });
        kan.dispose();
        return losses;
      };
      const [plain, fused] = [await lossesOf('plain'), await lossesOf('fused')];
      if (backend.name === 'cpu') expect(backend.counters.bytes).to.equal(bytes);
      expect(fused).to.have.length(plain.length);
      expect(fused.length).to.be.above(5);
      fused.forEach((loss, step) => {
        expect(loss, `${optimizer.name}, loss ${step}`).to.be.closeTo(
          plain[step],
          tolerance[backend.name] * plain[step],
        );
      });
      expect(fused[fused.length - 1]).to.be.below(0.9 * fused[0]);
    }
  });

  it('names step and layer where training breaks down, and goes back to the initial parameters', async () => {
    const backend = await openLarge(open);
    const before = await (await rounded(Kan.create(backend, ARCHITECTURE))).parameters.read();
    const [plain, fused] = [
      await failureOf(backend, problem, 'plain', ABSURD[backend.name]),
      await failureOf(backend, problem, 'fused', ABSURD[backend.name]),
    ];
    expect(fused.where).to.include({ step: 1 });
    expect(fused.where['layer']).to.be.within(1, 2);
    expect(fused.where).to.deep.equal(plain.where);
    expect(fused.left).to.deep.equal(before);
  });

  it('goes back to the last finite parameters where a later mini-batch breaks training', async () => {
    const backend = await openLarge(open);
    // The square of one target is not finite.
    const targets = data.targets.map((row, index) => (index === 7 ? [ABSURD[backend.name]] : row));
    const seed = 3;
    const batches = regression({ ...data, targets, batchSize: BATCH, seed });
    const rate = 0.02;
    const [plain, fused] = [
      await failureOf(backend, batches, 'plain', rate),
      await failureOf(backend, batches, 'fused', rate),
    ];
    const step = fused.where['step'] as number;
    expect(step).to.be.above(1);
    expect(fused.where).to.deep.equal(plain.where);
    const kan = await rounded(Kan.create(backend, ARCHITECTURE));
    const optimizer = adam({ learningRate: rate, schedule: constant });
    await train(regression({ ...data, batchSize: BATCH, seed }), kan, 'fused', { optimizer, steps: step - 1 });
    expect(fused.left).to.deep.equal(await kan.parameters.read());
  });

  it('is none on a device of few workgroups', async () => {
    const backend = await open();
    const objective = problem.bind(Kan.create(backend, ARCHITECTURE));
    const offered = async (parallelism: number) => {
      Object.assign(backend, { parallelism });
      const fused = await objective.fuse!();
      fused?.dispose();
      return fused !== undefined;
    };
    expect(await offered(63)).to.equal(backend.name === 'cpu');
    expect(await offered(64)).to.equal(true);
    objective.dispose();
  });
});

describe('networks for which there is no such kernel', () => {
  const backend = new CpuBackend();
  const narrow = () => Kan.create(backend, ARCHITECTURE);
  const unsuitable: Record<string, () => Promise<[Network, Problem?]>> = {
    'an Mlp': async () => [Mlp.create(backend, { widths: [2, 3, 1] })],
    'an Mlp without hidden layer': async () => [Mlp.create(backend, { widths: [2, 1] })],
    'a squashed Kan': async () => [Kan.create(backend, { ...ARCHITECTURE, squashing: 'tanh' })],
    'a multichannel MLP': async () => [await MultichannelMlp.create(backend, ARCHITECTURE)],
    'too many edges': async () => [Kan.create(backend, { widths: [2, 40, 40, 1] })],
    'layers too wide for the memory of a workgroup': async () => [Kan.create(backend, { widths: [2, 300, 1] })],
    'a penalty on roughness': async () => [narrow(), regression({ ...data, roughness: 1e-4 })],
    'another basis': async () => [narrow(), inCoordinates(problem, { geometry: 'power-relu', gradient: 'power-relu' })],
  };
  for (const [what, create] of Object.entries(unsuitable)) {
    it(`train kernel by kernel: ${what}`, async () => {
      const [model, trained = problem] = await create();
      const { bytes } = backend.counters;
      const objective = trained.bind(model);
      expect(await objective.fuse?.()).to.equal(undefined);
      objective.dispose();
      const optimizer = adam({ learningRate: 0.005 });
      const result = await trainMultilevel(model, trained, { levels: 1, steps: 20, optimizer });
      expect(await figureOf(trained, result.model)).to.be.below(await figureOf(trained, model));
      result.model.dispose();
      expect(backend.counters.bytes, 'nothing is left behind').to.equal(bytes);
    });
  }
});
