/** Jacobian rows of differential equations: each row is the derivative of one residual, as finite differences have it. */
import { expect } from 'chai';
import { CpuBackend } from '../../src/backend/cpu/cpu-backend.ts';
import { Mlp } from '../../src/models/mlp.ts';
import type { Network } from '../../src/models/network.ts';
import { PdeProblem } from '../../src/physics/pde-problem.ts';
import { denseBlocks, expectRowsOf } from '../optimizers/jacobian-tools.ts';
import { kanFor, pdes } from './jacobian-problems.ts';

/** A block per equation of every term, in order, at the term's own points. */
async function residualsOf(problem: PdeProblem, model: Network): Promise<Float64Array[]> {
  const blocks: Float64Array[] = [];
  for (const [index, traced] of problem.terms.entries()) {
    const sides = problem.points(traced, index, model);
    const { rows, columns, data } = await problem.residualAt(model, traced, ...sides);
    for (let equation = 0; equation < rows; equation++) {
      blocks.push(data.slice(equation * columns, (equation + 1) * columns));
    }
  }
  return blocks;
}

async function expectRows(problem: PdeProblem, model: Network): Promise<void> {
  const objective = problem.bind(model);
  const blocks = await denseBlocks(objective);
  await expectRowsOf(model, blocks, () => residualsOf(problem, model));
  objective.dispose();
}

describe('Jacobian rows of differential equations', () => {
  for (const [name, pde] of Object.entries(pdes)) {
    it(`${name}: a block per equation, each row as finite differences have it`, async () => {
      const problem = new PdeProblem(pde);
      await expectRows(problem, kanFor(new CpuBackend(), problem));
    });
  }

  const problem = new PdeProblem(Object.values(pdes)[0]);
  const networks: Record<string, Network> = {
    'a leading linear layer with bias and tanh': kanFor(new CpuBackend(), problem, {
      leadingLinear: 'with-bias',
      squashing: 'tanh',
      hiddenDomain: [-1, 1],
    }),
    'three layers': kanFor(new CpuBackend(), problem, { widths: [2, 2, 2, 1], degree: 5 }),
    'a dense network': Mlp.create(new CpuBackend(), { widths: [2, 5, 1], activation: 'tanh', seed: 1 }),
  };
  for (const [name, model] of Object.entries(networks)) {
    it(`${name}: the same`, () => expectRows(problem, model));
  }

  it('weights are those of the term, over its points, times those of attention', async () => {
    const attentive = new PdeProblem(pdes['a feature with a kink, a flux across it and attention']);
    const model = kanFor(new CpuBackend(), attentive);
    const { backend } = model;
    const objective = attentive.bind(model);
    backend.run(await backend.record([...objective.evaluate, ...objective.perStep!]), 3);
    const [attention] = await backend.read(objective.stepState!);
    expect(Math.min(...attention)).to.be.below(0.7);
    const blocks = await denseBlocks(objective);
    const expected = attentive.terms.map(({ name, term }, index) => {
      const count = attentive.points(attentive.terms[index], index, model)[0].rows;
      const factor = (term.weight ?? 1) / count;
      return Array.from({ length: count }, (_, i) => factor * (name === 'volume' ? attention[i] : 1));
    });
    expect(blocks.map(({ weights }) => [...weights])).to.deep.equal(expected);
    objective.dispose();
  });
});
