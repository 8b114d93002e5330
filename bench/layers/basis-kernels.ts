/**
 * Layers evaluated as efficient-kan and the paper's code do it: the whole basis at every point as a matrix
 * [batch · inputs, coefficients], then one dense matrix product. For comparison only; the library never does this.
 */
import integerPower from '../../shaders/lib/integer-power.wgsl';
import linearIndex from '../../shaders/lib/linear-index.wgsl';
import { ceilDiv, defineKernel, linearGrid } from '../../src/kernels/kernel.ts';
import inputGradientWgsl from './basis-input-gradient.wgsl';
import coxDeBoorWgsl from './cox-de-boor.wgsl';
import matrixProductWgsl from './matrix-product.wgsl';
import reluPowersWgsl from './relu-powers.wgsl';

interface Sizes {
  readonly points: number;
  readonly intervals: number;
  readonly degree: number;
}

const bindings = { x: 'read', knots: 'read', values: 'write', slopes: 'write' } as const;

function lengths({ points, intervals, degree }: Sizes) {
  const size = points * (intervals + degree);
  return { x: points, knots: intervals + 2 * degree + 1, values: size, slopes: size };
}

/** Operations per function and degree of the recursion: two quotients, two products, differences, a sum. */
const FLOPS_PER_RECURSION = 9;

/**
 * All B-splines and their slopes by the recursion of Cox and de Boor, over every function whether it is zero or not.
 *
 * The slopes come from the last step of the recursion, which costs less than differentiating all of it.
 */
export const coxDeBoor = defineKernel({
  name: 'cox-de-boor',
  wgsl: linearIndex + coxDeBoorWgsl,
  bindings,
  constants: ['points', 'intervals', 'degree'],
  lengths,
  workgroups: ({ points }) => linearGrid(points),
  flops: ({ points, intervals, degree }) => points * (intervals + 2 * degree) * degree * FLOPS_PER_RECURSION,
  reference({ x, knots, values, slopes }, { points, intervals, degree }) {
    const coefficients = intervals + degree;
    const b = new Float64Array(coefficients + degree);
    for (let index = 0; index < points; index++) {
      const point = x[index];
      const first = index * coefficients;
      for (let i = 0; i < coefficients + degree; i++) b[i] = point >= knots[i] && point < knots[i + 1] ? 1 : 0;
      for (let d = 1; d <= degree; d++) {
        for (let i = 0; i < coefficients + degree - d; i++) {
          const left = b[i] / (knots[i + d] - knots[i]);
          const right = b[i + 1] / (knots[i + d + 1] - knots[i + 1]);
          if (d === degree) slopes[first + i] = degree * (left - right);
          b[i] = (point - knots[i]) * left + (knots[i + d + 1] - point) * right;
        }
      }
      for (let i = 0; i < coefficients; i++) values[first + i] = b[i];
    }
  },
});

/** ReLU(x − t_j)^degree and its slope for every point and knot. */
export const reluPowers = defineKernel({
  name: 'relu-powers',
  wgsl: linearIndex + integerPower + reluPowersWgsl,
  bindings,
  constants: ['points', 'intervals', 'degree'],
  lengths,
  workgroups: ({ points, intervals, degree }) => linearGrid(points * (intervals + degree)),
  flops: ({ points, intervals, degree }) => points * (intervals + degree) * (degree + 3),
  reference({ x, knots, values, slopes }, { points, intervals, degree }) {
    const coefficients = intervals + degree;
    for (let index = 0; index < points; index++) {
      for (let j = 0; j < coefficients; j++) {
        const difference = x[index] - knots[j];
        let lower = difference >= 0 ? 1 : 0;
        for (let factor = 1; factor < degree; factor++) lower *= difference;
        values[index * coefficients + j] = difference * lower;
        slopes[index * coefficients + j] = degree * lower;
      }
    }
  },
});

/** inputGradient[i] = Σ_j valueGradient[i,j] slopes[i,j]. */
export const basisInputGradient = defineKernel({
  name: 'basis-input-gradient',
  wgsl: linearIndex + inputGradientWgsl,
  bindings: { valueGradient: 'read', slopes: 'read', inputGradient: 'write' },
  constants: ['points', 'coefficients'],
  lengths: ({ points, coefficients }) => ({
    valueGradient: points * coefficients,
    slopes: points * coefficients,
    inputGradient: points,
  }),
  workgroups: ({ points }) => linearGrid(points),
  flops: ({ points, coefficients }) => 2 * points * coefficients,
  reference({ valueGradient, slopes, inputGradient }, { points, coefficients }) {
    for (let index = 0; index < points; index++) {
      let sum = 0;
      for (let j = index * coefficients; j < (index + 1) * coefficients; j++) sum += valueGradient[j] * slopes[j];
      inputGradient[index] = sum;
    }
  },
});

/** Edge of the block of c that a workgroup makes. */
const BLOCK = 32;

/** c[i,j] = Σ_k A[i,k] B[k,j] with A[i,k] = a[i · aRow + k · aColumn], B alike: any of the two may be transposed. */
export const matrixProduct = defineKernel({
  name: 'matrix-product',
  wgsl: matrixProductWgsl,
  bindings: { a: 'read', b: 'read', c: 'write' },
  constants: ['rows', 'inner', 'columns', 'aRow', 'aColumn', 'bRow', 'bColumn'],
  lengths: ({ rows, inner, columns }) => ({ a: rows * inner, b: inner * columns, c: rows * columns }),
  workgroups: ({ rows, columns }) => [ceilDiv(columns, BLOCK), ceilDiv(rows, BLOCK), 1],
  flops: ({ rows, inner, columns }) => 2 * rows * inner * columns,
  reference({ a, b, c }, { rows, inner, columns, aRow, aColumn, bRow, bColumn }) {
    if (bColumn !== 1) {
      for (let i = 0; i < rows; i++) {
        for (let j = 0; j < columns; j++) {
          let sum = 0;
          for (let k = 0; k < inner; k++) sum += a[i * aRow + k * aColumn] * b[k * bRow + j * bColumn];
          c[i * columns + j] = sum;
        }
      }
      return;
    }
    c.fill(0, 0, rows * columns);
    // A transposed: with k outside, a row of A and one of B are read once, in order.
    const [outer, middle] = aColumn === 1 ? [rows, inner] : [inner, rows];
    for (let first = 0; first < outer; first++) {
      for (let second = 0; second < middle; second++) {
        const [i, k] = aColumn === 1 ? [first, second] : [second, first];
        const factor = a[i * aRow + k * aColumn];
        for (let j = 0; j < columns; j++) c[i * columns + j] += factor * b[k * bRow + j];
      }
    }
  },
});
