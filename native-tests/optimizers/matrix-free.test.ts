/** Gauss–Newton steps by conjugate gradients, against the equations that are assembled and factorised. */
import { expect } from 'chai';
import type { Backend, DeviceBuffer, Dispatch, Recording } from '../../src/backend/backend.ts';
import { CpuBackend } from '../../src/backend/cpu/cpu-backend.ts';
import { NestkanError } from '../../src/errors.ts';
import { Kan } from '../../src/models/kan.ts';
import { regression } from '../../src/multilevel/regression.ts';
import type { GaussNewtonModel } from '../../src/optimizers/gauss-newton.ts';
import { type LevenbergMarquardtOptions, levenbergMarquardt } from '../../src/optimizers/levenberg-marquardt.ts';
import { MatrixFree } from '../../src/optimizers/matrix-free.ts';
import { NormalEquations, type QuadraticModel } from '../../src/optimizers/normal-equations.ts';
import type { Objective } from '../../src/optimizers/objective.ts';
import { PdeProblem } from '../../src/physics/pde-problem.ts';
import { poissonInterfaceGridPde } from '../../src/physics/problems/poisson-interface.ts';
import { errorOf, forEachBackend } from '../backends.ts';
import { randomRows, relativeDifference, scaleParameters } from '../models/model-tools.ts';
import { kanFor, pdes } from '../physics/jacobian-problems.ts';
import { norm, optimize } from './functions.ts';
import { teacherObjective } from './jacobian-tools.ts';

const is64 = ({ precision }: Backend) => precision === 'float64';

const exact = { iterations: 2000, tolerance: 1e-12 };

async function smallRegression(backend: Backend): Promise<Objective> {
  const model = Kan.create(backend, { widths: [2, 3, 2], intervals: 3, seed: 3, leadingLinear: 'with-bias' });
  await scaleParameters(model, 1.5);
  const data = { inputs: randomRows(1, 40, 2, 1.3), targets: randomRows(2, 40, 2) };
  return regression({ ...data, roughness: 0.01 }).bind(model);
}

const objectives: Readonly<Record<string, (backend: Backend) => Promise<Objective>>> = {
  'regression with two outputs and a roughness penalty': smallRegression,
  async 'a system with two sides and scalars'(backend) {
    const problem = new PdeProblem(pdes['a system of two unknowns, a hard constraint and a trainable scalar']);
    return problem.bind(kanFor(backend, problem));
  },
};

interface Both {
  readonly backend: Backend;
  readonly name: string;
  readonly assembled: QuadraticModel;
  readonly model: GaussNewtonModel;
}

/** The models of both solvers at one point. */
async function forEachObjective(
  backend: Backend,
  options: Parameters<typeof MatrixFree.open>[3],
  visit: (both: Both) => Promise<void>,
): Promise<void> {
  for (const [name, create] of Object.entries(objectives)) {
    const objective = await create(backend);
    const { length } = objective.variables;
    const equations = await NormalEquations.open(backend, length, objective.leastSquares!());
    const matrixFree = await MatrixFree.open(backend, length, objective.leastSquares!(), options);
    const [assembled, model] = [await equations.assemble(), await matrixFree.assemble()];
    expect(assembled.active.length, name).to.be.above(20);
    await visit({ backend, name, assembled, model });
    for (const source of [equations, matrixFree]) source.close();
    objective.dispose();
  }
}

/** H · vector */
function product({ hessian, active: { length } }: QuadraticModel, vector: Float64Array): Float64Array {
  return vector.map((_, i) => dot(hessian.subarray(i * length, (i + 1) * length), vector));
}

function dot(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, value, i) => sum + value * b[i], 0);
}

/** Iterations that plain conjugate gradients take to solve (H + damping · 1) δ = −g. */
function plainIterations(model: QuadraticModel, damping: number, tolerance: number): number {
  let residual = model.gradient.map((value) => -value);
  let direction = residual;
  const enough = tolerance * norm(residual);
  let iterations = 0;
  for (; norm(residual) > enough; iterations++) {
    const image = product(model, direction).map((value, i) => value + damping * direction[i]);
    const length = dot(residual, residual) / dot(direction, image);
    const next = residual.map((value, i) => value - length * image[i]);
    const ratio = dot(next, next) / dot(residual, residual);
    direction = direction.map((value, i) => next[i] + ratio * value);
    residual = next;
  }
  return iterations;
}

forEachBackend('matrix-free Gauss–Newton', (open) => {
  it('has the loss and the gradient of the assembled equations', async () => {
    const backend = await open();
    await forEachObjective(backend, exact, async ({ name, assembled, model }) => {
      const tolerance = is64(backend) ? 1e-12 : 1e-4;
      expect(model.loss, name).to.be.closeTo(assembled.loss, tolerance * assembled.loss);
      // Of H + λ 1 with so large a λ nothing is left but λ.
      const damping = 1e15 * assembled.scale;
      const { change } = (await model.step(damping))!;
      const gradient = new Float64Array(change.length);
      assembled.active.forEach((place, i) => {
        gradient[place] = assembled.gradient[i];
      });
      const slopes = change.map((value) => -value * damping);
      expect(relativeDifference(slopes, gradient), name).to.be.below(tolerance);
    });
  });

  it('makes the step of the assembled equations, and promises the same decrease', async () => {
    const backend = await open();
    // Rounding is magnified by the condition, which damping bounds.
    const damped = is64(backend) ? 1e-5 : 1e-2;
    const tolerance = is64(backend) ? 1e-7 : 1e-3;
    const options = is64(backend) ? exact : { iterations: 300, tolerance: 1e-6 };
    await forEachObjective(backend, options, async ({ name, assembled, model }) => {
      const damping = damped * assembled.scale;
      const [direct, step] = [await assembled.step(damping), await model.step(damping)];
      expect(relativeDifference(step!.change, direct!.change), name).to.be.below(tolerance);
      const delta = Float64Array.from(assembled.active, (place) => step!.change[place]);
      const predicted = -2 * dot(assembled.gradient, delta) - dot(delta, product(assembled, delta));
      expect(predicted, name).to.be.above(0);
      expect(step!.predicted, name).to.be.closeTo(predicted, tolerance * predicted);
      expect(step!.evaluations, name).to.be.above(0);
    });
  });

  it('promises what it really gains where iterations run out', async () => {
    const backend = await open();
    await forEachObjective(backend, { iterations: 3, tolerance: 1e-12 }, async ({ name, assembled, model }) => {
      const { change, predicted } = (await model.step(1e-3 * assembled.scale))!;
      const delta = Float64Array.from(assembled.active, (place) => change[place]);
      const expected = -2 * dot(assembled.gradient, delta) - dot(delta, product(assembled, delta));
      expect(expected, name).to.be.above(0);
      expect(predicted, name).to.be.closeTo(expected, (is64(backend) ? 1e-11 : 1e-3) * expected);
    });
  });

  it('gives the same bits again, and however many chunks there are, also after an evaluation elsewhere', async () => {
    const backend = await open();
    const objective = await smallRegression(backend);
    const { variables, evaluate } = objective;
    const leastSquares = objective.leastSquares!();
    const slots = Math.max(...leastSquares.blocks.map((block) => block.slots));
    const evaluation = await backend.record(evaluate);
    const [point] = await backend.read([variables.values]);
    const results = [];
    for (const room of [undefined, undefined, 7 * slots, 1]) {
      const source = await MatrixFree.open(backend, variables.length, leastSquares, { room });
      const { step, ...numbers } = await source.assemble();
      const damping = 1e-3 * numbers.scale;
      const first = await step(damping);
      backend.write(
        variables.values,
        point.map((value) => 2 * value + 0.1),
      );
      backend.run(evaluation);
      backend.write(variables.values, point);
      expect(await step(damping), `room for ${room}`).to.deep.equal(first);
      results.push({ ...numbers, ...first! });
      source.close();
    }
    expect(results[1]).to.deep.equal(results[0]);
    for (const result of results) {
      if (is64(backend)) {
        expect(result).to.deep.equal(results[0]);
        continue;
      }
      // A device shares samples out among partial sums, chunk by chunk.
      const { loss, scale, predicted } = result;
      expect(scale).to.equal(results[0].scale);
      expect(loss).to.be.closeTo(results[0].loss, 1e-5 * loss);
      expect(predicted).to.be.closeTo(results[0].predicted, 1e-2 * predicted);
    }
    objective.dispose();
  });

  it('gives its memory back', async () => {
    const backend = await open();
    const objective = await smallRegression(backend);
    const leastSquares = objective.leastSquares!();
    const use = async () => {
      const source = await MatrixFree.open(backend, objective.variables.length, leastSquares);
      await (await source.assemble()).step(1);
      source.close();
      source.close();
      return backend.counters.bytes;
    };
    // What a device keeps in its pool serves the next.
    const bytes = await use();
    for (let repetition = 0; repetition < 3; repetition++) expect(await use()).to.equal(bytes);
    objective.dispose();
  });

  it('Levenberg–Marquardt comes back to the network that made the data, as with the direct solver', async () => {
    const backend = await open();
    for (const solver of ['direct', 'matrix-free'] as const) {
      const objective = await teacherObjective(backend);
      // Every product counts as an evaluation, up to 60 for a step.
      const budget = solver === 'direct' ? 1500 : 6000;
      const { losses } = await optimize(objective, levenbergMarquardt({ solver, gainTolerance: 0 }), budget);
      expect(losses[0]).to.be.above(1e-4);
      expect(losses.at(-1), solver).to.be.below(losses[0] * (is64(backend) ? 1e-10 : 1e-8));
      losses.forEach((loss, i) => {
        if (i > 0) expect(loss).to.be.at.most(losses[i - 1]);
      });
      objective.dispose();
    }
  });
});

/** Fails at one of the things it is asked for. */
class Failing extends CpuBackend {
  /** Requests until then; none fails below 0. */
  left = -1;

  override allocate(length: number, options?: Parameters<Backend['allocate']>[1]): DeviceBuffer {
    this.#count();
    return super.allocate(length, options);
  }

  override async record(dispatches: readonly Dispatch[], label?: string): Promise<Recording> {
    this.#count();
    return super.record(dispatches, label);
  }

  #count() {
    if (this.left-- === 0) throw new NestkanError('BUFFER_TOO_LARGE', 'no more', { fix: 'None.' });
  }
}

describe('solvers of Gauss–Newton equations', () => {
  it('the edges’ own blocks spare most iterations where damping is small', async () => {
    const backend = new CpuBackend();
    const problem = new PdeProblem(poissonInterfaceGridPde({ nodes: 30 }));
    const objective = problem.bind(kanFor(backend, problem, { widths: [3, 5, 1], intervals: 8 }));
    const { length } = objective.variables;
    const tolerance = 1e-3;
    const equations = await NormalEquations.open(backend, length, objective.leastSquares!());
    const matrixFree = await MatrixFree.open(backend, length, objective.leastSquares!(), {
      iterations: 1000,
      tolerance,
    });
    const [assembled, free] = [await equations.assemble(), await matrixFree.assemble()];
    const damping = 1e-6 * assembled.scale;
    // Every product is read back.
    const before = backend.counters.readbacks;
    await free.step(damping);
    const iterations = backend.counters.readbacks - before;
    expect(iterations).to.be.above(1);
    expect(iterations).to.be.below(plainIterations(assembled, damping, tolerance) / 2);
    for (const source of [equations, matrixFree]) source.close();
    objective.dispose();
  });

  const solvers = { NormalEquations, MatrixFree };

  for (const [name, solver] of Object.entries(solvers)) {
    it(`${name} leaves no memory behind where it cannot be opened`, async () => {
      const backend = new Failing();
      const objective = await smallRegression(backend);
      const leastSquares = objective.leastSquares!();
      const { bytes } = backend.counters;
      const attempt = () => solver.open(backend, objective.variables.length, leastSquares);
      let failures = 0;
      for (; ; failures++) {
        backend.left = failures;
        const opened = await attempt().catch((error: unknown) => error);
        const failed = backend.left < 0;
        if (!failed) {
          expect(opened).to.be.an.instanceOf(solver);
          break;
        }
        expect(opened).to.include({ code: 'BUFFER_TOO_LARGE' });
        expect(backend.counters.bytes, `request ${failures}`).to.equal(bytes);
      }
      // The matrix, its rest, the counter and the adjoints; rows and a recording for each of the blocks.
      expect(failures).to.be.at.least(4 + 3 * leastSquares.blocks.length);
      objective.dispose();
    });
  }

  it('bad options are refused', async () => {
    const refused: LevenbergMarquardtOptions[] = [
      { conjugateGradients: { iterations: 0 } },
      { conjugateGradients: { iterations: Number.NaN } },
      { conjugateGradients: { tolerance: 0 } },
      { conjugateGradients: { tolerance: 1 } },
      { conjugateGradients: { tolerance: Number.NaN } },
      { solver: 'cholesky' as 'direct' },
    ];
    for (const options of refused) {
      const { code, message } = await errorOf(() => levenbergMarquardt(options));
      expect(code, JSON.stringify(options)).to.equal('INVALID_ARGUMENT');
      expect(message).to.match(/conjugate gradient|solver/);
    }
  });

  it('the matrix-free one is chosen where factors would take long, and that is said', async () => {
    const backend = new CpuBackend();
    const few = { inputs: randomRows(1, 12, 2), targets: randomRows(2, 12, 1) };
    const many = { inputs: randomRows(1, 9000, 2), targets: randomRows(2, 9000, 1) };
    const cases = [
      { data: few, widths: [2, 5, 1], intervals: 4, reason: undefined },
      { data: few, widths: [2, 5, 1], intervals: 180, reason: /parameters.*matrix-free/ },
      { data: many, widths: [2, 8, 8, 1], intervals: 2, reason: /samples.*matrix-free/ },
    ];
    for (const { data, reason, ...network } of cases) {
      const objective = regression(data).bind(Kan.create(backend, network));
      for (const solver of ['auto', 'matrix-free'] as const) {
        const run = await levenbergMarquardt({ solver }).start(objective, 10);
        if (reason && solver === 'auto') expect(run.choice?.reason).to.match(reason);
        else expect(run.choice).to.equal(undefined);
        run.dispose();
      }
      objective.dispose();
    }
  });
});
