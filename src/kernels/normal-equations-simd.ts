/** The reference of the normal matrix (src/kernels/normal-equations.ts) in WebAssembly, the same in every bit. */
import type { HostArray } from './kernel.ts';
import module from './normal-equations-simd.wat';
import { BYTES, openModule, type SimdModule } from './simd-module.ts';

interface Functions {
  /** Places are in bytes; what it does stands in the module. */
  add(
    values: number,
    columns: number,
    weights: number,
    count: number,
    slots: number,
    top: number,
    bottom: number,
    rowPlaces: number,
  ): void;
}

/** Samples that are worked on at once, strip after strip, so that a strip's rows stay in the cache. */
const BLOCK = 128;

/**
 * Samples `start` to `start` + `count` − 1, whose rows are the first ones of values and columns, and slots strips[i] to
 * strips[i + 1] − 1 for all i.
 */
export type AddStrips = (
  buffers: Readonly<Record<'values' | 'columns' | 'weights' | 'matrix', HostArray>>,
  sizes: Readonly<Record<'start' | 'count' | 'slots' | 'size' | 'factor', number>>,
  strips: readonly number[],
) => void;

export function openAddStrips(): AddStrips | undefined {
  const opened = openModule<Functions>(module);
  return opened && ((buffers, sizes, strips) => addStrips(opened, buffers, sizes, strips));
}

function addStrips(
  module: SimdModule<Functions>,
  { values, columns, weights, matrix }: Parameters<AddStrips>[0],
  { start, count, slots, size, factor }: Parameters<AddStrips>[1],
  strips: readonly number[],
): void {
  const rows = rowsOf(columns, { count, slots, size }, strips[0], strips[strips.length - 1]);
  const places = module.places({
    values: BLOCK * slots,
    columns: BLOCK * slots,
    weights: BLOCK,
    rowPlaces: size,
    rows: rows.length * size,
  });
  const { floats, words, functions } = module;
  rows.forEach((row, index) => {
    const place = places.rows + index * size;
    floats.set(matrix.subarray(row * size, (row + 1) * size), place);
    words[2 * places.rowPlaces + row] = BYTES * place;
  });
  for (let first = 0; first < count; first += BLOCK) {
    const samples = Math.min(BLOCK, count - first);
    const [from, to] = [first * slots, (first + samples) * slots];
    floats.set(values.subarray(from, to), places.values);
    words.set(columns.subarray(from, to), 2 * places.columns);
    for (let s = 0; s < samples; s++) floats[places.weights + s] = factor * weights[start + first + s];
    for (let strip = 0; strip + 1 < strips.length; strip++) {
      functions.add(
        BYTES * places.values,
        BYTES * places.columns,
        BYTES * places.weights,
        samples,
        slots,
        strips[strip],
        strips[strip + 1],
        BYTES * places.rowPlaces,
      );
    }
  }
  rows.forEach((row, index) => {
    const place = places.rows + index * size;
    matrix.set(floats.subarray(place, place + size), row * size);
  });
}

/** Rows of the matrix that slots `top` to `bottom` − 1 of any sample touch. */
function rowsOf(
  columns: HostArray,
  { count, slots, size }: Readonly<Record<'count' | 'slots' | 'size', number>>,
  top: number,
  bottom: number,
): number[] {
  const touched = new Uint8Array(size);
  for (let s = 0; s < count; s++) {
    for (let at = s * slots + top; at < s * slots + bottom; at++) touched[columns[at]] = 1;
  }
  const rows: number[] = [];
  for (let row = 0; row < size; row++) if (touched[row]) rows.push(row);
  return rows;
}
