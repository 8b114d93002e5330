import { type NdArray, toNdArray } from './arrays.ts';
import { changeOfBasisMatrix as changeOfBasis } from './splines/change-of-basis.ts';
import type { SplineGrid } from './splines/grid.ts';
import { prolongationMatrix as prolongation } from './splines/prolongation.ts';

/**
 * A with b = A ψ: B-splines from power-ReLU functions. Square, upper triangular, degree + 2 diagonals.
 *
 * @returns ndarray [intervals + degree, intervals + degree]
 * @throws NestkanError DEGREE_OUT_OF_RANGE, INTERVALS_OUT_OF_RANGE or DOMAIN_INVALID
 */
export function changeOfBasisMatrix(grid: SplineGrid): NdArray {
  return toNdArray(changeOfBasis(grid));
}

/**
 * P with g_coarse(x; u) = g_fine(x; P u) for all x: coefficients on `intervals` to coefficients on twice as many.
 *
 * @returns ndarray [2 · intervals + degree, intervals + degree]
 * @throws NestkanError DEGREE_OUT_OF_RANGE or INTERVALS_OUT_OF_RANGE
 */
export function prolongationMatrix(grid: { degree: number; intervals: number }): NdArray {
  return toNdArray(prolongation(grid));
}
