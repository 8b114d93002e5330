/**
 * The change of basis b = A ψ between B-splines b and powers of ReLU, ψ_j(x) = ReLU(x − t_j)^degree.
 *
 * A is upper triangular with order + 1 = degree + 2 diagonals. Spline coefficients u and ReLU coefficients w of one
 * function obey w = Aᵀ u; gradients obey ∇_u = A ∇_w. Its condition number grows like intervals^order, so products
 * and solves belong in float64.
 * Source: docs/mathematics.md, "Power-ReLU basis and the change of basis".
 */
import { NestkanError } from '../errors.ts';
import { checkDegree, checkGrid, type SplineGrid } from './grid.ts';
import { binomials, type Matrix, zeroMatrix } from './matrix.ts';

/**
 * On uniform knots every row of A holds the same numbers: A_{i,i+s} = h^{1−r}/(r−1)! · (−1)^s C(r, s), s = 0 … r,
 * with order r = degree + 1 and h the width of an interval.
 *
 * @returns degree + 2 numbers
 * @throws NestkanError DEGREE_OUT_OF_RANGE, INTERVALS_OUT_OF_RANGE or DOMAIN_INVALID
 */
export function changeOfBasisDiagonals(grid: SplineGrid): Float64Array {
  checkGrid(grid);
  const { degree, intervals, domain } = grid;
  let scale = (intervals / (domain[1] - domain[0])) ** degree;
  for (let factor = 2; factor <= degree; factor++) scale /= factor;
  return Float64Array.from(binomials(degree + 1), (binomial, s) => (s % 2 === 0 ? scale : -scale) * binomial);
}

/**
 * The matrix A of b = A ψ on uniform extended knots, (intervals + degree) squared, row-major.
 *
 * Row i and column j belong to knots t_{i−degree} and t_{j−degree}; columns past the last knot inside the domain are
 * dropped, because their ReLUs vanish there.
 *
 * @throws NestkanError DEGREE_OUT_OF_RANGE, INTERVALS_OUT_OF_RANGE or DOMAIN_INVALID
 */
export function changeOfBasisMatrix(grid: SplineGrid): Matrix {
  const diagonals = changeOfBasisDiagonals(grid);
  const size = grid.intervals + grid.degree;
  const matrix = zeroMatrix(size, size);
  for (let i = 0; i < size; i++) {
    matrix.data.set(diagonals.subarray(0, size - i), i * size + i);
  }
  return matrix;
}

/**
 * The matrix A for any strictly increasing knots, by the recursion over the order r
 * A^{[r]}_{ij} = A^{[r−1]}_{ij}/(t_{i+r−1} − t_i) − A^{[r−1]}_{i+1,j}/(t_{i+r} − t_{i+1}), A^{[1]} = bidiag(1, −1).
 *
 * @param knots at least degree + 2 numbers
 * @returns square, knots.length − degree − 1 rows
 * @throws NestkanError DEGREE_OUT_OF_RANGE, INVALID_ARGUMENT
 */
export function generalChangeOfBasis(knots: ArrayLike<number>, degree: number): Matrix {
  checkDegree(degree);
  checkKnots(knots, degree);
  // bands[i][s] is A_{i,i+s} of the order reached so far.
  let bands = Array.from({ length: knots.length - 1 }, () => [1, -1]);
  for (let order = 2; order <= degree + 1; order++) {
    bands = Array.from({ length: knots.length - order }, (_, i) => {
      const left = knots[i + order - 1] - knots[i];
      const right = knots[i + order] - knots[i + 1];
      return Array.from(
        { length: order + 1 },
        (_, s) => (bands[i][s] ?? 0) / left - (bands[i + 1][s - 1] ?? 0) / right,
      );
    });
  }
  const size = bands.length;
  const matrix = zeroMatrix(size, size);
  for (let i = 0; i < size; i++) {
    matrix.data.set(bands[i].slice(0, size - i), i * size + i);
  }
  return matrix;
}

function checkKnots(knots: ArrayLike<number>, degree: number): void {
  let valid = knots.length >= degree + 2;
  for (let i = 1; i < knots.length; i++) valid &&= knots[i] > knots[i - 1];
  if (valid && Number.isFinite(knots[0]) && Number.isFinite(knots[knots.length - 1])) return;
  throw new NestkanError('INVALID_ARGUMENT', `knots must be finite and strictly increasing, at least ${degree + 2}`, {
    fix: 'Sort the knots, remove repeated ones, and extend them by `degree` on each side of the domain.',
  });
}

/** A vector inside a larger array: elements offset, offset + stride, … (`count` of them). */
export interface Line {
  readonly offset: number;
  readonly stride: number;
  readonly count: number;
}

function wholeOf(values: Float64Array): Line {
  return { offset: 0, stride: 1, count: values.length };
}

/** values ← A · values, in place; `diagonals` from {@link changeOfBasisDiagonals}. */
export function multiplyByA(diagonals: Float64Array, values: Float64Array, line: Line = wholeOf(values)): void {
  const { offset, stride, count } = line;
  for (let i = 0; i < count; i++) {
    const last = Math.min(diagonals.length, count - i);
    let sum = 0;
    for (let s = 0; s < last; s++) sum += diagonals[s] * values[offset + (i + s) * stride];
    values[offset + i * stride] = sum;
  }
}

/** values ← Aᵀ · values, in place: spline coefficients become ReLU coefficients. */
export function multiplyByATransposed(
  diagonals: Float64Array,
  values: Float64Array,
  line: Line = wholeOf(values),
): void {
  const { offset, stride, count } = line;
  for (let j = count - 1; j >= 0; j--) {
    const last = Math.min(diagonals.length, j + 1);
    let sum = 0;
    for (let s = 0; s < last; s++) sum += diagonals[s] * values[offset + (j - s) * stride];
    values[offset + j * stride] = sum;
  }
}

/** values ← A⁻¹ · values, in place, by back substitution. */
export function solveWithA(diagonals: Float64Array, values: Float64Array, line: Line = wholeOf(values)): void {
  const { offset, stride, count } = line;
  for (let i = count - 1; i >= 0; i--) {
    const last = Math.min(diagonals.length, count - i);
    let sum = values[offset + i * stride];
    for (let s = 1; s < last; s++) sum -= diagonals[s] * values[offset + (i + s) * stride];
    values[offset + i * stride] = sum / diagonals[0];
  }
}

/** values ← A⁻ᵀ · values, in place, by forward substitution: ReLU coefficients become spline coefficients. */
export function solveWithATransposed(
  diagonals: Float64Array,
  values: Float64Array,
  line: Line = wholeOf(values),
): void {
  const { offset, stride, count } = line;
  for (let j = 0; j < count; j++) {
    const last = Math.min(diagonals.length, j + 1);
    let sum = values[offset + j * stride];
    for (let s = 1; s < last; s++) sum -= diagonals[s] * values[offset + (j - s) * stride];
    values[offset + j * stride] = sum / diagonals[0];
  }
}
