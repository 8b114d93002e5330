/** Where terms hold from level to level, and values that were given at their points. */
import { expect } from 'chai';
import type { Matrix } from '../../src/arrays.ts';
import { CpuBackend } from '../../src/backend/cpu/cpu-backend.ts';
import { Kan } from '../../src/models/kan.ts';
import type { Network } from '../../src/models/network.ts';
import type { Problem } from '../../src/multilevel/problem.ts';
import { trainMultilevel } from '../../src/multilevel/train.ts';
import { adam } from '../../src/optimizers/adam.ts';
import { chooseRows } from '../../src/physics/collocation.ts';
import type { Term } from '../../src/physics/pde.ts';
import { PdeProblem, type PdeProblemOptions } from '../../src/physics/pde-problem.ts';
import { face, faces, grid, interior, points, type Sampler } from '../../src/physics/sampling.ts';
import { solve } from '../../src/physics/solve.ts';
import { createRandom } from '../../src/random.ts';
import { errorOf, forEachBackend } from '../backends.ts';
import { define, type Terms, u } from './definitions.ts';

const cpu = new CpuBackend();
const coarse = Kan.create(cpu, { widths: [2, 1], intervals: 2 });
const fine = Kan.create(cpu, { widths: [2, 1], intervals: 4 });

function rowsOf({ rows, columns, data }: Matrix): number[][] {
  return Array.from({ length: rows }, (_, row) => [...data.subarray(row * columns, (row + 1) * columns)]);
}

/** The points of every side of a term. */
function drawn(problem: PdeProblem, name: string, model?: Network): number[][][] {
  const index = problem.terms.findIndex((term) => term.name === name);
  return problem.points(problem.terms[index], index, model).map(rowsOf);
}

describe('points of terms', () => {
  const problem = (options: PdeProblemOptions) =>
    new PdeProblem(define({ a: { on: interior(5), residual: u }, b: { on: interior(5), residual: u } }), options);

  it('follow the seed, differ between terms, and stay the same on every level', () => {
    const points = drawn(problem({ seed: 3 }), 'a', coarse);
    expect(drawn(problem({ seed: 3 }), 'a', fine)).to.deep.equal(points);
    expect(drawn(problem({ seed: 4 }), 'a', coarse)).not.to.deep.equal(points);
    expect(drawn(problem({ seed: 3 }), 'b', coarse)).not.to.deep.equal(points);
  });

  it('follow every seed that there is', () => {
    expect(drawn(problem({ seed: Number.MAX_SAFE_INTEGER }), 'a', fine)[0].length).to.equal(5);
  });

  it('are drawn anew on every level where asked for', () => {
    const resampled = problem({ seed: 3, resample: true });
    const points = drawn(resampled, 'a', coarse);
    expect(drawn(resampled, 'a', coarse)).to.deep.equal(points);
    expect(drawn(resampled, 'a', fine)).not.to.deep.equal(points);
  });

  it('cannot be drawn in ways that there are not', async () => {
    const error = await errorOf(() => problem({ resample: 'sometimes' as never }));
    expect(error.code).to.equal('INVALID_ARGUMENT');
    expect(error.fix).to.contain("'residual'");
  });
});

describe('choosing rows by weights', () => {
  const candidates: Matrix = { rows: 4, columns: 1, data: Float64Array.of(10, 20, 30, 40) };
  const random = createRandom(5);

  it('takes a row with a probability in proportion to its weight', () => {
    const trials = 10_000;
    const counts = [0, 0, 0, 0];
    for (let trial = 0; trial < trials; trial++) {
      const { data } = chooseRows(candidates, [1, 2, 3, 4], 1, random);
      counts[data[0] / 10 - 1]++;
    }
    counts.forEach((count, row) => {
      const p = (row + 1) / 10;
      // Five standard deviations of a binomial distribution.
      expect(count / trials).to.be.closeTo(p, 5 * Math.sqrt((p * (1 - p)) / trials));
    });
  });

  it('takes none twice, and all of them if asked for', () => {
    for (let trial = 0; trial < 20; trial++) {
      const { data } = chooseRows(candidates, [1e-3, 1, 1e3, 1], 3, random);
      expect(new Set(data).size).to.equal(3);
    }
    expect([...chooseRows(candidates, [1, 2, 3, 4], 4, random).data]).to.deep.equal([10, 20, 30, 40]);
  });
});

/** A residual that no network changes: a bump of width 0.1 at (0.3, 1.2). */
const bump = (x: number, y: number) => Math.exp(-((x - 0.3) ** 2 + (y - 1.2) ** 2) / 0.02);
const isNearBump = ([x, y]: number[]) => Math.hypot(x - 0.3, y - 1.2) < 0.2;
const atBump: Term<'x' | 'y'>['residual'] = ({ at }) => at(bump);

/**
 * The share of points near the bump where n of 10 n candidates are chosen without replacement, with weights
 * w = |r|/mean |r| + 1: a candidate is among the first n arrivals at rates w with probability 1 − exp(−w τ), where τ makes
 * these add up to n (Efraimidis and Spirakis 2006).
 */
function expectedShare(): number {
  const nodes = Array.from({ length: 400 * 400 }, (_, i) => [
    ((i % 400) + 0.5) / 200 - 1,
    (Math.floor(i / 400) + 0.5) / 200,
  ]);
  const sizes = nodes.map(([x, y]) => bump(x, y));
  const mean = sizes.reduce((sum, size) => sum + size, 0) / sizes.length;
  const chances = (tau: number) => sizes.map((size) => 1 - Math.exp(-(size / mean + 1) * tau));
  const total = (values: number[]) => values.reduce((sum, value) => sum + value, 0);
  let [low, high] = [0, 1];
  for (let i = 0; i < 50; i++) {
    const middle = (low + high) / 2;
    if (total(chances(middle)) < nodes.length / 10) low = middle;
    else high = middle;
  }
  const chosen = chances(low);
  return total(chosen.filter((_, node) => isNearBump(nodes[node]))) / total(chosen);
}

forEachBackend('points where residuals are large', (open) => {
  it('are as many more as the weights say', async () => {
    const count = 2000;
    const problem = new PdeProblem(define({ term: { on: interior(count), residual: atBump } }), {
      resample: 'residual',
    });
    const model = Kan.create(await open(), { widths: [2, 1], intervals: 2 });
    const share = (rows: number[][]) => rows.filter(isNearBump).length / rows.length;
    const [before] = drawn(problem, 'term', model);
    await problem.adapt(model);
    const [after] = drawn(problem, 'term', model);
    const expected = expectedShare();
    // A circle of radius 0.2 in a square of area 4.
    expect(share(before)).to.be.closeTo((Math.PI * 0.2 ** 2) / 4, 0.01);
    expect(expected).to.be.above(0.2);
    expect(share(after)).to.be.closeTo(expected, 5 * Math.sqrt((expected * (1 - expected)) / count));
    expect(after.length).to.equal(count);
    expect(new Set(after.map(String)).size).to.equal(count);
  });
});

describe('points where residuals are large', () => {
  const random: Record<string, Sampler> = {
    interior: interior(50),
    'uniform random': interior(50, { method: 'uniform' }),
    faces: faces(50),
    face: face({ x: -1 }, 50),
  };
  const fixed: Record<string, Sampler> = {
    grid: grid({ x: 5, y: 5 }),
    points: points([
      [0, 1],
      [0.5, 0.5],
    ]),
  };
  const terms: Terms = Object.fromEntries(
    Object.entries({ ...random, ...fixed }).map(([name, on]) => [name, { on, residual: u }]),
  );
  const periodic: Terms = {
    periodic: {
      on: [face({ x: -1 }, 20), face({ x: 1 }, 20)],
      residual: ({ sides: [left, right] }) => left.u.sub(right.u),
    },
  };
  const problem = (seed: number, resample: PdeProblemOptions['resample'] = 'residual') =>
    new PdeProblem(define({ ...terms, ...periodic }), { seed, resample });
  const adapted = async (seed: number, name: string) => {
    const chosen = problem(seed);
    await chosen.adapt(fine);
    return drawn(chosen, name, fine);
  };

  it('follow the seed', async () => {
    for (const name of Object.keys(random)) {
      const points = await adapted(1, name);
      expect(await adapted(1, name), name).to.deep.equal(points);
      expect(await adapted(2, name), name).not.to.deep.equal(points);
      expect(points, name).not.to.deep.equal(drawn(problem(1), name));
      expect(points[0].length, name).to.equal(50);
    }
  });

  it('stay on their faces', async () => {
    expect((await adapted(1, 'face'))[0].every(([x]) => x === -1)).to.equal(true);
    expect((await adapted(1, 'faces'))[0].every(([x, y]) => Math.abs(x) === 1 || y === 0 || y === 2)).to.equal(true);
  });

  it('stay where they are on grids, at given points, and on both sides of a pair', async () => {
    for (const name of [...Object.keys(fixed), 'periodic']) {
      expect(await adapted(1, name), name).to.deep.equal(drawn(problem(1, false), name));
    }
  });

  it('are chosen for the model that was asked about, and for no other', async () => {
    const chosen = problem(1);
    await chosen.adapt(fine);
    expect(drawn(chosen, 'interior', coarse)).to.deep.equal(drawn(problem(1, false), 'interior'));
  });

  it('nothing is chosen where it was not asked for', async () => {
    const kept = problem(1, false);
    await kept.adapt(fine);
    expect(drawn(kept, 'interior', fine)).to.deep.equal(drawn(problem(1, false), 'interior'));
  });

  it('a residual that is not finite at a candidate names the term and the point', async () => {
    const singular = new PdeProblem(define({ term: { on: interior(50), residual: (p) => p.u.mul(0.1).log() } }), {
      resample: 'residual',
    });
    const error = await errorOf(() => singular.adapt(fine));
    expect(error.code).to.equal('NON_FINITE_INPUT');
    expect(error.where['term']).to.equal('term');
    expect(error.where['point']).to.have.length(2);
  });

  it('training asks for them after every refinement, with the model that it trains next', async () => {
    const inner = problem(1);
    const calls: [string, Network][] = [];
    const noted: Problem = {
      adapt: async (model) => {
        calls.push(['adapt', model]);
        await inner.adapt(model);
      },
      bind: (model) => {
        calls.push(['bind', model]);
        return inner.bind(model);
      },
      monitor: (model) => inner.monitor(model),
    };
    await trainMultilevel(coarse, noted, { levels: 3, steps: 3, optimizer: adam() });
    expect(calls.map(([call]) => call)).to.deep.equal(['bind', 'adapt', 'bind', 'adapt', 'bind']);
    for (const call of [1, 3]) {
      expect(calls[call][1]).to.equal(calls[call + 1][1]);
      expect(calls[call][1].intervals).to.deep.equal([2 ** ((call + 3) / 2)]);
    }
  });

  it('the first level is trained as without them; the same seed gives the same bits', async () => {
    const losses = async (resample: PdeProblemOptions['resample']) => {
      const pde = define({ term: { on: interior(50), residual: ({ u, at }) => u.sub(at(bump)) } });
      const { history, model } = await solve(cpu, pde, { resample, hidden: [2], levels: 2, steps: 5, seed: 4 });
      return { losses: history.levels.map(({ trainLoss }) => trainLoss), values: await model.parameters.read() };
    };
    const [kept, chosen] = [await losses(false), await losses('residual')];
    expect(chosen.losses[0]).to.equal(kept.losses[0]);
    expect(chosen.losses[1]).not.to.equal(kept.losses[1]);
    expect(await losses('residual')).to.deep.equal(chosen);
  });
});

describe('values given at the points of a term', () => {
  const nodes = grid({ x: 4, y: 3 });
  const f = (x: number, y: number) => Math.sin(3 * x) + y;
  const values = rowsOf(nodes({ box: define({ term: { on: nodes, residual: u } }).box, random: createRandom(0) })).map(
    ([x, y]) => f(x, y),
  );
  const withValues = (given: number[] | Float64Array, on: Term<'x' | 'y'>['on'] = nodes, options = {}) =>
    new PdeProblem(define({ data: { on, residual: ({ u, at }) => u.mul(at(given)).sub(1) } }), options);
  const own = (problem: PdeProblem) => problem.points(problem.terms[0], 0);
  const residual = async (problem: PdeProblem) =>
    (await problem.residualAt(fine, { name: 'data' }, ...own(problem))).data;

  it('are those of the function that gave them', async () => {
    const byFunction = define({ data: { on: nodes, residual: ({ u, at }) => u.mul(at(f)).sub(1) } });
    const expected = await residual(new PdeProblem(byFunction));
    expect(expected.length).to.equal(12);
    expect(await residual(withValues(values))).to.deep.equal(expected);
    expect(await residual(withValues(Float64Array.from(values)))).to.deep.equal(expected);
  });

  it('are those of each side for a term with two', async () => {
    const sides: Term<'x' | 'y'>['on'] = [grid({ y: 3 }, { fixed: { x: -1 } }), grid({ y: 3 }, { fixed: { x: 1 } })];
    const data: Term<'x' | 'y'> = {
      on: sides,
      residual: ({ sides: [left, right] }) => left.at([1, 2, 3]).sub(right.at([10, 20, 30])),
    };
    expect([...(await residual(new PdeProblem(define({ data }))))]).to.deep.equal([-9, -18, -27]);
  });

  it('are copied', async () => {
    const given = [...values];
    const problem = withValues(given);
    const expected = await residual(problem);
    given.fill(7);
    expect(await residual(problem)).to.deep.equal(expected);
  });

  it('train on every level, points drawn anew or not', async () => {
    for (const resample of [false, true, 'residual'] as const) {
      const pde = define({ data: { on: nodes, residual: ({ u, at }) => u.sub(at(values)) } });
      const { history } = await solve(cpu, pde, { resample, hidden: [3], levels: 2, steps: 60 });
      expect(history.levels[1].trainLoss).to.be.below(1e-3);
    }
  });

  it('must be as many as the points: the error has the term and both numbers', async () => {
    for (const length of [0, 11, 13]) {
      const error = await errorOf(() => withValues(new Float64Array(length)).bind(fine));
      expect(error.code).to.equal('SHAPE_MISMATCH');
      expect(error.message).to.contain('data').and.to.contain('12').and.to.contain(String(length));
      expect(error.where).to.deep.equal({ term: 'data' });
    }
  });

  it('must be finite: the error has the term and the point', async () => {
    const error = await errorOf(() =>
      withValues(values.map((value, row) => (row === 2 ? Number.NaN : value))).bind(fine),
    );
    expect(error.code).to.equal('NON_FINITE_INPUT');
    expect(error.message).to.contain('data').and.to.contain('x = -1, y = 2');
    expect(error.where).to.deep.equal({ term: 'data', point: [-1, 2] });
  });

  it('cannot belong to points that follow the seed', async () => {
    for (const options of [{}, { resample: true }, { resample: 'residual' as const }]) {
      const error = await errorOf(() => withValues(values, interior(12), options).bind(fine));
      expect(error.code).to.equal('INVALID_ARGUMENT');
      expect(error.message).to.contain('data').and.to.contain('at random');
      expect(error.where).to.deep.equal({ term: 'data' });
    }
  });

  it('are known nowhere else', async () => {
    const elsewhere = { rows: 12, columns: 2, data: new Float64Array(24).fill(0.25) };
    const error = await errorOf(() => withValues(values).residualAt(fine, { name: 'data' }, elsewhere));
    expect(error.code).to.equal('INVALID_ARGUMENT');
    expect(error.message).to.contain('data').and.to.contain('its own points');
  });
});
