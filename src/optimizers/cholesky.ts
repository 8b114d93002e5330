import { Faster } from '../kernels/faster.ts';
import type { TileProducts } from './cholesky-simd.ts';

const simd = new Faster<TileProducts>(async () => (await import('./cholesky-simd.ts')).openTileProducts());

/** Has factors made in WebAssembly from then on, the same in every bit. */
export const prepareFactors = simd.prepare;

/**
 * Cholesky's factor of matrix + shift · identity: lower triangular, row by row, in `factor` [size, size].
 *
 * Tiles of 4 × 4 entries are made together, from rows that lie one after the other in memory, which is several times
 * faster than one entry at a time. Only the lower triangle of `matrix` is read, and of `factor` written.
 *
 * @param matrix symmetric, [size, size]
 * @returns false where the matrix is not positive definite in float64
 */
export function factorise(matrix: Float64Array, size: number, shift: number, factor: Float64Array): boolean {
  return factoriseWith(simd.way, matrix, size, shift, factor);
}

/** With products made by `simd`, or in TypeScript without it. */
export function factoriseWith(
  simd: TileProducts | undefined,
  matrix: Float64Array,
  size: number,
  shift: number,
  factor: Float64Array,
): boolean {
  const tiles = simd?.start(size);
  const sums = tiles?.sums ?? new Float64Array(TILE * TILE);
  for (let top = 0; top < size; top += TILE) {
    const rows = Math.min(TILE, size - top);
    for (let left = 0; left <= top; left += TILE) {
      const columns = Math.min(TILE, size - left);
      if (rows < TILE) edgeProducts(factor, top * size, left * size, left, size, rows, columns, sums);
      else if (tiles) tiles.products(top, left);
      else tileProducts(factor, top * size, left * size, left, size, sums);
      for (let r = 0; r < rows; r++) {
        const i = top + r;
        for (let c = 0; c < columns && left + c <= i; c++) {
          const j = left + c;
          let value = matrix[i * size + j] - sums[r * TILE + c];
          for (let k = left; k < j; k++) value -= factor[i * size + k] * factor[j * size + k];
          if (i > j) {
            factor[i * size + j] = value / factor[j * size + j];
            continue;
          }
          value += shift;
          if (!(value > 0)) return false;
          factor[i * size + i] = Math.sqrt(value);
        }
      }
      if (rows === TILE && left < top) tiles?.keep(factor, top, left);
    }
  }
  return true;
}

const TILE = 4;

/** sums[r, c] = Σ_{k < count} factor[top + r, k] factor[left + c, k]; `top` and `left` are where those rows begin. */
function tileProducts(
  factor: Float64Array,
  top: number,
  left: number,
  count: number,
  stride: number,
  sums: Float64Array,
): void {
  let s00 = 0;
  let s01 = 0;
  let s02 = 0;
  let s03 = 0;
  let s10 = 0;
  let s11 = 0;
  let s12 = 0;
  let s13 = 0;
  let s20 = 0;
  let s21 = 0;
  let s22 = 0;
  let s23 = 0;
  let s30 = 0;
  let s31 = 0;
  let s32 = 0;
  let s33 = 0;
  for (let k = 0; k < count; k++) {
    const a0 = factor[top + k];
    const a1 = factor[top + stride + k];
    const a2 = factor[top + 2 * stride + k];
    const a3 = factor[top + 3 * stride + k];
    const b0 = factor[left + k];
    const b1 = factor[left + stride + k];
    const b2 = factor[left + 2 * stride + k];
    const b3 = factor[left + 3 * stride + k];
    s00 += a0 * b0;
    s01 += a0 * b1;
    s02 += a0 * b2;
    s03 += a0 * b3;
    s10 += a1 * b0;
    s11 += a1 * b1;
    s12 += a1 * b2;
    s13 += a1 * b3;
    s20 += a2 * b0;
    s21 += a2 * b1;
    s22 += a2 * b2;
    s23 += a2 * b3;
    s30 += a3 * b0;
    s31 += a3 * b1;
    s32 += a3 * b2;
    s33 += a3 * b3;
  }
  sums[0] = s00;
  sums[1] = s01;
  sums[2] = s02;
  sums[3] = s03;
  sums[4] = s10;
  sums[5] = s11;
  sums[6] = s12;
  sums[7] = s13;
  sums[8] = s20;
  sums[9] = s21;
  sums[10] = s22;
  sums[11] = s23;
  sums[12] = s30;
  sums[13] = s31;
  sums[14] = s32;
  sums[15] = s33;
}

/** The same for the tiles that the matrix cuts off. */
function edgeProducts(
  factor: Float64Array,
  top: number,
  left: number,
  count: number,
  stride: number,
  rows: number,
  columns: number,
  sums: Float64Array,
): void {
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) {
      let sum = 0;
      for (let k = 0; k < count; k++) sum += factor[top + r * stride + k] * factor[left + c * stride + k];
      sums[r * TILE + c] = sum;
    }
  }
}

/** Solves factor factorᵀ x = right in place of `right`. */
export function solveFactorised(factor: Float64Array, size: number, right: Float64Array): void {
  for (let i = 0; i < size; i++) {
    let value = right[i];
    for (let k = 0; k < i; k++) value -= factor[i * size + k] * right[k];
    right[i] = value / factor[i * size + i];
  }
  for (let i = size - 1; i >= 0; i--) {
    const value = right[i] / factor[i * size + i];
    right[i] = value;
    for (let k = 0; k < i; k++) right[k] -= factor[i * size + k] * value;
  }
}
