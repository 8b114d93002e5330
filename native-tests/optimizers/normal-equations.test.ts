/** JᵀWJ, JᵀWr and rᵀWr as they are assembled, against their definition from dense matrices. */
import { expect } from 'chai';
import type { Backend } from '../../src/backend/backend.ts';
import { Kan } from '../../src/models/kan.ts';
import { regression } from '../../src/multilevel/regression.ts';
import { NormalEquations, type QuadraticModel } from '../../src/optimizers/normal-equations.ts';
import type { Objective } from '../../src/optimizers/objective.ts';
import { PdeProblem } from '../../src/physics/pde-problem.ts';
import { forEachBackend } from '../backends.ts';
import { randomRows, scaleParameters } from '../models/model-tools.ts';
import { kanFor, pdes } from '../physics/jacobian-problems.ts';
import { type DenseBlock, denseBlocks, normalMatrixOf } from './jacobian-tools.ts';

/**
 * Relative error of a term of the sums: products of four numbers, rounded three times. The sums have twice the digits,
 * and what a few hundred additions lose of these is little beside it.
 */
const termError = ({ precision }: Backend) => 4 * (precision === 'float64' ? 2 ** -53 : 2 ** -24);
/** Float64 sums of some hundred terms round more than the terms. */
const sumError = ({ precision }: Backend) => (precision === 'float64' ? 1000 * 2 ** -53 : 0);

type Create = (backend: Backend) => Promise<Objective>;

const objectives: Readonly<Record<string, Create>> = {
  async 'regression with two outputs and a roughness penalty'(backend) {
    const model = Kan.create(backend, { widths: [2, 3, 2], intervals: 3, seed: 3, leadingLinear: 'with-bias' });
    await scaleParameters(model, 1.5);
    const data = { inputs: randomRows(1, 40, 2, 1.3), targets: randomRows(2, 40, 2) };
    return regression({ ...data, roughness: 0.01 }).bind(model);
  },
  ...Object.fromEntries(
    Object.entries(pdes).map(([name, pde]) => [
      name,
      async (backend: Backend) => {
        const problem = new PdeProblem(pde);
        const objective = problem.bind(kanFor(backend, problem));
        // So that attention weights are not all the same.
        if (objective.perStep) backend.run(await backend.record([...objective.evaluate, ...objective.perStep]), 3);
        return objective;
      },
    ]),
  ),
};

/** On a device every size of every kernel is compiled: there, plain values and one case of all that jets may be. */
function objectivesFor({ name }: Backend): [string, Create][] {
  const some = /regression|system/;
  return Object.entries(objectives).filter(([title]) => name === 'cpu' || some.test(title));
}

/** Numbers alone, to be compared as a whole. */
type Assembled = Omit<QuadraticModel, 'step'>;

async function assemble({ backend, variables, leastSquares }: Objective, room?: number): Promise<Assembled> {
  const equations = await NormalEquations.open(backend, variables.length, leastSquares!(), { room });
  const { step: _, ...model } = await equations.assemble();
  equations.close();
  return model;
}

function expectDefinition(
  name: string,
  { loss, active, hessian, gradient }: Assembled,
  blocks: readonly DenseBlock[],
  error: number,
) {
  const { columns } = blocks[0];
  const last = columns - 1;
  const { matrix, sizes } = normalMatrixOf(blocks);
  const touched = Array.from({ length: last }, (_, i) => i).filter((i) => matrix[i * columns + i] !== 0);
  expect([...active]).to.deep.equal(touched);
  expect(touched.length).to.be.above(20);
  const compare = (actual: number, i: number, j: number) => {
    const [value, size] = [matrix[i * columns + j], sizes[i * columns + j]];
    expect(actual, `${name}: entry (${i}, ${j})`).to.be.closeTo(value, error * size);
  };
  compare(loss, last, last);
  touched.forEach((i, row) => {
    compare(gradient[row], i, last);
    touched.forEach((j, column) => {
      compare(hessian[row * touched.length + column], i, j);
    });
  });
}

forEachBackend('normal equations', (open) => {
  it('are as their definition has them', async () => {
    const backend = await open();
    for (const [name, create] of objectivesFor(backend)) {
      const objective = await create(backend);
      const model = await assemble(objective);
      expectDefinition(name, model, await denseBlocks(objective), termError(backend) + sumError(backend));
      objective.dispose();
    }
  });

  it('the loss is that of the objective, its gradient twice what is assembled', async () => {
    const backend = await open();
    for (const [name, create] of objectivesFor(backend)) {
      const objective = await create(backend);
      const { loss, gradient, active } = await assemble(objective);
      backend.run(await backend.record(objective.evaluate));
      const [[expected], slopes] = await backend.read([objective.loss, objective.variables.gradients]);
      const rounding = backend.precision === 'float64' ? 1e-12 : 1e-4;
      expect(loss).to.be.closeTo(expected, rounding * expected);
      const size = Math.max(...slopes.map(Math.abs));
      const places = new Map([...active].map((place, index) => [place, index]));
      slopes.forEach((slope, place) => {
        const index = places.get(place);
        expect(index === undefined ? 0 : 2 * gradient[index], `${name}: ${place}`).to.be.closeTo(
          slope,
          rounding * size,
        );
      });
      objective.dispose();
    }
  });

  it('the number of chunks changes nothing, and the same numbers give the same bits', async () => {
    const backend = await open();
    const [[, create]] = objectivesFor(backend);
    const objective = await create(backend);
    const whole = await assemble(objective);
    expect(await assemble(objective)).to.deep.equal(whole);
    const slots = Math.max(...objective.leastSquares!().blocks.map((block) => block.slots));
    for (const room of [1, 3 * slots, 7 * slots]) {
      // Each chunk adds its samples in the same order.
      expect(await assemble(objective, room), `room for ${room}`).to.deep.equal(whole);
    }
    objective.dispose();
  });

  it('a second assembly has nothing left of the first', async () => {
    const backend = await open();
    const problem = new PdeProblem(pdes['a system of two unknowns, a hard constraint and a trainable scalar']);
    const model = kanFor(backend, problem);
    const objective = problem.bind(model);
    const equations = await NormalEquations.open(backend, model.parameters.length, objective.leastSquares!());
    const { step: _, ...first } = await equations.assemble();
    await scaleParameters(model, 0.5);
    expect((await equations.assemble()).loss).not.to.equal(first.loss);
    await scaleParameters(model, 2);
    expect(await equations.assemble()).to.deep.include(first);
    equations.close();
    objective.dispose();
  });

  it('sums over many samples are not rounded as float32 sums are', async () => {
    const backend = await open();
    const model = Kan.create(backend, { widths: [1, 1], degree: 2, intervals: 2, seed: 1 });
    const rows = 6000;
    const objective = regression({ inputs: randomRows(1, rows, 1), targets: randomRows(2, rows, 1) }).bind(model);
    const { hessian, active } = await assemble(objective);
    const [{ columns, jacobian, weights }, ...others] = await denseBlocks(objective);
    expect([others.length, active.length]).to.deep.equal([0, 4]);
    let [worst, worstOfFloat32] = [0, 0];
    for (let i = 0; i < 4; i++) {
      for (let j = 0; j < 4; j++) {
        let [sum, float32] = [0, 0];
        for (let s = 0; s < rows; s++) {
          const term = weights[s] * jacobian[s * columns + i] * jacobian[s * columns + j];
          sum += term;
          float32 = Math.fround(float32 + Math.fround(term));
        }
        if (sum === 0) continue;
        worst = Math.max(worst, Math.abs(hessian[i * 4 + j] / sum - 1));
        worstOfFloat32 = Math.max(worstOfFloat32, Math.abs(float32 / sum - 1));
      }
    }
    const bound = termError(backend) + sumError(backend);
    expect(worst).to.be.below(bound);
    expect(worstOfFloat32).to.be.above(2 * bound);
    objective.dispose();
  });
});
