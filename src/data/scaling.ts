/**
 * Affine scaling of inputs to a domain and of targets to mean 0 and variance 1.
 *
 * Scalings are plain data, made from training rows alone and stored in model files. Matrices are row-major.
 */
import { NestkanError } from '../errors.ts';
import { isConstant } from './dataset.ts';

/** Column j maps [min[j], max[j]] to the domain. */
export interface InputScaling {
  readonly domain: readonly [number, number];
  readonly min: readonly number[];
  readonly max: readonly number[];
}

/** Column j maps to (y - mean[j]) / deviation[j]. */
export interface TargetScaling {
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
}

/**
 * The scaling that takes every column of x [rows, columns] from its own range to the domain.
 *
 * @param names columns' names, for messages
 * @throws DATA_CONSTANT_COLUMN for a column of one value; NON_FINITE_INPUT for values, or a range, that are not finite
 */
export function fitInputScaling(
  x: ArrayLike<number>,
  names: readonly string[],
  domain: readonly [number, number] = [-1, 1],
): InputScaling {
  const columns = names.length;
  const min = new Array<number>(columns).fill(Infinity);
  const max = new Array<number>(columns).fill(-Infinity);
  checkMatrix(x, columns);
  for (let i = 0; i < x.length; i++) {
    const j = i % columns;
    checkFinite(x[i], names[j]);
    min[j] = Math.min(min[j], x[i]);
    max[j] = Math.max(max[j], x[i]);
  }
  names.forEach((name, j) => {
    checkFinite(max[j] - min[j], name);
    if (min[j] === max[j]) throw constantColumn(name, min[j]);
  });
  return { domain, min, max };
}

/** x [rows, columns] in the domain's units; the column's ends map to the domain's ends without rounding. */
export function scaleInputs({ domain: [a, b], min, max }: InputScaling, x: ArrayLike<number>): Float64Array {
  checkMatrix(x, min.length);
  return Float64Array.from(x, (value, i) => {
    const j = i % min.length;
    const t = (value - min[j]) / (max[j] - min[j]);
    return a * (1 - t) + b * t;
  });
}

/** The inverse of {@link scaleInputs}. */
export function unscaleInputs({ domain: [a, b], min, max }: InputScaling, x: ArrayLike<number>): Float64Array {
  checkMatrix(x, min.length);
  return Float64Array.from(x, (value, i) => {
    const j = i % min.length;
    const t = (value - a) / (b - a);
    return min[j] * (1 - t) + max[j] * t;
  });
}

/**
 * The scaling that gives every column of y [rows, columns] mean 0 and variance 1 (divided by rows, not rows - 1).
 *
 * @throws DATA_CONSTANT_COLUMN for a column of one value; NON_FINITE_INPUT for values, or a variance, that are not finite
 */
export function fitTargetScaling(y: ArrayLike<number>, names: readonly string[]): TargetScaling {
  const columns = names.length;
  checkMatrix(y, columns);
  const rows = y.length / columns;
  const mean = new Array<number>(columns).fill(0);
  const variance = new Array<number>(columns).fill(0);
  for (let i = 0; i < y.length; i++) {
    checkFinite(y[i], names[i % columns]);
    mean[i % columns] += y[i] / rows;
  }
  // A second pass: subtracting squares of the mean would cancel for targets far from zero.
  for (let i = 0; i < y.length; i++) variance[i % columns] += (y[i] - mean[i % columns]) ** 2 / rows;
  const deviation = variance.map(Math.sqrt);
  names.forEach((name, j) => {
    checkFinite(deviation[j], name);
    if (isConstant(y, j, columns) || deviation[j] === 0) throw constantColumn(name, y[j]);
  });
  return { mean, deviation };
}

/** y [rows, columns] in units of the deviation around the mean. */
export function scaleTargets({ mean, deviation }: TargetScaling, y: ArrayLike<number>): Float64Array {
  checkMatrix(y, mean.length);
  return Float64Array.from(y, (value, i) => (value - mean[i % mean.length]) / deviation[i % mean.length]);
}

/** The inverse of {@link scaleTargets}: predictions in the target's own units. */
export function unscaleTargets({ mean, deviation }: TargetScaling, y: ArrayLike<number>): Float64Array {
  checkMatrix(y, mean.length);
  return Float64Array.from(y, (value, i) => mean[i % mean.length] + deviation[i % mean.length] * value);
}

function checkMatrix(matrix: ArrayLike<number>, columns: number): void {
  if (columns > 0 && matrix.length > 0 && matrix.length % columns === 0) return;
  throw new NestkanError('SHAPE_MISMATCH', `${matrix.length} values do not fill rows of ${columns} columns.`, {
    fix: 'Pass a row-major matrix with one column per name and at least one row.',
    where: { length: matrix.length, columns },
  });
}

function checkFinite(value: number, name: string): void {
  if (Number.isFinite(value)) return;
  throw new NestkanError('NON_FINITE_INPUT', `Column "${name}" holds or spans more than a finite number (${value}).`, {
    fix: 'Drop the row, or scale the column down before passing it.',
    where: { column: name },
  });
}

function constantColumn(name: string, value: number): NestkanError {
  return new NestkanError('DATA_CONSTANT_COLUMN', `Column "${name}" is ${value} in every training row.`, {
    fix: 'Leave the column out, or pass rows in which it varies.',
    where: { column: name, value },
  });
}
