/** What users' functions and points may get wrong, named by term and point. */
import type { Matrix } from '../arrays.ts';
import { NestkanError } from '../errors.ts';
import type { Box } from './sampling.ts';

/** Rounding that a point may lie outside its range, relative to the range. */
const SLACK = 1e-9;

/** `x = 0.5, t = 1` */
export function pointInWords(box: Box, { data, columns }: Matrix, row: number): string {
  return box.map(([name], index) => `${name} = ${data[row * columns + index]}`).join(', ');
}

/** @throws NestkanError SHAPE_MISMATCH or DOMAIN_INVALID unless a sampler gave points of the box */
export function checkPoints(box: Box, points: Matrix): void {
  const { rows, columns, data } = points ?? {};
  if (columns !== box.length || !(rows >= 1) || data?.length !== rows * columns) {
    throw new NestkanError('SHAPE_MISMATCH', `${rows ?? 'no'} points of ${columns ?? 'no'} numbers`, {
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
 * @throws NestkanError NON_FINITE_INPUT that names the first point where one is not finite
 */
export function checkFinite(what: string, values: ArrayLike<number>, box: Box, points: Matrix): void {
  for (let index = 0; index < values.length; index++) {
    if (Number.isFinite(values[index])) continue;
    const row = index % points.rows;
    const { data, columns } = points;
    throw new NestkanError('NON_FINITE_INPUT', `${what} is ${values[index]} at ${pointInWords(box, points, row)}`, {
      fix: 'Check the functions given there, and keep points off their singularities.',
      where: { point: [...data.subarray(row * columns, (row + 1) * columns)] },
    });
  }
}
