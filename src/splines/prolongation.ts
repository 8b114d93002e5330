import { NestkanError } from '../errors.ts';
import { checkDegree, checkIntervals } from './grid.ts';
import { binomials, type Matrix, zeroMatrix } from './matrix.ts';

/**
 * The two-scale relation of uniform B-splines of order r = degree + 1: b_k = Σ_s mask[s] · b'_{2k+s−degree},
 * mask[s] = 2^{1−r} C(r, s), s = 0 … r; functions b' left of the domain are dropped.
 *
 * Source: docs/mathematics.md, "Two-scale refinement".
 */
export function refinementMask(degree: number): Float64Array {
  checkDegree(degree);
  return Float64Array.from(binomials(degree + 1), (binomial) => binomial / 2 ** degree);
}

/**
 * The matrix P that carries coefficients from `intervals` to 2·intervals without changing the function, neither inside
 * the domain nor in its linear continuation. (2·intervals + degree) × (intervals + degree), row-major.
 *
 * @throws NestkanError DEGREE_OUT_OF_RANGE or INTERVALS_OUT_OF_RANGE
 */
export function prolongationMatrix({ degree, intervals }: { degree: number; intervals: number }): Matrix {
  checkDegree(degree);
  checkIntervals(intervals);
  const matrix = zeroMatrix(2 * intervals + degree, intervals + degree);
  const mask = refinementMask(degree);
  for (let k = 0; k < matrix.columns; k++) {
    for (let s = 0; s < mask.length; s++) {
      const fine = 2 * k + s - degree;
      if (fine >= 0 && fine < matrix.rows) matrix.data[fine * matrix.columns + k] = mask[s];
    }
  }
  return matrix;
}

/**
 * P times one vector of intervals + degree coefficients; twice as many intervals come back.
 *
 * @throws NestkanError DEGREE_OUT_OF_RANGE, SHAPE_MISMATCH
 */
export function prolongate(coarse: ArrayLike<number>, degree: number): Float64Array {
  const mask = refinementMask(degree);
  const intervals = coarse.length - degree;
  if (intervals < 1) {
    throw new NestkanError('SHAPE_MISMATCH', `${coarse.length} coefficients are too few for degree ${degree}`, {
      fix: `Give intervals + degree coefficients, at least ${degree + 1}.`,
    });
  }
  const fine = new Float64Array(2 * intervals + degree);
  for (let k = 0; k < coarse.length; k++) {
    for (let s = 0; s < mask.length; s++) {
      const target = 2 * k + s - degree;
      if (target >= 0 && target < fine.length) fine[target] += mask[s] * coarse[k];
    }
  }
  return fine;
}
