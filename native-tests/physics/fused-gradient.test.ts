/** Differential equations on narrow networks: loss and gradient from one kernel per term instead of many. */
import { expect } from 'chai';
import { CpuBackend } from '../../src/backend/cpu/cpu-backend.ts';
import { Kan } from '../../src/models/kan.ts';
import { Mlp } from '../../src/models/mlp.ts';
import { adam } from '../../src/optimizers/adam.ts';
import { lbfgs } from '../../src/optimizers/lbfgs.ts';
import type { Pde } from '../../src/physics/pde.ts';
import { PdeProblem } from '../../src/physics/pde-problem.ts';
import { allenCahnPde } from '../../src/physics/problems/allen-cahn.ts';
import { interior } from '../../src/physics/sampling.ts';
import { errorOf, forEachBackend } from '../backends.ts';
import { dispatchesPerStep, expectSame, openLarge, rounded, train, type Way } from '../multilevel/fused-tools.ts';
import { define } from './definitions.ts';
import { kanFor, pdes } from './jacobian-problems.ts';

/** Attention on every term: each evaluation depends on the residuals of those before. */
const attentive = allenCahnPde({ volume: interior(40), initialPoints: 21, attention: 0.2 });

/** Attention weights begin at one; what they follow shows later. */
const STEPS = 3;

const further: Record<string, Pde> = {
  'attention, periodic by penalty': allenCahnPde({
    volume: interior(30),
    initialPoints: 9,
    attention: 0.3,
    periodicity: 'penalty',
  }),
  'more points than a tile has, of two sides too': define(
    {
      volume: {
        on: interior(1201),
        residual: ({ u, scalars, x }) => u.xx.mul(scalars['c']).add(u.y).sub(x),
        weight: 0.2,
        attention: 0.1,
      },
      pairs: {
        on: [interior(301), interior(301)],
        residual: ({ sides: [a, b], scalars }) => [a.u.x.sub(b.u.mul(b.u)), a.u.mul(scalars['c'])],
      },
    },
    { scalars: { c: 0.4 } },
  ),
};

/** Few, since a device compiles a kernel per term: mixed derivatives, two sides, a system with scalars, attention. */
const system = 'a system of two unknowns, a hard constraint and a trainable scalar';
const onDevice: Record<string, Pde> = {
  [system]: pdes[system],
  'mixed derivatives': define({
    curvatures: { on: interior(37), residual: ({ u }) => u.xx.add(u.yy.mul(u)).add(u.xy), weight: 0.1 },
  }),
  'attention on two terms': attentive,
};

describe('a differential equation in a kernel per term, of more equations (cpu)', () => {
  for (const [title, pde] of Object.entries({ ...pdes, ...further })) {
    it(`has the loss and gradient of many kernels: ${title}`, async () => {
      const problem = new PdeProblem(pde);
      await expectSame(
        async () => new CpuBackend(),
        problem,
        async (backend) => kanFor(backend, problem),
        3,
      );
    });
  }
});

const constant = { type: 'constant' } as const;
const ABSURD = { cpu: 1e150, webgpu: 1e25 };

forEachBackend('a differential equation in a kernel per term', (open) => {
  for (const [title, pde] of Object.entries(onDevice)) {
    it(`has the loss and gradient of many kernels: ${title}`, async () => {
      const problem = new PdeProblem(pde);
      await expectSame(open, problem, async (backend) => kanFor(backend, problem), STEPS);
    });
  }

  it('launches a kernel per term, one per attentive term, and two for a step of Adam', async () => {
    const backend = await openLarge(open);
    for (const pde of backend.name === 'cpu' ? [...Object.values(pdes), attentive] : [attentive]) {
      const problem = new PdeProblem(pde);
      const terms = Object.values(pde.terms);
      const attention = terms.filter((term) => (term.attention ?? 0) > 0).length;
      const objective = problem.bind(kanFor(backend, problem));
      expect(await dispatchesPerStep(objective, adam())).to.equal(terms.length + attention + 1);
    }
  });

  it('trains as many kernels do, names the term where that breaks down, and leaves no memory behind', async () => {
    const backend = await openLarge(open);
    const problem = new PdeProblem(attentive);
    const { bytes } = backend.counters;
    for (const [optimizer, tolerance] of [
      [adam(), { cpu: 1e-11, webgpu: 1e-4 }],
      [lbfgs(), { cpu: 1e-8, webgpu: 1e-2 }],
    ] as const) {
      const lossesOf = async (way: Way) => {
        const kan = await rounded(kanFor(backend, problem));
        const losses = await train(problem, kan, way, { optimizer, steps: 20 });
        kan.dispose();
        return losses;
      };
      const [plain, fused] = [await lossesOf('plain'), await lossesOf('fused')];
      expect(fused).to.have.length(plain.length);
      fused.forEach((loss, step) => {
        expect(loss, `${optimizer.name}, loss ${step}`).to.be.closeTo(
          plain[step],
          tolerance[backend.name] * plain[step],
        );
      });
      expect(fused[fused.length - 1]).to.be.below(fused[0]);
    }
    const failureOf = async (way: Way) => {
      const kan = await rounded(kanFor(backend, problem));
      const before = await kan.parameters.read();
      const optimizer = adam({ learningRate: ABSURD[backend.name], schedule: constant });
      const { code, where } = await errorOf(() => train(problem, kan, way, { optimizer, steps: 12 }));
      expect(code).to.equal('NON_FINITE_TRAINING');
      expect(await kan.parameters.read()).to.deep.equal(before);
      kan.dispose();
      return where;
    };
    const [plain, fused] = [await failureOf('plain'), await failureOf('fused')];
    for (const where of [plain, fused]) {
      expect(where).to.include({ step: 1, term: 'equation' });
      expect(where['residual']).to.not.satisfy(Number.isFinite);
      expect(where['point']).to.have.length(2);
    }
    if (backend.name === 'cpu') expect(backend.counters.bytes).to.equal(bytes);
  });
});

describe('networks for which there is no kernel per term', () => {
  const backend = new CpuBackend();
  const problem = new PdeProblem(pdes['values alone, first and second derivatives, mixed ones']);
  const options = { widths: [2, 60, 1], degree: 3, intervals: 3 };
  const unsuitable = {
    'an Mlp': Mlp.create(backend, { widths: [2, 3, 1] }),
    'a squashed Kan': Kan.create(backend, { ...options, widths: [2, 3, 1], squashing: 'sigmoid' }),
    'a layer of which values alone would fit, but not derivatives': Kan.create(backend, options),
  };
  for (const [what, model] of Object.entries(unsuitable)) {
    it(`train kernel by kernel: ${what}`, async () => {
      const { bytes } = backend.counters;
      const objective = problem.bind(model);
      expect(await objective.fuse!()).to.equal(undefined);
      objective.dispose();
      const losses = await train(problem, model, 'plain', { optimizer: adam({ learningRate: 0.002 }), steps: 10 });
      expect(losses[9]).to.be.below(losses[0]);
      expect(backend.counters.bytes, 'nothing is left behind').to.equal(bytes);
    });
  }
});
