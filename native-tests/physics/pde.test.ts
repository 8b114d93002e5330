/** Differential equations as something to be minimised: losses, gradients, attention. */
import { expect } from 'chai';
import type { Backend } from '../../src/backend/backend.ts';
import { CpuBackend } from '../../src/backend/cpu/cpu-backend.ts';
import { Kan } from '../../src/models/kan.ts';
import { Mlp } from '../../src/models/mlp.ts';
import type { Network } from '../../src/models/network.ts';
import { adam } from '../../src/optimizers/adam.ts';
import { definePde, type Pde } from '../../src/physics/pde.ts';
import { PdeProblem } from '../../src/physics/pde-problem.ts';
import { allenCahnPde } from '../../src/physics/problems/allen-cahn.ts';
import { inverseDiffusionPde } from '../../src/physics/problems/inverse-diffusion.ts';
import { poissonInterfaceGridPde } from '../../src/physics/problems/poisson-interface.ts';
import { interior, points } from '../../src/physics/sampling.ts';
import { solve } from '../../src/physics/solve.ts';
import { errorOf, forEachBackend } from '../backends.ts';
import { define, type Terms, u } from './definitions.ts';

function modelFor(backend: Backend, { pde, scaling }: PdeProblem): Kan {
  const widths = [scaling.scale.length, 3, pde.unknowns.length];
  // A narrow hidden domain: some activations lie outside.
  return Kan.create(backend, {
    widths,
    degree: 4,
    intervals: 3,
    hiddenDomain: [-0.7, 0.7],
    scalars: Object.values(pde.scalars),
    seed: 2,
  });
}

/** Loss and gradients at the model's parameters, after so many evaluations with what belongs to a step. */
async function gradientsOf(problem: PdeProblem, model: Network, steps = 0) {
  const { backend, parameters } = model;
  const objective = problem.bind(model);
  const step = await backend.record([...objective.evaluate, ...(objective.perStep ?? [])]);
  const evaluate = await backend.record(objective.evaluate);
  if (steps > 0) backend.run(step, steps);
  backend.run(evaluate);
  const buffers = parameters.entries.map(({ gradient }) => gradient.buffer);
  const [[loss], ...gradients] = await backend.read([objective.loss, ...buffers]);
  const state = await backend.read([...(objective.stepState ?? [])]);
  objective.dispose();
  const byName = Object.fromEntries(parameters.entries.map(({ name }, index) => [name, gradients[index]]));
  return { loss, gradients: byName, state };
}

async function lossAt(problem: PdeProblem, model: Network, term?: string): Promise<number> {
  const { backend } = model;
  const monitor = problem.monitor(model, term);
  backend.run(await backend.record(monitor.evaluate));
  const [[loss]] = await backend.read([monitor.loss]);
  monitor.dispose();
  return loss;
}

const PERIODIC: Terms = {
  volume: { on: interior(20), residual: (p) => p.u.xx.add(p.u.yy.mul(p.u)).add(p.u.xy).sub(p.x), weight: 0.1 },
  ends: {
    on: [points([[-1, 1]]), points([[1, 1]])],
    residual: ({ sides: [a, b] }) => [a.u.sub(b.u), a.u.x.sub(b.u.x)],
  },
};

const problems: Record<string, Pde> = {
  'mixed derivatives and a periodic pair': define(PERIODIC),
  'a feature with a kink, and a flux across it': poissonInterfaceGridPde({ nodes: 5 }),
  'a trainable coefficient': inverseDiffusionPde({ measurements: 5, guess: 0.7 }),
  'two unknowns and a hard constraint': define(
    {
      system: { on: interior(10), residual: ({ unknowns: { a, b } }) => [a.x.sub(b.yy), b.mul(a.y).sub(1)] },
    },
    { unknowns: ['a', 'b'], constraints: { a: { distance: ({ x, y }) => x.mul(y), lift: ({ x }) => x.sin() } } },
  ),
};

/** Two unknowns, mixed derivatives, a kink with a jump across it, a hard constraint and a trainable scalar at once. */
const everything = define(
  {
    volume: {
      on: interior(20),
      residual: ({ unknowns: { a, b }, scalars, x }) => [a.xx.add(a.xy.mul(b)).sub(x), b.yy.mul(scalars['c']).add(a.y)],
      weight: 0.1,
    },
    jump: {
      on: [points([[-0, 1]]), points([[0, 1]])],
      residual: ({ sides: [left, right] }) => left.unknowns['b'].x.sub(right.unknowns['b'].x.mul(2)),
    },
  },
  {
    unknowns: ['a', 'b'],
    scalars: { c: 0.3 },
    features: ({ x, y }) => [x, y, x.abs()],
    constraints: { a: { distance: ({ x, y }) => x.mul(y) } },
  },
);

describe('gradients of physics losses', () => {
  for (const [name, pde] of Object.entries({ ...problems, everything })) {
    it(`${name}: as finite differences have it, trainable scalars included`, async () => {
      const problem = new PdeProblem(pde);
      const model = modelFor(new CpuBackend(), problem);
      const { gradients } = await gradientsOf(problem, model);
      const values = await model.parameters.read();
      for (const [tensor, gradient] of Object.entries(gradients)) {
        const size = Math.max(...gradient.map(Math.abs));
        for (let element = 0; element < gradient.length; element += Math.ceil(gradient.length / 7)) {
          const at = async (shift: number) => {
            const moved = values[tensor].slice();
            moved[element] += shift;
            model.parameters.write({ [tensor]: moved });
            return lossAt(problem, model);
          };
          const slope = async (h: number) => ((await at(h)) - (await at(-h))) / (2 * h);
          const h = 2 ** -14;
          const [near, far] = [await slope(h), await slope(2 * h)];
          model.parameters.write({ [tensor]: values[tensor] });
          // The leading term of the truncation error, and rounding over h.
          const bound = Math.abs(far - near) + 1e-8 * size;
          expect(gradient[element], `${tensor}[${element}]`).to.be.closeTo(near, bound);
          expect(bound).to.be.below(1e-4 * size);
        }
      }
      expect(Object.keys(gradients).includes('scalars')).to.equal(Object.keys(pde.scalars).length > 0);
    });
  }
});

forEachBackend('losses of differential equations', (open) => {
  it('the loss is the weighted sum of the terms, its gradients those of float64', async () => {
    const problem = new PdeProblem(everything);
    const model = modelFor(await open(), problem);
    // First, since it compiles all kernels at once.
    const actual = await gradientsOf(problem, model);
    const names = problem.terms.map(({ name }) => name);
    const parts: number[] = [];
    for (const name of names) parts.push(await lossAt(problem, model, name));
    const sum = parts.reduce((total, part, index) => total + part * (everything.terms[names[index]].weight ?? 1), 0);
    expect(actual.loss).to.be.closeTo(sum, 1e-5 * sum);
    const expected = await gradientsOf(problem, modelFor(new CpuBackend(), problem));
    expect(actual.loss / expected.loss).to.be.closeTo(1, 1e-4);
    for (const [tensor, gradient] of Object.entries(expected.gradients)) {
      const size = Math.max(...gradient.map(Math.abs));
      gradient.forEach((value, element) => {
        // Some thousand roundings of 2^-24, second differences of coefficients among them.
        expect(actual.gradients[tensor][element], tensor).to.be.closeTo(value, 1e-3 * size);
      });
    }
  });

  it('attention follows the residuals: λ ← (1 − rate) λ + rate |r|/max|r|, from 1', async () => {
    const places = [
      [-0.5, 0.2],
      [0.1, 1.9],
      [0.9, 1],
    ];
    const rate = 0.125;
    const problem = new PdeProblem(define({ term: { on: points(places), residual: u, attention: rate, weight: 3 } }));
    const model = modelFor(await open(), problem);
    const residuals = await Promise.all(
      places.map(async (place) => {
        const single = new PdeProblem(define({ term: { on: points([place]), residual: u } }));
        return Math.sqrt(await lossAt(single, model));
      }),
    );
    const largest = Math.max(...residuals);
    const weights = places.map(() => 1);
    for (const steps of [0, 1, 5]) {
      const { loss, state } = await gradientsOf(problem, model, steps);
      const expected = weights.map((_, i) => {
        let weight = 1;
        for (let step = 0; step < steps; step++) weight = (1 - rate) * weight + (rate * residuals[i]) / largest;
        return weight;
      });
      expected.forEach((weight, i) => {
        expect(state[0][i]).to.be.closeTo(weight, 1e-5);
      });
      const mean = expected.reduce((sum, weight, i) => sum + weight * residuals[i] ** 2, 0) / 3;
      expect(loss).to.be.closeTo(3 * mean, 1e-4 * loss);
      // What is reported does not depend on it.
      expect(await lossAt(problem, model)).to.be.closeTo(
        residuals.reduce((sum, r) => sum + r * r, 0),
        1e-4 * largest,
      );
    }
  });

  it('a boundary value problem is solved', async () => {
    const pde = definePde({
      inputs: { x: [0, 1] },
      constraints: { u: { distance: ({ x }) => x.mul(x.sub(1)) } },
      terms: {
        equation: {
          on: interior(64),
          residual: (p) => p.u.xx.add(p.at((x) => Math.PI ** 2 * Math.sin(Math.PI * x))),
        },
      },
      exact: (x) => Math.sin(Math.PI * x),
    });
    const backend = await open();
    const { errors } = await solve(backend, pde, { hidden: [2], levels: 1, steps: 80 });
    expect(errors!.relativeL2).to.be.below(1e-2);
  });
});

describe('residuals wherever one likes', () => {
  const problem = new PdeProblem(everything);
  const model = modelFor(new CpuBackend(), problem);
  const rows = (...places: number[][]) => ({ rows: places.length, columns: 2, data: Float64Array.from(places.flat()) });

  it('are those whose mean square is the loss of a term', async () => {
    for (const [index, traced] of problem.terms.entries()) {
      const {
        rows: equations,
        columns: batch,
        data,
      } = await problem.residualAt(model, traced, ...problem.points(traced, index));
      expect([equations, batch]).to.deep.equal(traced.name === 'volume' ? [2, 20] : [1, 1]);
      const meanSquare = data.reduce((sum, value) => sum + value * value, 0) / batch;
      expect(meanSquare).to.be.closeTo(await lossAt(problem, model, traced.name), 1e-12 * meanSquare);
    }
  });

  it('do not depend on the points beside them', async () => {
    const [a, b] = [
      [0.3, 0.4],
      [-0.9, 1.2],
    ];
    const { data: both } = await problem.residualAt(model, { name: 'volume' }, rows(a, b));
    const { data: first } = await problem.residualAt(model, { name: 'volume' }, rows(a));
    expect([both[0], both[2]]).to.deep.equal([...first]);
  });

  it('need the name of a term and points for each of its sides', async () => {
    for (const [name, sides] of [
      ['nonsense', 1],
      ['jump', 1],
      ['volume', 2],
    ] as const) {
      const given = Array.from({ length: sides }, () => rows([0.5, 1]));
      expect((await errorOf(() => problem.residualAt(model, { name }, ...given))).code).to.equal('INVALID_ARGUMENT');
    }
  });
});

describe('training on physics losses', () => {
  it('Adam that fails comes back to finite parameters and attention', async () => {
    const pde = allenCahnPde({ volume: interior(20), initialPoints: 5 });
    const error = await errorOf(() =>
      solve(new CpuBackend(), pde, { levels: 1, steps: 50, optimizer: adam({ learningRate: 1e150 }) }),
    );
    expect(error.code).to.equal('NON_FINITE_TRAINING');
    const { model } = error.where as { model: Network };
    const values = Object.values(await model.parameters.read());
    expect(values.every((array) => array.every(Number.isFinite))).to.equal(true);
  });

  it('an MLP solves the same problems, on one level', async () => {
    const { model, history } = await solve(new CpuBackend(), problems['mixed derivatives and a periodic pair'], {
      mlp: 'tanh',
      hidden: [4],
      steps: 3,
    });
    expect(model).to.be.instanceOf(Mlp);
    expect(history.levels.length).to.equal(1);
  });

  it('terms, errors and scalars are reported on every level', async () => {
    const { history, scalars, errors } = await solve(new CpuBackend(), inverseDiffusionPde({ guess: 0.7 }), {
      levels: 2,
      steps: 4,
    });
    for (const { watched } of history.levels) {
      expect(Object.keys(watched!).sort()).to.deep.equal(['equation', 'maxError', 'measurements', 'relativeL2']);
    }
    expect(history.levels[1].watched!['relativeL2']).to.equal(errors!.relativeL2);
    expect(scalars['diffusivity']).not.to.equal(0.7);
  });
});
