/** Built-in problems: their exact solutions solve them, and so do networks. */
import { expect } from 'chai';
import type { Matrix } from '../../src/arrays.ts';
import { CpuBackend } from '../../src/backend/cpu/cpu-backend.ts';
import { coordinateSymbols } from '../../src/physics/context.ts';
import { symbol } from '../../src/physics/expression.ts';
import type { Pde } from '../../src/physics/pde.ts';
import { definePde } from '../../src/physics/pde.ts';
import { PdeProblem } from '../../src/physics/pde-problem.ts';
import { evaluateFormulas } from '../../src/physics/points.ts';
import { allenCahnPde } from '../../src/physics/problems/allen-cahn.ts';
import { boundaryValue1dPde } from '../../src/physics/problems/boundary-value-1d.ts';
import { burgersGridPde, burgersPde } from '../../src/physics/problems/burgers.ts';
import { inverseDiffusionPde } from '../../src/physics/problems/inverse-diffusion.ts';
import { poissonInterfaceGridPde } from '../../src/physics/problems/poisson-interface.ts';
import { builtInProblems } from '../../src/physics/problems.ts';
import { faces, interior } from '../../src/physics/sampling.ts';
import { solve } from '../../src/physics/solve.ts';
import type { TracedTerm } from '../../src/physics/trace.ts';

const STEP = 1 / 2048;
type Solution = (...coordinates: number[]) => number;

/** Finite differences of order four: centred, and towards one side. */
const centred = {
  nodes: [-2, -1, 0, 1, 2],
  first: [1 / 12, -8 / 12, 0, 8 / 12, -1 / 12],
  second: [-1 / 12, 16 / 12, -30 / 12, 16 / 12, -1 / 12],
};
const forward = { nodes: [0, 1, 2, 3, 4], first: [-25 / 12, 4, -3, 4 / 3, -1 / 4], second: [0, 0, 0, 0, 0] };
const backward = { ...forward, nodes: forward.nodes.map((n) => -n), first: forward.first.map((w) => -w) };

function rowOf({ columns, data }: Matrix, row: number): number[] {
  return [...data.subarray(row * columns, (row + 1) * columns)];
}

/** What a network that equals the solution would give a hard constraint: (u − lift)/distance. */
function networkOf(pde: Pde, solution: Solution): Solution {
  const constraint = pde.constraints?.['u'];
  if (!constraint) return solution;
  const symbols = coordinateSymbols(pde);
  const parts = [constraint.lift?.(symbols) ?? symbol('none').mul(0), constraint.distance(symbols)];
  return (...coordinates) => {
    const point = { rows: 1, columns: coordinates.length, data: Float64Array.from(coordinates) };
    const [lift, distance] = evaluateFormulas(pde, parts, [point]);
    return (solution(...coordinates) - lift) / distance;
  };
}

/** Points at which differences stay clear of the initial line, the final time, and kinks that no side is chosen for. */
function isClear(pde: Pde, { order, traces }: TracedTerm, row: readonly number[]): boolean {
  if (order === 0) return true;
  // Early on, the periodic problem's kink is sharper than a step.
  if (traces === 2) return pde.box.every(([name], index) => name !== 't' || row[index] > 0.1);
  // Features may have a kink at x = 0.
  const kink = pde.features ? 2 * STEP : 0;
  return pde.box.every(([name, start, end], index) => {
    const clearOfEnds = row[index] >= start + 4 * STEP && row[index] <= end - 4 * STEP;
    return name === 't' || pde.constraints ? clearOfEnds : name !== 'x' || Math.abs(row[index]) > kink;
  });
}

/** More would only take longer. */
const MOST_POINTS = 400;

/** Residuals of every equation of a term for a given solution, whose derivatives are finite differences. */
function residualsOf(problem: PdeProblem, name: string, solution: Solution): number[] {
  const { pde } = problem;
  const index = problem.terms.findIndex((term) => term.name === name);
  const traced = problem.terms[index];
  const { directions, order, traces, kernels, fields } = traced;
  const all = problem.points(traced, index);
  const clear = Array.from({ length: all[0].rows }, (_, row) => row).filter((row) =>
    isClear(pde, traced, rowOf(all[0], row)),
  );
  const stride = Math.ceil(clear.length / MOST_POINTS);
  const kept = clear.filter((_, position) => position % stride === 0);
  const sides = all.map((side) => ({
    rows: kept.length,
    columns: side.columns,
    data: Float64Array.from(kept.flatMap((row) => rowOf(side, row))),
  }));
  const batch = kept.length;
  const network = networkOf(pde, solution);
  const channels = 1 + order * directions.length;
  const jets = new Float64Array(channels * traces * batch);
  sides.forEach((side, trace) => {
    const { nodes, first, second } = traces === 1 ? centred : [backward, forward][trace];
    for (let b = 0; b < batch; b++) {
      const place = rowOf(side, b);
      const put = (channel: number, value: number) => {
        jets[(channel * traces + trace) * batch + b] = value;
      };
      put(0, network(...place));
      directions.forEach((v, direction) => {
        const values = nodes.map((node) => network(...place.map((x, i) => (v[i] === 0 ? x : x + node * STEP * v[i]))));
        const combined = (weights: readonly number[]) => weights.reduce((sum, w, n) => sum + w * values[n], 0);
        put(1 + order * direction, combined(first) / STEP);
        if (order === 2) put(2 + order * direction, combined(second) / STEP ** 2);
      });
    }
  });
  const scalars = Float64Array.of(...Object.values(pde.scalars), 0);
  const buffers = {
    jets,
    fields: Float64Array.of(...evaluateFormulas(pde, fields.expressions, sides, fields.given), 0),
    scalars,
    residual: new Float64Array(kernels.residuals * batch),
  };
  kernels.forward.reference(buffers, { batch });
  return [...buffers.residual];
}

function rootMeanSquare(values: readonly number[]): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
}

const variants: Record<string, () => Pde> = {
  ...Object.fromEntries(Object.entries(builtInProblems).map(([name, { pde }]) => [name, pde])),
  'burgers, as the paper poses it': () => burgersGridPde(),
  'burgers, ν = 0.01/π': () => burgersPde({ viscosity: 0.01 / Math.PI, volume: interior(4096) }),
  'allen-cahn, periodicity as a penalty': () => allenCahnPde({ periodicity: 'penalty' }),
  'poisson-interface, on a grid': () => poissonInterfaceGridPde({ nodes: 23 }),
  'inverse-diffusion at the truth, without noise': () => inverseDiffusionPde({ guess: 0.1, noise: 0 }),
};

/** Terms that the exact solution does not satisfy: the coefficient is a guess, the measurements have errors. */
const open = ['inverse-diffusion: equation', 'inverse-diffusion: measurements'];

describe('exact solutions of built-in problems', () => {
  for (const [name, make] of Object.entries(variants)) {
    const pde = make();
    const problem = new PdeProblem(pde);
    const [exact] = pde.exactSolutions;
    for (const term of Object.keys(pde.terms)) {
      if (open.includes(`${name}: ${term}`)) continue;
      it(`${name}: the solution satisfies ${term}, and what is 1 % off does not`, () => {
        const residuals = residualsOf(problem, term, exact!);
        expect(residuals.length).to.be.above(0);
        // h⁴ times sixth derivatives of layers as thin as 1/150, and the references' 1e-9 over h², times ε or ν.
        expect(Math.max(...residuals.map(Math.abs))).to.be.below(2e-4);
        const wrong = residualsOf(
          problem,
          term,
          (...at) => exact!(...at) + 0.01 * Math.exp(at[0]) * Math.cos(3 * at[at.length - 1]),
        );
        expect(rootMeanSquare(wrong)).to.be.above(1e-3);
      });
    }
  }

  it('measurements of the inverse problem have errors of the stated size', () => {
    const problem = new PdeProblem(inverseDiffusionPde({ noise: 0.02, measurements: MOST_POINTS }));
    const residuals = residualsOf(problem, 'measurements', problem.pde.exactSolutions[0]!);
    expect(residuals.length).to.equal(MOST_POINTS);
    // The standard deviation of an estimate from 400 normal numbers is 3.5 %.
    expect(rootMeanSquare(residuals)).to.be.closeTo(0.02, 0.15 * 0.02);
  });
});

describe('solving', () => {
  for (const [name, { pde, network }] of Object.entries(builtInProblems)) {
    it(`${name}: its settings are valid`, async () => {
      const levels = network.stepsPerLevel?.length ?? network.levels ?? 4;
      const stepsPerLevel = new Array<number>(levels).fill(2);
      const { errors, history } = await solve(new CpuBackend(), pde(), { ...network, stepsPerLevel });
      expect(history.levels.length).to.equal(levels);
      expect(errors!.relativeL2).to.be.within(0, 100);
      expect(history.levels[0].watched).to.include.keys('relativeL2', 'maxError', ...Object.keys(pde().terms));
    });
  }

  it('a boundary layer, to a relative error of 1e-3', async () => {
    const { errors } = await solve(
      new CpuBackend(),
      boundaryValue1dPde(),
      builtInProblems['boundary-value-1d'].network,
    );
    expect(errors!.relativeL2).to.be.below(1e-3);
  });

  it('an unknown coefficient, within 5 % of the truth', async () => {
    const { scalars, errors } = await solve(
      new CpuBackend(),
      inverseDiffusionPde(),
      builtInProblems['inverse-diffusion'].network,
    );
    expect(scalars['diffusivity']).to.be.closeTo(0.1, 0.005);
    expect(errors!.relativeL2).to.be.below(0.02);
  });

  it('a system of two first-order equations with variable coefficients, on a range of its own', async () => {
    // u' = v and x v' + u = x² + 2x.
    const pde = definePde({
      inputs: { x: [1, 3] },
      unknowns: ['u', 'v'],
      terms: {
        equations: {
          on: interior(100),
          residual: ({ unknowns: { u, v }, x }) => [u.x.sub(v), x.mul(v.x).add(u).sub(x.mul(x)).sub(x.mul(2))],
        },
        start: {
          on: faces(2),
          residual: ({ unknowns: { u }, at }) => u.sub(at((x) => x * x)),
        },
      },
      exact: { u: (x) => x * x, v: (x) => 2 * x },
    });
    const { errors } = await solve(new CpuBackend(), pde, { hidden: [3], degree: 3, levels: 1, steps: 300 });
    expect(errors!.relativeL2).to.be.below(1e-3);
  });

  it('the same seed gives the same bits, another seed another network on other points', async () => {
    const run = async (seed: number) => {
      const { model } = await solve(new CpuBackend(), builtInProblems['poisson-smooth'].pde(), {
        levels: 1,
        steps: 3,
        seed,
      });
      return JSON.stringify((await model.parameters.read())['layer0.weights'].slice(0, 9));
    };
    const [first, again, other] = [await run(1), await run(1), await run(2)];
    expect(again).to.equal(first);
    expect(other).not.to.equal(first);
  });
});
