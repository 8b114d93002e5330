/** What users' functions and points may get wrong, named by term and point. */
import type { Matrix } from '../arrays.ts';
import { isNestkanError, NestkanError } from '../errors.ts';
import type { Box } from './sampling.ts';

/** Rounding that a point may lie outside its range, relative to the range. */
const SLACK = 1e-9;

/** The largest number of float32, (2 − 2⁻²³) · 2¹²⁷: WGSL has no literal beyond it. */
export const LARGEST_FLOAT32 = (2 - 2 ** -23) * 2 ** 127;

/**
 * What a user's function returns. What it throws says that it comes from there: errors of this library keep their code
 * and what to do, all others become INVALID_ARGUMENT.
 */
export function named<Result>(
  what: string,
  { fix, where }: { fix: string; where?: Record<string, unknown> },
  work: () => Result,
): Result {
  try {
    return work();
  } catch (cause) {
    if (isNestkanError(cause)) {
      const details = { fix: cause.fix, where: { ...cause.where, ...where }, cause };
      throw new NestkanError(cause.code, `${what}: ${cause.message}`, details);
    }
    throw new NestkanError('INVALID_ARGUMENT', `${what}: ${reasonOf(cause)}`, { fix, where, cause });
  }
}

/** `TypeError: f is not a function`; what was thrown may be no error. */
export function reasonOf(thrown: unknown): string {
  return thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : `it threw ${String(thrown)}`;
}

/** Values of a user's function at points, one after the other; see {@link named} for what it throws. */
export function valuesAt(
  what: string,
  f: (...coordinates: number[]) => number,
  box: Box,
  points: Matrix,
): Float64Array {
  const { rows, columns, data } = points;
  const values = new Float64Array(rows);
  let row = 0;
  const point = () => data.subarray(row * columns, (row + 1) * columns);
  try {
    for (; row < rows; row++) values[row] = f(...point());
  } catch (cause) {
    const place = `${what}, at ${pointInWords(box, points, row)}`;
    const fix = 'Give a function that returns a number at every point.';
    return named(place, { fix, where: { point: [...point()] } }, () => {
      throw cause;
    });
  }
  return values;
}

/** `x = 0.5, t = 1` */
export function pointInWords(box: Box, { data, columns }: Pick<Matrix, 'data' | 'columns'>, row = 0): string {
  return box.map(([name], index) => `${name} = ${data[row * columns + index]}`).join(', ');
}

/** @throws NestkanError SHAPE_MISMATCH or DOMAIN_INVALID unless a sampler gave points of the box */
export function checkPoints(box: Box, points: Matrix): void {
  const { rows, columns, data } = points ?? {};
  if (columns !== box.length || !(rows >= 1) || data?.length !== rows * columns) {
    const isMatrix = Number.isInteger(rows) && Number.isInteger(columns) && data?.length === rows * columns;
    const none = isMatrix && rows === 0 ? 'there are none' : `${rows} points of ${columns} numbers`;
    throw new NestkanError('SHAPE_MISMATCH', isMatrix ? none : 'a sampler gave no matrix { rows, columns, data }', {
      fix: `Give at least one point, with a number for each of: ${box.map(([name]) => name).join(', ')}.`,
    });
  }
  for (let row = 0; row < rows; row++) {
    const outside = box.some(([, start, end], index) => {
      const value = data[row * columns + index];
      const slack = SLACK * (end - start);
      return !(value >= start - slack && value <= end + slack);
    });
    if (!outside) continue;
    const point = pointInWords(box, points, row);
    throw new NestkanError('DOMAIN_INVALID', `${point} is outside the inputs' ranges`, {
      fix: `Stay within ${box.map(([name, start, end]) => `${name} in [${start}, ${end}]`).join(', ')}.`,
      where: { point: [...data.subarray(row * columns, (row + 1) * columns)] },
    });
  }
}

/**
 * @param values [anything, rows]: whatever was computed from the points, row by row
 * @param largest what the device can hold
 * @throws NestkanError NON_FINITE_INPUT that names the first point where one is not finite
 */
export function checkFinite(
  what: string,
  values: ArrayLike<number>,
  { box, points, term, largest = Number.MAX_VALUE }: { box: Box; points: Matrix; term?: string; largest?: number },
): void {
  for (let index = 0; index < values.length; index++) {
    if (Math.abs(values[index]) <= largest) continue;
    const row = index % points.rows;
    const { data, columns } = points;
    const point = [...data.subarray(row * columns, (row + 1) * columns)];
    throw new NestkanError('NON_FINITE_INPUT', `${what} is ${values[index]} at ${pointInWords(box, points, row)}`, {
      fix: `Check the functions given there, and keep points off their singularities; numbers end at ${largest.toPrecision(2)}.`,
      where: term === undefined ? { point } : { term, point },
    });
  }
}
