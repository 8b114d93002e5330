/** Levenberg–Marquardt on least-squares problems whose solution is known. */
import { expect } from 'chai';
import type { Backend, DeviceBuffer } from '../../src/backend/backend.ts';
import { CpuBackend } from '../../src/backend/cpu/cpu-backend.ts';
import { dispatch } from '../../src/backend/dispatch.ts';
import { copy } from '../../src/kernels/vectors.ts';
import { Kan } from '../../src/models/kan.ts';
import { MultichannelMlp } from '../../src/models/multichannel-mlp.ts';
import { inCoordinates } from '../../src/multilevel/coordinates.ts';
import { regression } from '../../src/multilevel/regression.ts';
import { levenbergMarquardt } from '../../src/optimizers/levenberg-marquardt.ts';
import type { Objective } from '../../src/optimizers/objective.ts';
import { definePde } from '../../src/physics/pde.ts';
import { PdeProblem } from '../../src/physics/pde-problem.ts';
import { interior } from '../../src/physics/sampling.ts';
import { errorOf, forEachBackend } from '../backends.ts';
import { coxDeBoor, largest, outputsOf, randomRows } from '../models/model-tools.ts';
import { kanFor, pdes } from '../physics/jacobian-problems.ts';
import { solveDense } from './dense-solver.ts';
import { objectiveOf, optimize, rosenbrock } from './functions.ts';
import { teacherObjective } from './jacobian-tools.ts';

const is64 = ({ precision }: Backend) => precision === 'float64';

async function lossOf({ backend, evaluate, loss }: Objective): Promise<number> {
  backend.run(await backend.record(evaluate));
  const [[value]] = await backend.read([loss]);
  return value;
}

/** Points spread evenly over the interior of [-1, 1]. */
const line = (rows: number) => Array.from({ length: rows }, (_, i) => [Math.fround((2 * i + 1) / rows - 1)]);

forEachBackend('Levenberg–Marquardt', (open) => {
  it('finds the cubic that cubic splines contain, in a few steps', async () => {
    const backend = await open();
    const model = Kan.create(backend, { widths: [1, 1], degree: 3, intervals: 6, seed: 1 });
    const cubic = (x: number) => 1 - 2 * x + 0.5 * x ** 2 + 3 * x ** 3;
    const inputs = line(60);
    const objective = regression({ inputs, targets: inputs.map(([x]) => [cubic(x)]) }).bind(model);
    const trace = await optimize(objective, levenbergMarquardt(), 30);
    expect(trace.losses[5]).to.be.below(1e-5 * trace.losses[0]);
    const bound = is64(backend) ? 1e-10 : 1e-5;
    expect(await lossOf(objective)).to.be.below(bound ** 2);
    const elsewhere = line(37);
    const outputs = await outputsOf(model, elsewhere);
    elsewhere.forEach(([x], row) => {
      expect(outputs[row]).to.be.closeTo(cubic(x), 10 * bound);
    });
    objective.dispose();
  });

  it('reaches the least-squares spline through noise', async () => {
    const backend = await open();
    const grid = { degree: 3, intervals: 4, domain: [-1, 1] as const };
    const model = Kan.create(backend, { widths: [1, 1], ...grid, seed: 1 });
    const inputs = line(200);
    const targets = randomRows(3, 200, 1);
    const objective = regression({ inputs, targets }).bind(model);
    await optimize(objective, levenbergMarquardt(), 30);
    const rows = inputs.map(([x]) => coxDeBoor(x, grid));
    const size = rows[0].length;
    const product = (column: (row: number) => number) => (i: number) =>
      rows.reduce((sum, basis, row) => sum + basis[i] * column(row), 0);
    const matrix = Array.from({ length: size }, (_, i) =>
      Array.from({ length: size }, (_, j) => product((row) => rows[row][j])(i)),
    );
    const right = Array.from({ length: size }, (_, i) => product((row) => targets[row][0])(i));
    const expected = solveDense(matrix, right);
    const { 'layer0.weights': weights } = await model.parameters.read();
    // Float32 does not see by how much a loss is above the least one if that is below 1e-7 of it, float64 1e-16: the
    // coefficients may be off by the square root of that, times some ten for the least eigenvalue.
    const tolerance = is64(backend) ? 1e-7 : 5e-3;
    expected.forEach((coefficient, k) => {
      expect(weights[k]).to.be.closeTo(coefficient, tolerance * largest(expected));
    });
    const least = rows.reduce((sum, basis, row) => {
      const value = basis.reduce((total, b, k) => total + b * expected[k], 0);
      return sum + (value - targets[row][0]) ** 2 / 200;
    }, 0);
    // The loss is flat there: the square of what the coefficients are off by.
    expect(await lossOf(objective)).to.be.closeTo(least, (is64(backend) ? 1e-11 : 1e-6) * least);
    objective.dispose();
  });

  it('comes back to the network that made the data', async () => {
    const backend = await open();
    const objective = await teacherObjective(backend);
    const start = await lossOf(objective);
    const trace = await optimize(objective, levenbergMarquardt(), 60);
    expect(start).to.be.above(1e-4);
    // Ridges of such networks are long and flat: no more than a factor of two or so per evaluation.
    expect(await lossOf(objective)).to.be.below(start * (is64(backend) ? 1e-10 : 1e-8));
    trace.losses.forEach((loss, i) => {
      if (i > 0) expect(loss).to.be.at.most(trace.losses[i - 1] * (1 + (is64(backend) ? 1e-14 : 1e-5)));
    });
    objective.dispose();
  });

  it('gives the same iterates however the budget is cut, and never spends more', async () => {
    const backend = await open();
    const problem = new PdeProblem(pdes['a feature with a kink, a flux across it and attention']);
    const starts: Record<string, () => Objective> = {
      regression() {
        const model = Kan.create(backend, { widths: [2, 2, 1], intervals: 3, seed: 5 });
        return regression({ inputs: randomRows(4, 150, 2), targets: randomRows(5, 150, 1) }).bind(model);
      },
      'an equation with attention': () => problem.bind(kanFor(backend, problem)),
    };
    // On a device the many kernels of an equation take long to compile and say nothing else.
    const names = is64(backend) ? Object.keys(starts) : ['regression'];
    for (const name of names) {
      for (const budget of [1, 2, 3, 17]) {
        const results = [];
        for (const pieces of [[budget], [1], [3, 1, 7]]) {
          const objective = starts[name]();
          const trace = await optimize(objective, levenbergMarquardt(), budget, pieces);
          const state = await backend.read([objective.variables.values, ...(objective.stepState ?? [])]);
          expect(trace.evaluations).to.be.at.most(budget);
          if (budget > 10) expect(trace.steps).to.be.above(3);
          results.push({ trace, state });
          objective.dispose();
        }
        for (const result of results) expect(result, `${name}, budget ${budget}`).to.deep.equal(results[0]);
      }
    }
  });

  it('leaves the variables at the last loss told', async () => {
    const backend = await open();
    const model = Kan.create(backend, { widths: [2, 2, 1], intervals: 3, seed: 5 });
    const objective = regression({ inputs: randomRows(4, 150, 2), targets: randomRows(5, 150, 1) }).bind(model);
    const { losses } = await optimize(objective, levenbergMarquardt(), 9);
    const last = losses[losses.length - 1];
    expect(await lossOf(objective)).to.be.closeTo(last, is64(backend) ? 0 : 1e-5 * last);
    objective.dispose();
  });

  it('reads once an assembly and once a trial; on a device once for both', async () => {
    const backend = await open();
    for (const solver of ['direct', 'matrix-free'] as const) {
      const objective = smoothObjective(backend);
      const run = await levenbergMarquardt({ solver }).start(objective, 100);
      await run.advance(2);
      const before = backend.counters.readbacks;
      const { evaluations, steps } = await run.advance(20);
      const readbacks = backend.counters.readbacks - before;
      if (solver === 'direct') expect(evaluations, 'every trial is accepted').to.equal(2 * steps);
      // Conjugate gradients count their products, and read one at a time.
      const ahead = solver === 'direct' && backend.name === 'webgpu';
      expect(readbacks, solver).to.equal(ahead ? steps : evaluations);
      run.dispose();
      objective.dispose();
    }
  });

  it('makes the same iterates whether trials assemble ahead or not, rejected ones included', async () => {
    const backend = await open();
    const results = [];
    for (const ahead of [true, false]) {
      const objective = await teacherObjective(backend);
      const { loss } = objective;
      const idle = dispatch(copy, { source: loss, target: backend.allocate(1) }, { count: 1 });
      const trace = await optimize(ahead ? objective : { ...objective, perStep: [idle] }, levenbergMarquardt(), 60);
      results.push({ trace, values: await backend.read([objective.variables.values]) });
      objective.dispose();
    }
    const [{ trace }] = results;
    if (!is64(backend)) expect(trace.evaluations, 'rejections').to.be.above(2 * trace.steps + 1);
    expect(results[1]).to.deep.equal(results[0]);
  });

  it('takes back steps to where the loss is not a number', async () => {
    const { model, objective } = roots(await open(), 4);
    const trace = await optimize(objective, levenbergMarquardt(), 40);
    expect(trace.losses.every(Number.isFinite)).to.equal(true);
    const { 'layer0.weights': weights } = await model.parameters.read();
    weights.forEach((value) => {
      expect(value).to.be.closeTo(0.25, 1e-3);
    });
    objective.dispose();
  });

  it('refuses to start where the loss is not finite, and says where that is', async () => {
    const { model, objective } = roots(await open(), -1);
    const before = await model.parameters.read();
    const run = await levenbergMarquardt().start(objective, 10);
    const { code, where } = await errorOf(() => run.advance(10));
    expect(code).to.equal('NON_FINITE_TRAINING');
    expect(where).to.include({ step: 0, term: 'root' });
    expect(await model.parameters.read()).to.deep.equal(before);
    run.dispose();
    objective.dispose();
  });

  it('refuses what is no full-batch sum of squares of B-splines', async () => {
    const backend = await open();
    const data = { inputs: randomRows(1, 12, 2), targets: randomRows(2, 12, 1) };
    const kan = Kan.create(backend, { widths: [2, 2, 1] });
    const unsuitable: Record<string, Objective> = {
      'mini-batches': regression({ ...data, batchSize: 4 }).bind(kan),
      'a power-ReLU network': regression(data).bind(await MultichannelMlp.create(backend, { widths: [2, 2, 1] })),
      'variables in another basis': inCoordinates(regression(data), {
        geometry: 'power-relu',
        gradient: 'power-relu',
      }).bind(kan),
      'a gradient in another basis': inCoordinates(regression(data), {
        geometry: 'spline',
        gradient: 'power-relu',
      }).bind(kan),
      'any function': objectiveOf(backend, rosenbrock, [0, 0]),
    };
    for (const [name, objective] of Object.entries(unsuitable)) {
      const { code, fix } = await errorOf(() => levenbergMarquardt().start(objective, 10));
      expect(code, name).to.equal('OPTIMIZER_UNSUITABLE');
      expect(fix, name).to.match(/adam/);
      objective.dispose();
    }
  });
});

function smoothObjective(backend: Backend): Objective {
  const model = Kan.create(backend, { widths: [2, 3, 1], intervals: 4, seed: 1 });
  const inputs = randomRows(4, 150, 2);
  const targets = inputs.map(([x, y]) => [Math.exp(Math.sin(3 * x) + y ** 2)]);
  return regression({ inputs, targets }).bind(model);
}

/** √u = ½ from a constant u: the first Gauss–Newton step from u = 4 leads to u = −2. */
function roots(backend: Backend, start: number) {
  const pde = definePde({
    inputs: { x: [0, 1] },
    terms: { root: { on: interior(30), residual: ({ u }) => u.sqrt().sub(0.5) } },
  });
  const model = Kan.create(backend, { widths: [1, 1], degree: 2, intervals: 2 });
  model.parameters.write({ 'layer0.weights': new Float64Array(4).fill(start) });
  return { model, objective: new PdeProblem(pde).bind(model) };
}

describe('Levenberg–Marquardt', () => {
  it('has met losses that are not numbers in the test above', async () => {
    const seen: number[] = [];
    class Watching extends CpuBackend {
      override async read(buffers: readonly DeviceBuffer[]): Promise<Float64Array[]> {
        const arrays = await super.read(buffers);
        if (buffers.length === 1 && arrays[0].length === 1) seen.push(arrays[0][0]);
        return arrays;
      }
    }
    const { objective } = roots(new Watching(), 4);
    await optimize(objective, levenbergMarquardt(), 3);
    expect(seen.some(Number.isNaN)).to.equal(true);
  });
});
