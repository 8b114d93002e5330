/** The loss at points that training does not see, and what is made of it. */
import { expect } from 'chai';
import { CpuBackend } from '../../src/backend/cpu/cpu-backend.ts';
import { Kan } from '../../src/models/kan.ts';
import { definePde, type Pde } from '../../src/physics/pde.ts';
import { PdeProblem } from '../../src/physics/pde-problem.ts';
import { faces, grid, interior, points, type Sampler } from '../../src/physics/sampling.ts';
import { solve } from '../../src/physics/solve.ts';
import { createRandom } from '../../src/random.ts';
import { forEachBackend } from '../backends.ts';
import { figureOf } from '../multilevel/problems.ts';

const BOX = [
  ['x', -1, 1],
  ['t', 0, 2],
] as const;

function drawn(sampler: Sampler, heldOut: boolean): number[][] {
  const { rows, columns, data } = sampler({ box: BOX, random: createRandom(4), heldOut });
  return Array.from({ length: rows }, (_, row) => [...data.subarray(row * columns, (row + 1) * columns)]);
}

describe('held-out points of grids', () => {
  it('are as many as there are nodes, inside the box, and none of them', () => {
    const nodes = drawn(grid({ x: 6, t: 5 }, { part: 'inside' }), false);
    const others = drawn(grid({ x: 6, t: 5 }, { part: 'inside' }), true);
    expect(others).to.have.length(nodes.length);
    for (const [x, t] of others) {
      expect(Math.abs(x)).to.be.below(1);
      expect(t).to.be.within(0, 2);
      expect(nodes.some(([a, b]) => a === x || b === t)).to.equal(false);
    }
  });

  it('stay on the faces and on the fixed coordinates on which the nodes are', () => {
    const boundary = drawn(grid({ x: 6, t: 5 }, { part: 'boundary' }), true);
    expect(boundary.every(([x, t]) => Math.abs(x) === 1 || t === 0 || t === 2)).to.equal(true);
    const line = drawn(grid({ x: 6 }, { fixed: { t: 0.5 } }), true);
    expect(line.every(([x, t]) => t === 0.5 && Math.abs(x) < 1)).to.equal(true);
  });
});

/** mean over the term's points of x²: no network has a part in it. */
function squares(on: Sampler, at?: readonly number[]): Pde {
  return definePde({
    inputs: { x: [-1, 1] },
    terms: {
      equation: {
        on,
        residual: ({ u, x, at: given }) =>
          u
            .mul(0)
            .add(x)
            .add(at ? given([...at]) : 0),
      },
    },
  });
}

async function losses(pde: Pde): Promise<{ own: number; heldOut: number }> {
  const problem = new PdeProblem(pde, { seed: 3 });
  const model = Kan.create(new CpuBackend(), { widths: [1, 1], degree: 4 });
  return { own: await figureOf(problem, model), heldOut: await figureOf(problem.heldOut, model) };
}

describe('held-out losses', () => {
  it('are those of other points of the same kind', async () => {
    const random = await losses(squares(interior(400)));
    // Both are quadratures of ∫x²/2 dx = 1/3 with 400 quasi-random points.
    for (const loss of [random.own, random.heldOut]) expect(loss).to.be.closeTo(1 / 3, 0.01);
    expect(random.heldOut).not.to.equal(random.own);
    const ends = await losses(squares(grid({ x: 2 })));
    expect(ends.own).to.equal(1);
    expect(ends.heldOut).to.be.below(1);
  });

  it('are those of the same points where a term has no others', async () => {
    const own = points([[0.5], [-0.25]]);
    for (const pde of [squares(own), squares(own, [0, 0]), squares(grid({ x: 2 }), [0, 0])]) {
      const { own: loss, heldOut } = await losses(pde);
      expect(heldOut).to.equal(loss);
    }
  });
});

/** −u″ = π² sin πx on [-1, 1] with so many points. */
const poisson = (count: number) =>
  definePde({
    inputs: { x: [-1, 1] },
    terms: {
      equation: {
        on: interior(count),
        residual: ({ u, at }) => u.xx.add(at((x) => Math.PI ** 2 * Math.sin(Math.PI * x))),
        weight: 1e-2,
      },
      ends: { on: faces(2), residual: ({ u }) => u },
    },
    exact: (x) => Math.sin(Math.PI * x),
  });

forEachBackend('solve, with too few points', (open) => {
  it('returns what did best between them, and warns', async () => {
    const backend = await open();
    const options = { hidden: [3], levels: 3, steps: 60, seed: 2 };
    const guarded = await solve(backend, poisson(14), options);
    const blind = await solve(backend, poisson(14), { ...options, heldOut: false });
    expect(guarded.warnings.join()).to.match(/the loss is .* times .* 16 points with \d+ parameters/);
    expect(guarded.errors!.relativeL2).to.be.below(0.6 * blind.errors!.relativeL2);
    const { validation, levels } = guarded.history;
    for (const [level, { validationLoss }] of levels.entries()) {
      const seen = validation.filter((look) => look.level === level).map(({ loss }) => loss);
      expect(validationLoss).to.equal(Math.min(...seen));
    }
    // What is returned is what did best, not what came last.
    expect(await figureOf(guarded.problem.heldOut, guarded.model)).to.equal(levels[levels.length - 1].validationLoss);
    expect(blind.history.levels[0].validationLoss).to.equal(undefined);
    expect(blind.warnings).to.deep.equal([]);
  });

  it('has nothing to say where points are many', async () => {
    const { warnings, errors } = await solve(await open(), poisson(400), {
      hidden: [3],
      levels: 2,
      steps: 40,
      seed: 1,
    });
    expect(warnings).to.deep.equal([]);
    expect(errors!.relativeL2).to.be.below(1e-2);
  });
});
