/**
 * What a residual's `u.x`, `u.xy` … stand for, end to end: on a network with features and hard constraints every one
 * equals the finite difference of the solution that the same network gives.
 */
import { expect } from 'chai';
import type { Matrix } from '../../src/arrays.ts';
import { CpuBackend } from '../../src/backend/cpu/cpu-backend.ts';
import { Kan } from '../../src/models/kan.ts';
import type { Network } from '../../src/models/network.ts';
import { coordinateKey } from '../../src/physics/context.ts';
import { symbol } from '../../src/physics/expression.ts';
import { definePde, type Pde, type PdeDefinition, type ResidualContext } from '../../src/physics/pde.ts';
import { PdeProblem } from '../../src/physics/pde-problem.ts';
import { evaluateFormulas, featureScaling, featuresOf, inputJets } from '../../src/physics/points.ts';
import { points } from '../../src/physics/sampling.ts';
import { evaluateSolution } from '../../src/physics/solve.ts';
import { traceTerm } from '../../src/physics/trace.ts';
import { errorOf } from '../backends.ts';

type Definition = Omit<PdeDefinition<'x' | 'y'>, 'terms'>;

const PLACES = [
  [0.31, 0.12],
  [-0.73, 1.4],
  [0.05, 0.61],
  [-0.2, 1.9],
] as const;

const inputs = { x: [-1, 1], y: [0, 2] } as const;

const problems: Record<string, Definition> = {
  'bare coordinates': { inputs },
  features: { inputs, features: ({ x, y }) => [x.mul(Math.PI).sin(), y.mul(y), x.mul(y).exp(), x.abs()] },
  'a hard constraint': {
    inputs,
    constraints: { u: { lift: ({ x, y }) => x.mul(y).cos(), distance: ({ x, y }) => x.mul(x).sub(1).mul(y) } },
  },
  'features and a hard constraint': {
    inputs,
    features: ({ x, y }) => [x.add(y).sin(), x.sub(y.mul(y))],
    constraints: { u: { distance: ({ x, y }) => x.sin().add(y) } },
  },
};

function unit(index: number): number[] {
  return index === 0 ? [1, 0] : [0, 1];
}

/** Weights of derivatives of order four: at −2h … 2h, over h and h². */
const FIRST = [1 / 12, -8 / 12, 0, 8 / 12, -1 / 12];
const SECOND = [-1 / 12, 16 / 12, -30 / 12, 16 / 12, -1 / 12];
const NODES = [-2, -1, 0, 1, 2];
const STEP = 1 / 256;

interface Stencil {
  readonly weight: number;
  readonly shift: readonly [number, number];
}

/** The derivative u.x, u.xy … as a combination of shifted values. */
function stencil(derivative: string): Stencil[] {
  const [first, second] = [...derivative].map((name) => unit(name === 'x' ? 0 : 1));
  if (first === undefined) return [{ weight: 1, shift: [0, 0] }];
  const along = (weights: readonly number[], divisor: number, v: readonly number[]): Stencil[] =>
    weights.map((weight, index) => ({
      weight: weight / divisor,
      shift: [STEP * NODES[index] * v[0], STEP * NODES[index] * v[1]],
    }));
  if (second === undefined) return along(FIRST, STEP, first);
  if (String(first) === String(second)) return along(SECOND, STEP ** 2, first);
  return along(FIRST, STEP, first).flatMap((a) =>
    along(FIRST, STEP, second).map((b) => ({
      weight: a.weight * b.weight,
      shift: [a.shift[0] + b.shift[0], a.shift[1] + b.shift[1]],
    })),
  );
}

/** A derivative of unknown `unknown` at every place, by finite differences of the solution. */
async function differences(problem: PdeProblem, model: Network, derivative: string, unknown = 0): Promise<number[]> {
  const terms = stencil(derivative);
  const rows = PLACES.flatMap(([x, y]) => terms.map(({ shift }) => [x + shift[0], y + shift[1]]));
  const matrix: Matrix = { rows: rows.length, columns: 2, data: Float64Array.from(rows.flat()) };
  const { data, columns } = await evaluateSolution(problem, model, matrix);
  return PLACES.map((_, place) =>
    terms.reduce(
      (sum, { weight }, index) => sum + weight * data[(place * terms.length + index) * columns + unknown],
      0,
    ),
  );
}

async function meanSquare(problem: PdeProblem, model: Network, term: string): Promise<number> {
  const monitor = problem.monitor(model, term);
  model.backend.run(await model.backend.record(monitor.evaluate));
  const [[value]] = await model.backend.read([monitor.loss]);
  monitor.dispose();
  return value;
}

function withResidual(
  definition: Definition,
  residual: (context: ResidualContext<'x' | 'y'>) => ReturnType<PdeDefinition<'x' | 'y'>['terms'][string]['residual']>,
): Pde {
  return definePde({ ...definition, terms: { term: { on: points(PLACES), residual } } });
}

/** Degree 5: four times continuously differentiable, so that finite differences of order four converge. */
function network(backend: CpuBackend, pde: Pde): Kan {
  const widths = [featuresOf(pde).length, 4, pde.unknowns.length];
  return Kan.create(backend, { widths, degree: 5, intervals: 2, hiddenDomain: [-2, 2], seed: 3 });
}

/** h⁴ times sixth derivatives, which knots make jump, and rounding 2⁻⁵² · 5 / h². */
const TOLERANCE = 1e-6;

for (const [title, definition] of Object.entries(problems)) {
  describe(`derivatives in residuals, on ${title}`, () => {
    for (const derivative of ['', 'x', 'y', 'xx', 'xy', 'yx', 'yy'] as const) {
      it(`u${derivative && `.${derivative}`} is what finite differences of the solution say`, async () => {
        const backend = new CpuBackend();
        const plain = new PdeProblem(withResidual(definition, ({ u }) => u));
        const model = network(backend, plain.pde);
        const expected = await differences(plain, model, derivative);
        const byPlace = new Map(PLACES.map(([x, y], place) => [`${x} ${y}`, expected[place]]));
        const problem = new PdeProblem(
          withResidual(definition, ({ u, at }) =>
            (derivative === '' ? u : u[derivative]).sub(at((x, y) => byPlace.get(`${x} ${y}`)!)),
          ),
        );
        expect(Math.sqrt(await meanSquare(problem, model, 'term'))).to.be.below(TOLERANCE);
        // The comparison means something: the derivative itself is not small.
        expect(Math.max(...expected.map(Math.abs))).to.be.above(1000 * TOLERANCE);
      });
    }
  });
}

describe('tracing', () => {
  const plain = (residual: Parameters<typeof withResidual>[1]) => {
    const pde = withResidual({ inputs }, residual);
    return traceTerm(pde, 'term', pde.terms['term']);
  };

  it('plans a direction per first and pure second derivative, one more per mixed one', () => {
    expect(plain(({ u }) => u).directions).to.deep.equal([]);
    expect(plain(({ u }) => u.y).directions).to.deep.equal([[0, 1]]);
    expect(plain(({ u }) => u.xx.add(u.yy)).directions).to.have.deep.members([
      [1, 0],
      [0, 1],
    ]);
    expect(plain(({ u }) => u.xy).directions).to.have.deep.members([
      [1, 0],
      [0, 1],
      [1, 1],
    ]);
  });

  it('carries no more derivatives than the residual asks for', () => {
    expect(
      [plain(({ u }) => u), plain(({ u }) => u.x.add(u.y)), plain(({ u }) => u.x.add(u.yy))].map(({ order }) => order),
    ).to.deep.equal([0, 1, 2]);
  });

  it('computes formulas of the coordinates once, as fields, not in the kernel', () => {
    const { fields, kernels } = plain(({ u, x, y, at }) => u.mul(x.sin().add(y)).add(x.mul(at((a) => a)).exp()));
    expect(fields.expressions.length).to.equal(2);
    expect(kernels.forward.wgsl).not.to.match(/sin|exp/);
  });

  it('a system: products of derivatives of two unknowns', async () => {
    const definition = { inputs, unknowns: ['u', 'v'] } satisfies Definition;
    const plainProblem = new PdeProblem(withResidual(definition, ({ u }) => u));
    const model = network(new CpuBackend(), plainProblem.pde);
    const [u, ux, vy, vxy] = await Promise.all([
      differences(plainProblem, model, '', 0),
      differences(plainProblem, model, 'x', 0),
      differences(plainProblem, model, 'y', 1),
      differences(plainProblem, model, 'xy', 1),
    ]);
    const place = (x: number, y: number) => PLACES.findIndex(([a, b]) => a === x && b === y);
    const problem = new PdeProblem(
      withResidual(definition, ({ unknowns, at }) => [
        unknowns['u'].mul(unknowns['v'].y).sub(at((x, y) => u[place(x, y)] * vy[place(x, y)])),
        unknowns['u'].x.sub(unknowns['v'].xy).sub(at((x, y) => ux[place(x, y)] - vxy[place(x, y)])),
      ]),
    );
    expect(problem.terms[0].kernels.residuals).to.equal(2);
    expect(Math.sqrt(await meanSquare(problem, model, 'term'))).to.be.below(TOLERANCE);
  });

  it('two sides of a kink: the jump of u_x across |x| is what one-sided differences say', async () => {
    const definition = { inputs, features: ({ x, y }) => [x, y, x.abs()] } satisfies Definition;
    const plainProblem = new PdeProblem(withResidual(definition, ({ u }) => u));
    const model = network(new CpuBackend(), plainProblem.pde);
    const y = 0.7;
    const values = async (direction: number) => {
      const data = Float64Array.from([0, 1, 2, 3, 4].flatMap((n) => [direction * n * STEP, y]));
      const { data: u } = await evaluateSolution(plainProblem, model, { rows: 5, columns: 2, data });
      // One-sided, order four.
      return (direction * (-25 * u[0] + 48 * u[1] - 36 * u[2] + 16 * u[3] - 3 * u[4])) / (12 * STEP);
    };
    const [left, right] = [await values(-1), await values(1)];
    expect(Math.abs(right - left)).to.be.above(1e-2);
    const pde = definePde({
      ...definition,
      terms: {
        jump: {
          on: [points([[-0, y]]), points([[0, y]])],
          residual: ({ sides: [l, r], at }) => [
            l.u.x.sub(at(() => left)),
            r.u.x.sub(at(() => right)),
            l.u.sub(r.u),
            r.u.x
              .mul(0.5)
              .sub(l.u.x)
              .sub(0.5 * right - left),
          ],
        },
      },
    });
    expect(Math.sqrt(await meanSquare(new PdeProblem(pde), model, 'jump'))).to.be.below(100 * TOLERANCE);
  });

  it('`at` of a side samples on that side', async () => {
    const pde = definePde({
      inputs,
      terms: {
        pair: {
          on: [points([[0.5, 1]]), points([[-0.5, 2]])],
          residual: ({ sides: [l, r], u }) =>
            l
              .at((x) => x)
              .add(r.at((_, y) => y))
              .add(r.x)
              .sub(2)
              .add(u.sub(l.u)),
        },
      },
    });
    const model = network(new CpuBackend(), pde);
    expect(await meanSquare(new PdeProblem(pde), model, 'pair')).to.be.below(1e-28);
  });

  it('hard constraints hold exactly, whatever the network', async () => {
    const pde = definePde({
      inputs,
      constraints: { u: { lift: ({ y }) => y.exp(), distance: ({ x }) => x.mul(x).sub(1) } },
      terms: {
        walls: {
          on: points([
            [-1, 0.4],
            [1, 1.7],
          ]),
          residual: ({ u, at }) => u.sub(at((_, y) => Math.exp(y))),
        },
      },
    });
    const problem = new PdeProblem(pde);
    const model = network(new CpuBackend(), pde);
    expect(await meanSquare(problem, model, 'walls')).to.equal(0);
    const { data } = await evaluateSolution(problem, model, { rows: 1, columns: 2, data: Float64Array.of(-1, 1.3) });
    expect(data[0]).to.equal(Math.exp(1.3));
  });
});

describe('jets of features', () => {
  it('are what finite differences of the features say, along every direction', () => {
    const { features } = problems['features'];
    const pde = definePde({ inputs, features, terms: { term: { on: points(PLACES), residual: ({ u }) => u.xy } } });
    const { directions } = traceTerm(pde, 'term', pde.terms['term']);
    const matrix = { rows: PLACES.length, columns: 2, data: Float64Array.from(PLACES.flat()) };
    const scaling = featureScaling(pde);
    const jets = inputJets(pde, { name: 'term', directions, order: 2, traces: 1 }, [matrix], scaling);
    const formulas = featuresOf(pde);
    const shifted = (v: readonly number[], by: number) => {
      const data = matrix.data.map((value, index) => value + by * STEP * v[index % 2]);
      return evaluateFormulas(pde, formulas, [{ ...matrix, data }]);
    };
    const jet = (channel: number, row: number, feature: number) =>
      jets[(channel * PLACES.length + row) * formulas.length + feature];
    directions.forEach((v, direction) => {
      const samples = NODES.map((node) => shifted(v, node));
      formulas.forEach((_, feature) => {
        PLACES.forEach((_, row) => {
          const combined = (weights: readonly number[], divisor: number) =>
            scaling.scale[feature] *
            weights.reduce((sum, w, n) => sum + (w / divisor) * samples[n][feature * PLACES.length + row], 0);
          expect(jet(1 + 2 * direction, row, feature)).to.be.closeTo(combined(FIRST, STEP), TOLERANCE);
          expect(jet(2 + 2 * direction, row, feature)).to.be.closeTo(combined(SECOND, STEP ** 2), TOLERANCE);
        });
      });
    });
  });

  it('fill the domain of the network: every feature ranges over [-1, 1]', () => {
    const pde = withResidual(
      { inputs, features: ({ x, y }) => [x.abs(), y.mul(y), x.mul(Math.PI).sin()] },
      ({ u }) => u,
    );
    const { scale, shift } = featureScaling(pde);
    const scaled = (feature: number, value: number) => scale[feature] * value + shift[feature];
    expect([scaled(0, 0), scaled(0, 1)]).to.deep.equal([-1, 1]);
    expect([scaled(1, 0), scaled(1, 4)]).to.deep.equal([-1, 1]);
    // The maximum of a sine lies between nodes, within (π/128)²/8 of one.
    expect(scaled(2, 1)).to.be.closeTo(1, 1e-4);
  });

  it('features that are constant or not finite are refused', async () => {
    for (const feature of [symbol('constant').pow(0), symbol(coordinateKey(0, 'x')).log()]) {
      const pde = withResidual({ inputs, features: ({ x }) => [x, feature] }, ({ u }) => u);
      const error = await errorOf(() => featureScaling(pde));
      expect(error.code).to.equal('DOMAIN_INVALID');
      expect(error.message).to.contain('feature 1');
    }
  });
});
