/** Errors fall with the power of the intervals' width that approximation theory says: no digit is lost to training. */
import { expect } from 'chai';
import { CpuBackend } from '../../src/backend/cpu/cpu-backend.ts';
import { Kan } from '../../src/models/kan.ts';
import { regression } from '../../src/multilevel/regression.ts';
import { trainMultilevel } from '../../src/multilevel/train.ts';
import { definePde } from '../../src/physics/pde.ts';
import { interior } from '../../src/physics/sampling.ts';
import { solve } from '../../src/physics/solve.ts';

const LEVELS = 4;

/** log₂ of how much each figure is below the one before. */
function orders(figures: readonly number[]): number[] {
  return figures.slice(1).map((figure, index) => Math.log2(figures[index] / figure));
}

describe('convergence', () => {
  for (const degree of [1, 2, 3, 4, 5]) {
    it(`regression with splines of degree ${degree}: order ${degree + 1}`, async () => {
      const model = Kan.create(new CpuBackend(), { widths: [1, 1], degree, intervals: 4, seed: 1 });
      const inputs = Array.from({ length: 4000 }, (_, i) => [(2 * i + 1) / 4000 - 1]);
      const problem = regression({ inputs, targets: inputs.map(([x]) => [Math.sin(2 * x + 1)]) });
      const { history } = await trainMultilevel(model, problem, { levels: LEVELS, steps: 60 });
      const errors = history.levels.map(({ trainLoss }) => Math.sqrt(trainLoss));
      // The first refinement is not yet asymptotic; the rest of a smooth function's error falls as h^{d+1}.
      for (const order of orders(errors).slice(1)) expect(order).to.be.closeTo(degree + 1, 0.35);
    });
  }

  for (const degree of [3, 4, 5]) {
    it(`u″ = f with splines of degree ${degree}: residuals of order ${degree - 1}`, async () => {
      const pde = definePde({
        inputs: { x: [0, 1] },
        constraints: { u: { distance: ({ x }) => x.mul(x.sub(1)) } },
        terms: {
          equation: {
            on: interior(4000),
            residual: ({ u, at }) => u.xx.add(at((x) => Math.PI ** 2 * Math.sin(Math.PI * x))),
          },
        },
        exact: (x) => Math.sin(Math.PI * x),
      });
      const options = { hidden: [], degree, intervals: 4, levels: LEVELS, steps: 60 };
      const { history, errors } = await solve(new CpuBackend(), pde, options);
      const residuals = history.levels.map(({ trainLoss }) => Math.sqrt(trainLoss));
      for (const order of orders(residuals).slice(1)) expect(order).to.be.closeTo(degree - 1, 0.35);
      // The solution's own error is h² smaller at least, on 32 intervals.
      expect(errors!.relativeL2).to.be.below(residuals[LEVELS - 1] / 32 ** 2);
    });
  }
});
