/**
 * The normal matrix from the compact rows of a Jacobian (src/kernels/jacobian-rows.ts).
 *
 * Source: docs/mathematics.md, "Gauss–Newton on local support".
 */
import normalMatrixWgsl from '../../shaders/normal-matrix.wgsl';
import { Faster } from './faster.ts';
import { rowElements } from './jacobian-rows.ts';
import { ceilDiv, defineKernel, type HostArray } from './kernel.ts';
import type { AddStrips } from './normal-equations-simd.ts';

/** Products per entry of the matrix from which on copying it to WebAssembly and back is worth while. */
const COPYING = 30;

const simd = new Faster<AddStrips>(async () => (await import('./normal-equations-simd.ts')).openAddStrips());

/** Slots along one side of a workgroup's block; WGSL has the same number. */
const BLOCK = 8;

/**
 * matrix += Σ_s weight_s a_s a_sᵀ over the samples of a chunk, a_s the sum of the rows of the sample's traces, weight_s =
 * factor · weights[s]; matrix [tiles, size, size], each tile with a share of the samples.
 *
 * Of the two entries (i, j) and (j, i) only the one whose slots are in order is added to, and on the diagonal of slots
 * only once per pair of traces: the symmetric matrix has the sum of both off its diagonal. `rest` is what rounding cuts
 * off `matrix`: matrix + rest has the accuracy of about twice the digits. One thread per pair of slots and tile, in fixed
 * order. The cost does not depend on `size`.
 */
export const normalMatrix = defineKernel({
  name: 'normal-matrix',
  wgsl: normalMatrixWgsl,
  bindings: {
    values: 'read',
    columns: 'read:uint',
    weights: 'read',
    counter: 'read:uint',
    matrix: 'update',
    rest: 'update',
  },
  constants: ['samples', 'traces', 'chunk', 'slots', 'size', 'tiles', 'factor'],
  lengths(constants) {
    const { samples, size, tiles } = constants;
    const rows = rowElements(constants);
    const entries = tiles * size * size;
    return { values: rows, columns: rows, weights: samples, counter: 1, matrix: entries, rest: entries };
  },
  workgroups: ({ slots, tiles }) => [ceilDiv(slots, BLOCK), ceilDiv(slots, BLOCK), tiles],
  flops: ({ traces, chunk, slots }) => 2 * chunk * (traces * slots) ** 2,
  parts: ({ slots }) => ceilDiv(slots, STRIP),
  prepare: simd.prepare,
  reference({ values, columns, weights, counter, matrix }, constants, first, end) {
    const { samples, traces, chunk, slots, size, tiles, factor } = constants;
    const start = counter[0] * chunk;
    const count = Math.min(chunk, samples - start);
    const share = ceilDiv(chunk, tiles);
    const rows = { values, columns, matrix, size, slots };
    // The first tile is the one that may be cut off: only there are rows added one at a time.
    const topOf = (strip: number) => strip * STRIP - (-slots & (TILE - 1));
    if (simd.way && traces === 1 && tiles === 1 && count * slots ** 2 > COPYING * size ** 2) {
      const strips = Array.from({ length: end - first + 1 }, (_, i) => Math.min(Math.max(topOf(first + i), 0), slots));
      simd.way({ values, columns, weights, matrix }, { start, count, slots, size, factor }, strips);
      return;
    }
    for (let strip = first; strip < end; strip++) {
      const top = topOf(strip);
      for (let left = 0; left < traces; left++) {
        for (let right = 0; right < traces; right++) {
          for (let s = 0; s < count; s++) {
            const from = (left * chunk + s) * slots;
            const to = (right * chunk + s) * slots;
            const base = Math.floor(s / share) * size * size;
            addStrip(rows, { from, to, base, weight: factor * weights[start + s] }, top);
          }
        }
      }
    }
  },
});

/** Slots whose rows of the matrix are added to together. */
const TILE = 4;

/**
 * Slots that the reference takes through all samples at once: few enough for the part of the matrix that they touch to
 * stay in the cache, and enough for the rows not to be fetched too often.
 */
const STRIP = 32;

interface Rows {
  readonly values: HostArray;
  readonly columns: HostArray;
  readonly matrix: HostArray;
  readonly size: number;
  readonly slots: number;
}

/** A sample's rows for two traces, by where they begin; the matrix begins at `base`. */
interface Pair {
  readonly from: number;
  readonly to: number;
  readonly base: number;
  readonly weight: number;
}

/** Slots a of a strip of the one row by slots b >= a of the other. */
function addStrip(rows: Rows, pair: Pair, top: number): void {
  const { slots } = rows;
  const bottom = Math.min(top + STRIP, slots);
  for (let a = top; a < bottom; a += TILE) {
    if (a < 0) addTriangle(rows, pair, 0, a + TILE, slots);
    else {
      addTriangle(rows, pair, a, a + TILE, a + TILE);
      addTiles(rows, pair, a);
    }
  }
}

/** Slots a … a + 3 of the one row by the slots after them of the other, a multiple of four, four at a time. */
function addTiles({ values, columns, matrix, size, slots }: Rows, { from, to, base, weight }: Pair, a: number): void {
  const at = from + a;
  const v0 = weight * values[at];
  const v1 = weight * values[at + 1];
  const v2 = weight * values[at + 2];
  const v3 = weight * values[at + 3];
  const row0 = base + columns[at] * size;
  const row1 = base + columns[at + 1] * size;
  const row2 = base + columns[at + 2] * size;
  const row3 = base + columns[at + 3] * size;
  for (let b = to + a + TILE; b < to + slots; b += TILE) {
    const x0 = values[b];
    const x1 = values[b + 1];
    const x2 = values[b + 2];
    const x3 = values[b + 3];
    const c0 = columns[b];
    const c1 = columns[b + 1];
    const c2 = columns[b + 2];
    const c3 = columns[b + 3];
    matrix[row0 + c0] += v0 * x0;
    matrix[row1 + c0] += v1 * x0;
    matrix[row2 + c0] += v2 * x0;
    matrix[row3 + c0] += v3 * x0;
    matrix[row0 + c1] += v0 * x1;
    matrix[row1 + c1] += v1 * x1;
    matrix[row2 + c1] += v2 * x1;
    matrix[row3 + c1] += v3 * x1;
    matrix[row0 + c2] += v0 * x2;
    matrix[row1 + c2] += v1 * x2;
    matrix[row2 + c2] += v2 * x2;
    matrix[row3 + c2] += v3 * x2;
    matrix[row0 + c3] += v0 * x3;
    matrix[row1 + c3] += v1 * x3;
    matrix[row2 + c3] += v2 * x3;
    matrix[row3 + c3] += v3 * x3;
  }
}

/**
 * Slots a = top … bottom − 1 of the one row by slots b = a … end − 1 of the other. A slot meets itself once per pair of
 * traces, where the rows of the two are `from` and `to` for the first time; the entry on the matrix's diagonal then stands
 * for both orders.
 */
function addTriangle(
  { values, columns, matrix, size }: Rows,
  { from, to, base, weight }: Pair,
  top: number,
  bottom: number,
  end: number,
): void {
  for (let a = top; a < bottom; a++) {
    const value = weight * values[from + a];
    const column = columns[from + a];
    const row = base + column * size;
    const other = columns[to + a];
    if (from <= to) matrix[row + other] += (from < to && other === column ? 2 : 1) * value * values[to + a];
    for (let b = to + a + 1; b < to + end; b++) matrix[row + columns[b]] += value * values[b];
  }
}
