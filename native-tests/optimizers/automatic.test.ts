/** Which optimizer is chosen, and that it then does what it does alone. */
import { expect } from 'chai';
import { CpuBackend } from '../../src/backend/cpu/cpu-backend.ts';
import { Kan } from '../../src/models/kan.ts';
import { Mlp } from '../../src/models/mlp.ts';
import type { Network } from '../../src/models/network.ts';
import { type Coordinates, inCoordinates } from '../../src/multilevel/coordinates.ts';
import { regression } from '../../src/multilevel/regression.ts';
import { trainMultilevel } from '../../src/multilevel/train.ts';
import { automatic } from '../../src/optimizers/automatic.ts';
import { levenbergMarquardt } from '../../src/optimizers/levenberg-marquardt.ts';
import type { Objective } from '../../src/optimizers/objective.ts';
import { forEachBackend } from '../backends.ts';
import { ARCHITECTURE, BATCH, ROWS, sample, smooth } from '../multilevel/problems.ts';
import { objectiveOf, optimize, rosenbrock } from './functions.ts';

const cpu = new CpuBackend();
const samples = sample(smooth, ROWS, 1);
const problem = regression(samples);

/** Of a level of ten evaluations. */
async function choiceFor(objective: Objective): Promise<{ name: string; reason: string }> {
  const run = await automatic().start(objective, 10);
  await run.advance(10);
  run.dispose();
  objective.dispose();
  return run.choice!;
}

const kan = () => Kan.create(cpu, ARCHITECTURE);
const bound = (of: typeof problem, model: Network = kan()) => of.bind(model);
const inBases = (coordinates: Coordinates) => bound(inCoordinates(problem, coordinates));

forEachBackend('the automatic choice', (open) => {
  it('is Levenberg–Marquardt for sums of squares, with its very iterates', async () => {
    const backend = await open();
    const [expected, own] = [0, 1].map(() => problem.bind(Kan.create(backend, ARCHITECTURE)));
    const losses = (await optimize(expected, levenbergMarquardt(), 12)).losses;
    expect((await optimize(own, automatic(), 12)).losses).to.deep.equal(losses);
    expect(losses[losses.length - 1]).to.be.below(0.1 * losses[0]);
    for (const objective of [expected, own]) objective.dispose();
  });
});

describe('the automatic choice, and why', () => {
  const cases: [what: string, objective: () => Objective, name: string, reason: RegExp][] = [
    ['a full batch', () => bound(problem), 'lm', /sum of squares/],
    ['mini-batches', () => bound(regression({ ...samples, batchSize: BATCH })), 'adam', /mini-batches/],
    ['an MLP', () => bound(problem, Mlp.create(cpu, { widths: [2, 4, 1], seed: 1 })), 'lm', /sum of squares/],
    ['a loss of another kind', () => objectiveOf(cpu, rosenbrock, [0, 1, 2]), 'adam-lbfgs', /no sum of squares/],
    ['the ReLU basis', () => inBases({ geometry: 'power-relu', gradient: 'power-relu' }), 'adam-lbfgs', /B-spline/],
    ['mixed bases', () => inBases({ geometry: 'spline', gradient: 'power-relu' }), 'adam', /another basis/],
    [
      'a wide network',
      () => bound(problem, Kan.create(cpu, { widths: [2, 200, 1], intervals: 4 })),
      'adam-lbfgs',
      /more than 1700 parameters/,
    ],
  ];
  for (const [what, objective, name, reason] of cases) {
    it(`${what}: ${name}`, async () => {
      const choice = await choiceFor(objective());
      expect(choice.name).to.equal(name);
      expect(choice.reason).to.match(reason);
    });
  }

  it('does not make residual blocks of networks that are far too large', async () => {
    const wide = bound(problem, Kan.create(cpu, { widths: [2, 200, 1], intervals: 4 }));
    const asked = { ...wide, leastSquares: () => expect.fail('asked for residual blocks') };
    expect((await choiceFor(asked)).name).to.equal('adam-lbfgs');
  });

  it('is made anew on every level, and stands in the history', async () => {
    const initial = Kan.create(cpu, { widths: [2, 50, 1], intervals: 4, seed: 1 });
    const { history } = await trainMultilevel(initial, problem, { levels: 2, steps: 3 });
    expect(history.levels.map(({ parameters }) => parameters)).to.deep.equal([1050, 1650]);
    expect(history.levels.map(({ optimizer }) => optimizer)).to.deep.equal(['lm', 'lm']);
    const wider = Kan.create(cpu, { widths: [2, 80, 1], intervals: 4, seed: 1 });
    const { levels } = (await trainMultilevel(wider, problem, { levels: 2, steps: 3 })).history;
    expect(levels.map(({ optimizer }) => optimizer)).to.deep.equal(['lm', 'adam-lbfgs']);
    expect(levels[1].reason).to.contain('parameters');
  });
});
