/** The four combinations of geometry and gradient, against dense matrices. */
import { expect } from 'chai';
import { CpuBackend } from '../../src/backend/cpu/cpu-backend.ts';
import { Kan } from '../../src/models/kan.ts';
import { isGridLayer, weightsName } from '../../src/models/layer.ts';
import { Mlp } from '../../src/models/mlp.ts';
import { kanToMultichannelMlp } from '../../src/models/multichannel-mlp.ts';
import { type Basis, inCoordinates } from '../../src/multilevel/coordinates.ts';
import { regression } from '../../src/multilevel/regression.ts';
import { trainMultilevel } from '../../src/multilevel/train.ts';
import { adam } from '../../src/optimizers/adam.ts';
import { lbfgs } from '../../src/optimizers/lbfgs.ts';
import type { Optimizer } from '../../src/optimizers/optimizer.ts';
import type { SplineGrid } from '../../src/splines/grid.ts';
import { errorOf, forEachBackend } from '../backends.ts';
import { figureOf, sample, smooth } from './problems.ts';

type DenseMatrix = number[][];

/** A from A_ij = (−1)^r (t_{i+r} − t_i) / ∏_{m≠j, i≤m≤i+r} (t_j − t_m), r = degree + 1; any knots. */
function changeOfBasis({ degree, intervals, domain: [a, b] }: SplineGrid): DenseMatrix {
  const [order, size] = [degree + 1, intervals + degree];
  const knot = (k: number) => a + ((k - degree) * (b - a)) / intervals;
  return Array.from({ length: size }, (_, i) =>
    Array.from({ length: size }, (_, j) => {
      if (j < i || j > i + order) return 0;
      let product = 1;
      for (let m = i; m <= i + order; m++) if (m !== j) product *= knot(j) - knot(m);
      return ((-1) ** order * (knot(i + order) - knot(i))) / product;
    }),
  );
}

const transpose = (matrix: DenseMatrix) => matrix[0].map((_, j) => matrix.map((row) => row[j]));

/** Gaussian elimination with row exchanges. */
function solve(matrix: DenseMatrix, right: number[]): number[] {
  const rows = matrix.map((row, i) => [...row, right[i]]);
  rows.forEach((_, k) => {
    const pivot = rows
      .slice(k)
      .reduce((best, row, i) => (Math.abs(row[k]) > Math.abs(rows[best][k]) ? k + i : best), k);
    [rows[k], rows[pivot]] = [rows[pivot], rows[k]];
    for (let i = k + 1; i < rows.length; i++) {
      const factor = rows[i][k] / rows[k][k];
      for (let j = k; j <= rows.length; j++) rows[i][j] -= factor * rows[k][j];
    }
  });
  const x = new Array<number>(rows.length).fill(0);
  for (let i = rows.length - 1; i >= 0; i--) {
    const known = x.reduce((sum, value, j) => (j > i ? sum + rows[i][j] * value : sum), 0);
    x[i] = (rows[i][rows.length] - known) / rows[i][i];
  }
  return x;
}

/** u − η A⁻ᵀ D A⁻¹ g and its three relatives; `scaled` is D applied to the gradient that the optimizer sees. */
function updated(
  u: number[],
  gradient: number[],
  a: DenseMatrix,
  [geometry, seen]: readonly [Basis, Basis],
  scaled: (gradient: number) => number,
): number[] {
  const step = (seen === 'spline' ? gradient : solve(a, gradient)).map(scaled);
  const inSplines = geometry === 'spline' ? step : solve(transpose(a), step);
  return u.map((value, k) => value - inSplines[k]);
}

const data = sample(smooth, 50, 1);
const OPTIONS = { widths: [2, 3, 1], degree: 2, intervals: 4, leadingLinear: 'with-bias', seed: 2 } as const;
const combinations: (readonly [Basis, Basis])[] = [
  ['spline', 'spline'],
  ['spline', 'power-relu'],
  ['power-relu', 'spline'],
  ['power-relu', 'power-relu'],
];

const RATE = 0.01;
const EPSILON = 1e-8;
/** Adam that forgets at once and whose epsilon outweighs every gradient is steepest descent with step RATE. */
const HEAVY = 1e12;
const optimizers: Readonly<Record<string, [Optimizer, (gradient: number) => number]>> = {
  'a first step of Adam': [
    adam({ learningRate: RATE, schedule: { type: 'constant' } }),
    (g) => (RATE * g) / (Math.abs(g) + EPSILON),
  ],
  'a step of steepest descent': [
    adam({ learningRate: RATE * HEAVY, schedule: { type: 'constant' }, beta1: 0, beta2: 0, epsilon: HEAVY }),
    (g) => (RATE * HEAVY * g) / (Math.abs(g) + HEAVY),
  ],
};

forEachBackend('coordinates', (open) => {
  for (const [what, [optimizer, scaled]] of Object.entries(optimizers)) {
    for (const combination of combinations) {
      const [geometry, gradient] = combination;
      it(`${what}: moving in ${geometry}, seeing the gradient in ${gradient}`, async () => {
        const backend = await open();
        const kan = Kan.create(backend, OPTIONS);
        const start = await kan.parameters.read();
        // The gradient in splines, from the float64 backend at the same parameters.
        const cpu = new CpuBackend();
        const reference = Kan.create(cpu, OPTIONS);
        reference.parameters.write(start);
        const plain = regression(data).bind(reference);
        cpu.run(await cpu.record(plain.evaluate));
        const objective = inCoordinates(regression(data), { geometry, gradient }).bind(kan);
        backend.run(await backend.record(objective.enter ?? []));
        const run = await optimizer.start(objective, 1);
        await run.advance(1);
        backend.run(await backend.record(objective.leave ?? []));
        const after = await kan.parameters.read();
        run.dispose();
        objective.dispose();
        for (const entry of reference.parameters.entries) {
          const [g] = await cpu.read([entry.gradient.buffer]);
          const u = start[entry.name];
          const expected = u.slice();
          const index = reference.layers.findIndex((_, i) => weightsName(i) === entry.name);
          const layer = reference.layers[index];
          if (layer !== undefined && isGridLayer(layer)) {
            const [coefficients, a] = [layer.grid.intervals + layer.grid.degree, changeOfBasis(layer.grid)];
            for (let p = 0; p < layer.inputs; p++) {
              for (let q = 0; q < layer.outputs; q++) {
                const at = (k: number) => (p * coefficients + k) * layer.outputs + q;
                const edge = (array: Float64Array) => Array.from({ length: coefficients }, (_, k) => array[at(k)]);
                updated(edge(u), edge(g), a, combination, scaled).forEach((value, k) => {
                  expected[at(k)] = value;
                });
              }
            }
          } else {
            g.forEach((value, i) => {
              expected[i] -= scaled(value);
            });
          }
          const size = Math.max(...expected.map((value, i) => Math.abs(value - u[i])), ...u.map(Math.abs));
          // A and its inverse twice each: condition (4³)² at most.
          const bound = 4 ** 6 * (backend.precision === 'float64' ? 2 ** -53 : 2 ** -24) * size;
          after[entry.name].forEach((value, i) => {
            expect(value, `${entry.name}[${i}]`).to.be.closeTo(expected[i], bound);
          });
        }
        reference.dispose();
      });
    }
  }
});

describe('L-BFGS in the power-ReLU basis', () => {
  it('is L-BFGS on the converted network', async () => {
    const backend = new CpuBackend();
    const kan = Kan.create(backend, { widths: [2, 3, 1], degree: 2, intervals: 3, hiddenDomain: [-1, 1], seed: 3 });
    const converted = await kanToMultichannelMlp(kan);
    const options = { levels: 1, steps: 12, optimizer: lbfgs() };
    const problem = inCoordinates(regression(data), { geometry: 'power-relu', gradient: 'power-relu' });
    const inBasis = await trainMultilevel(kan, problem, options);
    const asMlp = await trainMultilevel(converted, regression(data), options);
    const inSplines = await trainMultilevel(kan, regression(data), options);
    const losses = [inBasis, asMlp, inSplines].map(({ history }) => history.curve.map(({ loss }) => loss));
    expect(losses[0].length).to.be.above(5);
    losses[1].slice(0, 6).forEach((loss, step) => {
      expect(losses[0][step], `step ${step}`).to.be.closeTo(loss, 1e-9 * loss);
    });
    expect(losses[0][3], 'and not L-BFGS on splines').to.not.be.closeTo(losses[2][3], 1e-3 * losses[2][3]);
  });
});

describe('a problem in other coordinates', () => {
  const power = { geometry: 'power-relu', gradient: 'power-relu' } as const;

  it('is the problem itself where both are splines', () => {
    const problem = regression(data);
    expect(inCoordinates(problem, { geometry: 'spline', gradient: 'spline' })).to.equal(problem);
  });

  it('adapts and is monitored as before', async () => {
    const backend = new CpuBackend();
    const kan = Kan.create(backend, OPTIONS);
    const adapted: unknown[] = [];
    const adapt = async (model: unknown) => {
      adapted.push(model);
    };
    const problem = inCoordinates({ ...regression(data), adapt }, power);
    await problem.adapt?.(kan);
    expect(adapted).to.deep.equal([kan]);
    expect(inCoordinates(regression(data), power)).not.to.have.property('adapt');
    expect(await figureOf(problem, kan)).to.equal(await figureOf(regression(data), kan));
  });

  it('is refused: a basis that does not exist, a model without splines', async () => {
    const fourier = { geometry: 'fourier', gradient: 'spline' } as never;
    expect((await errorOf(() => inCoordinates(regression(data), fourier))).code).to.equal('INVALID_ARGUMENT');
    const backend = new CpuBackend();
    const mlp = Mlp.create(backend, { widths: [2, 3, 1] });
    const { bytes } = backend.counters;
    expect((await errorOf(() => inCoordinates(regression(data), power).bind(mlp))).code).to.equal('INVALID_ARGUMENT');
    expect(backend.counters.bytes, 'nothing is left behind').to.equal(bytes);
  });
});
