/** Directional Taylor jets: derivatives against closed forms and finite differences, on both backends. */
import { expect } from 'chai';
import type { Backend } from '../../src/backend/backend.ts';
import { CpuBackend } from '../../src/backend/cpu/cpu-backend.ts';
import { type JetLayout, jetChannels } from '../../src/kernels/jet.ts';
import { Kan } from '../../src/models/kan.ts';
import { Mlp } from '../../src/models/mlp.ts';
import type { Network } from '../../src/models/network.ts';
import { applyToJets } from '../../src/physics/network-jets.ts';
import type { SplineGrid } from '../../src/splines/grid.ts';
import { splineJetLayer } from '../../src/tape/ops/spline-jet-layer.ts';
import { Tape } from '../../src/tape/tape.ts';
import type { Shape } from '../../src/tape/tensor.ts';
import { forEachBackend } from '../backends.ts';
import { randomValues } from '../tape/gradient-tools.ts';

/** Coefficients of x^power on a grid: by polar forms, symmetric means of the knots inside each function's support. */
function monomial({ degree, intervals, domain: [start, end] }: SplineGrid, power: number): number[] {
  const width = (end - start) / intervals;
  return Array.from({ length: intervals + degree }, (_, k) => {
    const knots = Array.from({ length: degree }, (_, i) => start + (k - degree + 1 + i) * width);
    return elementarySymmetric(knots, power) / binomial(degree, power);
  });
}

function elementarySymmetric(values: readonly number[], power: number): number {
  if (power === 0) return 1;
  return values.reduce((sum, value, i) => sum + value * elementarySymmetric(values.slice(i + 1), power - 1), 0);
}

function binomial(n: number, k: number): number {
  return k === 0 ? 1 : (n / k) * binomial(n - 1, k - 1);
}

/** Weights [inputs, coefficients, outputs] of φ_{p,q}(x) = Σ_m polynomials[p][q][m] x^m. */
function polynomialLayer(grid: SplineGrid, polynomials: readonly (readonly (readonly number[])[])[]): Float64Array {
  const powers = Array.from({ length: grid.degree + 1 }, (_, m) => monomial(grid, m));
  return Float64Array.from(
    polynomials.flatMap((edges) =>
      powers[0].flatMap((_, k) =>
        edges.map((coefficients) => coefficients.reduce((sum, c, m) => sum + c * powers[m][k], 0)),
      ),
    ),
  );
}

interface Step {
  readonly grid: SplineGrid;
  readonly weights: Float64Array;
  readonly outputs: number;
}

/** Spline layers one after the other on jets x [channels, batch, inputs]. */
async function throughLayers(backend: Backend, x: Float64Array, shape: Shape, steps: readonly Step[], jet: JetLayout) {
  const tape = new Tape(backend);
  const input = tape.input(shape);
  const parameters = steps.map(({ grid: { intervals, degree }, weights, outputs }) =>
    tape.input([weights.length / (intervals + degree) / outputs, intervals + degree, outputs]),
  );
  const output = steps.reduce(
    (tensor, { grid }, i) => tape.apply(splineJetLayer, [tensor, parameters[i]], { ...grid, ...jet }),
    input,
  );
  backend.write(input.buffer, x);
  steps.forEach(({ weights }, i) => {
    backend.write(parameters[i].buffer, weights);
  });
  backend.run(await tape.record());
  const [result] = await backend.read([output.buffer]);
  tape.dispose();
  return result;
}

/**
 * Jets [channels, batch, inputs] of points along constant directions: x'' = 0.
 */
function seeded(points: readonly (readonly number[])[], directions: readonly (readonly number[])[], order: 1 | 2) {
  const channels = [points];
  for (const direction of directions) {
    channels.push(points.map(() => direction));
    if (order === 2) channels.push(points.map(() => direction.map(() => 0)));
  }
  return Float64Array.from(channels.flat(2));
}

/** Coefficients of up to 4³ cancel to values of size one, and second differences divide them by (2/5)². */
const CANCELLATION = 2 ** 14;
const roundoff = (backend: Backend) => (backend.precision === 'float64' ? 2 ** -53 : 2 ** -24);

forEachBackend('jets of polynomials, which splines reproduce', (open) => {
  // u = (x³ + 2 y²)² + (x − y)³
  const points = [
    [0.3, -0.8],
    [-0.9, 0.1],
    [0.65, 0.45],
    [0, 0.9],
  ];
  const inner = [
    [
      [0, 0, 0, 1],
      [0, 1],
    ],
    [
      [0, 0, 2],
      [0, -1],
    ],
  ];
  const outer = [[[0, 0, 1]], [[0, 0, 0, 1]]];
  const exact = ([x, y]: readonly number[]) => {
    const [h, k] = [x ** 3 + 2 * y ** 2, x - y];
    return {
      u: h ** 2 + k ** 3,
      x: 6 * h * x ** 2 + 3 * k ** 2,
      xx: 18 * x ** 4 + 12 * h * x + 6 * k,
      y: 8 * h * y - 3 * k ** 2,
      yy: 32 * y ** 2 + 8 * h + 6 * k,
      xy: 24 * x ** 2 * y - 6 * k,
    };
  };

  for (const degree of [3, 4, 5]) {
    it(`have first, second and, by polarisation, mixed derivatives: degree ${degree}`, async () => {
      const backend = await open();
      const grids = [
        { degree, intervals: 5, domain: [-1, 1] },
        { degree, intervals: 8, domain: [-4, 4] },
      ] as const;
      const steps = [
        { grid: grids[0], weights: polynomialLayer(grids[0], inner), outputs: 2 },
        { grid: grids[1], weights: polynomialLayer(grids[1], outer), outputs: 1 },
      ];
      const directions = [
        [1, 0],
        [0, 1],
        [1, 1],
      ];
      const x = seeded(points, directions, 2);
      const y = await throughLayers(backend, x, [7, points.length, 2], steps, { directions: 3, order: 2 });
      points.forEach((point, b) => {
        const [u, ux, uxx, uy, uyy, , uvv] = Array.from({ length: 7 }, (_, c) => y[c * points.length + b]);
        const jet = { u, x: ux, xx: uxx, y: uy, yy: uyy, xy: (uvv - uxx - uyy) / 2 };
        for (const [name, value] of Object.entries(exact(point))) {
          const bound = CANCELLATION * roundoff(backend);
          expect(jet[name as keyof typeof jet], `u_${name} at ${point}`).to.be.closeTo(value, bound);
        }
      });
    });
  }

  it('continue linearly outside the domain: the slope of the end, no curvature', async () => {
    const backend = await open();
    for (const degree of [2, 3, 4, 5]) {
      const grid = { degree, intervals: 3, domain: [-1, 1] } as const;
      const steps = [{ grid, weights: polynomialLayer(grid, [[[0, 0, 1]]]), outputs: 1 }];
      const [value, first, second] = [
        [1.5, -2, 1, -1],
        [3, 3, 3, 3],
        [5, 5, 5, 5],
      ];
      const x = Float64Array.from([value, first, second].flat());
      const y = await throughLayers(backend, x, [3, 4, 1], steps, { directions: 1, order: 2 });
      const expected = [2, 3, 1, 1, 6, -6, 6, -6, 10, -10, 2 * 9 + 10, 2 * 9 - 10];
      expected.forEach((number, i) => {
        expect(y[i], `degree ${degree}, [${i}]`).to.be.closeTo(number, CANCELLATION * roundoff(backend));
      });
    }
  });

  it('of first order have the first derivatives alone', async () => {
    const backend = await open();
    const grid = { degree: 3, intervals: 5, domain: [-1, 1] } as const;
    const steps = [{ grid, weights: polynomialLayer(grid, inner), outputs: 2 }];
    const directions = [[2, -3]];
    const y = await throughLayers(backend, seeded(points, directions, 1), [2, 4, 2], steps, {
      directions: 1,
      order: 1,
    });
    points.forEach(([x1, x2], b) => {
      const expected = [3 * x1 ** 2 * 2 + 4 * x2 * -3, 2 + 3];
      expected.forEach((number, q) => {
        expect(y[8 + 2 * b + q]).to.be.closeTo(number, CANCELLATION * roundoff(backend));
      });
    });
  });
});

describe('jets of whole networks', () => {
  const STEP = 2 ** -10;
  const DIRECTIONS = [
    [1, 0],
    [0.6, -0.8],
    [-0.3, 1.1],
  ];
  const grid = { intervals: 5, hiddenIntervals: 4, seed: 11 };
  const networks: Record<string, (backend: Backend) => Network> = {
    'Kan of degree 3': (backend) => Kan.create(backend, { widths: [2, 4, 1], ...grid }),
    'Kan of degree 4, tanh': (backend) =>
      Kan.create(backend, { widths: [2, 4, 3, 1], degree: 4, squashing: 'tanh', hiddenDomain: [-1, 1], ...grid }),
    'Kan of degree 5, leading linear, narrow hidden domain': (backend) =>
      Kan.create(backend, {
        widths: [2, 4, 1],
        degree: 5,
        leadingLinear: 'with-bias',
        hiddenDomain: [-0.5, 0.5],
        ...grid,
      }),
    ...Object.fromEntries(
      (['tanh', 'gelu'] as const).map((activation) => [
        `Mlp, ${activation}`,
        (backend: Backend) => Mlp.create(backend, { widths: [2, 8, 8, 1], activation, seed: 4 }),
      ]),
    ),
  };
  // Inside the first layer's cells, further from a knot than a difference quotient reaches.
  const points = Array.from({ length: 6 }, (_, b) =>
    [...randomValues(b + 1, [2], 0.15)].map((x, p) => x + 0.4 * (((b * (p + 1)) % 5) - 2)),
  );

  for (const [name, create] of Object.entries(networks)) {
    it(`${name}: first and second derivatives as finite differences have them`, async () => {
      const backend = new CpuBackend();
      const network = create(backend);
      const tape = new Tape(backend);
      const channels = jetChannels({ directions: DIRECTIONS.length, order: 2 });
      const input = tape.input([channels, points.length, 2]);
      const output = applyToJets(tape, network, input, { directions: DIRECTIONS.length, order: 2 });
      backend.write(input.buffer, seeded(points, DIRECTIONS, 2));
      backend.run(await tape.record());
      const [jets] = await backend.read([output.buffer]);
      const values = async (direction: readonly number[], distance: number) =>
        (
          await network.evaluate({
            rows: points.length,
            columns: 2,
            data: Float64Array.from(points.flatMap((point) => point.map((x, p) => x + distance * direction[p]))),
          })
        ).data;
      const centre = await values([0, 0], 0);
      for (const [j, direction] of DIRECTIONS.entries()) {
        const [f1, f2, b1, b2] = await Promise.all([1, 2, -1, -2].map((n) => values(direction, n * STEP)));
        points.forEach((point, b) => {
          const first = [(f1[b] - b1[b]) / (2 * STEP), (f2[b] - b2[b]) / (4 * STEP)];
          const second = [
            (f1[b] - 2 * centre[b] + b1[b]) / STEP ** 2,
            (f2[b] - 2 * centre[b] + b2[b]) / (2 * STEP) ** 2,
          ];
          // Off by a third of what halving the step changes, and by the roundings of values of size one.
          [first, second].forEach(([near, far], m) => {
            const bound = Math.abs(far - near) + 2 ** -46 / STEP ** (m + 1);
            const label = `derivative ${m + 1} along ${direction} at ${point}`;
            expect(bound, `${label}: the bound must mean something`).to.be.below(0.02 * (1 + Math.abs(near)));
            expect(jets[(1 + 2 * j + m) * points.length + b], label).to.be.closeTo(near, bound);
          });
        });
      }
      for (const [b, value] of centre.entries()) expect(jets[b]).to.be.closeTo(value, 2 ** -46);
      tape.dispose();
      network.dispose();
    });
  }
});
