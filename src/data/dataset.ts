/** Rows of inputs and targets with their names, and refusing what no network can learn from. */
import { type Rows, toMatrix } from '../arrays.ts';
import { NestkanError } from '../errors.ts';

/** Rows of numbers without gaps. */
export interface Dataset {
  readonly inputs: readonly string[];
  readonly targets: readonly string[];
  readonly rows: number;
  /** Row-major, [rows, inputs]. */
  readonly x: Float64Array;
  /** Row-major, [rows, targets]. */
  readonly y: Float64Array;
  /** Where each row stands in its file. */
  readonly lines: readonly number[];
  /** How many rows were left out for lack of a number. */
  readonly skipped: number;
}

/**
 * Rows of numbers as a dataset.
 *
 * ```ts
 * const data = dataset({ inputs: [[0], [1], [2]], targets: [[0], [1], [4]], inputNames: ['x'], targetNames: ['y'] });
 * console.log(data.rows);
 * ```
 *
 * @throws NestkanError DATA_EMPTY, SHAPE_MISMATCH, NON_FINITE_INPUT
 */
export function dataset({
  inputs,
  targets,
  inputNames,
  targetNames,
}: {
  /** [rows, inputs] */
  inputs: Rows;
  /** [rows, targets] */
  targets: Rows;
  /** Default x1, x2, … */
  inputNames?: readonly string[];
  /** Default y1, y2, … */
  targetNames?: readonly string[];
}): Dataset {
  const x = toMatrix(inputs, 'inputs');
  const y = toMatrix(targets, 'targets');
  const names = (prefix: string, count: number) => Array.from({ length: count }, (_, index) => `${prefix}${index + 1}`);
  const data = {
    inputs: inputNames ?? names('x', x.columns),
    targets: targetNames ?? names('y', y.columns),
    rows: x.rows,
    x: x.data,
    y: y.data,
    lines: Array.from({ length: x.rows }, (_, row) => row + 1),
    skipped: 0,
  };
  if (y.rows === x.rows && data.inputs.length === x.columns && data.targets.length === y.columns) return data;
  throw new NestkanError(
    'SHAPE_MISMATCH',
    `inputs are ${x.rows} × ${x.columns} with ${data.inputs.length} names, targets ${y.rows} × ${y.columns} with ${data.targets.length}`,
    {
      fix: 'Give as many rows of targets as of inputs, and one name per column.',
    },
  );
}

/**
 * Refuses data that nothing can be learnt from.
 *
 * @throws DATA_TOO_FEW_ROWS below `rows` (default 2) rows; DATA_CONSTANT_COLUMN for an input or target of one value
 */
export function checkTrainable(data: Dataset, { rows = 2 }: { rows?: number } = {}): void {
  if (data.rows < rows) {
    throw new NestkanError('DATA_TOO_FEW_ROWS', `There ${countRows(data.rows)}; at least ${rows} are needed.`, {
      fix: data.skipped > 0 ? 'Fill in the rows that were skipped, or add rows.' : 'Add rows.',
      where: { rows: data.rows, skipped: data.skipped },
    });
  }
  data.inputs.forEach((name, index) => {
    if (!isConstant(data.x, index, data.inputs.length)) return;
    const others = data.inputs.filter((other) => other !== name);
    throw constantColumn('Input', name, data.x[index], leaveOut(others));
  });
  data.targets.forEach((name, index) => {
    if (!isConstant(data.y, index, data.targets.length)) return;
    throw constantColumn('Target', name, data.y[index], 'Choose a target that varies.');
  });
}

/** The rows with the given indices, in that order. */
export function takeRows(data: Dataset, rows: ArrayLike<number>): Dataset {
  const indices = Array.from(rows);
  return {
    ...data,
    rows: indices.length,
    x: takeMatrixRows(data.x, data.inputs.length, indices),
    y: takeMatrixRows(data.y, data.targets.length, indices),
    lines: indices.map((row) => data.lines[row]),
  };
}

function takeMatrixRows(matrix: Float64Array, width: number, rows: readonly number[]): Float64Array {
  const taken = new Float64Array(rows.length * width);
  rows.forEach((row, index) => {
    taken.set(matrix.subarray(row * width, (row + 1) * width), index * width);
  });
  return taken;
}

/** Whether a column of a row-major matrix holds one value only. */
export function isConstant(matrix: ArrayLike<number>, column: number, columns: number): boolean {
  for (let i = column + columns; i < matrix.length; i += columns) if (matrix[i] !== matrix[column]) return false;
  return true;
}

/** How to do without a column. */
export function leaveOut(names: readonly string[]): string {
  return `Leave it out by naming the inputs: --inputs ${names.length === 0 ? 'COLUMN,…' : names.join(',')}`;
}

function constantColumn(role: string, name: string, value: number, fix: string): NestkanError {
  return new NestkanError('DATA_CONSTANT_COLUMN', `${role} column "${name}" is ${value} in every row.`, {
    fix,
    where: { column: name, value },
  });
}

function countRows(rows: number): string {
  return rows === 1 ? 'is 1 row' : `are ${rows} rows`;
}
