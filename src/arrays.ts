import ndarray from 'ndarray';
import { NestkanError } from './errors.ts';

/**
 * The shape of an `ndarray` (npm package of that name), as the public API takes and returns it.
 *
 * Declared here so that TypeScript users need no further type package.
 */
export interface NdArray {
  readonly data: ArrayLike<number>;
  readonly shape: number[];
  readonly stride: number[];
  readonly offset: number;
  get(...indices: number[]): number;
}

/** A dense row-major matrix in float64. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly data: Float64Array;
}

/** Rows of numbers: a two-dimensional ndarray, a {@link Matrix}, or an array of equally long rows. */
export type Rows = NdArray | Matrix | readonly ArrayLike<number>[];

export function toNdArray({ rows, columns, data }: Matrix): NdArray {
  return ndarray(data, [rows, columns]) as NdArray;
}

/**
 * Copies rows of numbers into a matrix. `what` names them in errors.
 *
 * Throws DATA_EMPTY, SHAPE_MISMATCH for ragged rows, NON_FINITE_INPUT with the first bad row and column.
 */
export function toMatrix(source: Rows, what: string): Matrix {
  const matrix = Array.isArray(source)
    ? fromRows(source, what)
    : typeof source === 'object' && source !== null && 'rows' in source
      ? checkedMatrix(source, what)
      : fromNdArray(source as NdArray, what);
  if (matrix.rows === 0 || matrix.columns === 0) {
    throw new NestkanError('DATA_EMPTY', `${what} have ${matrix.rows} rows and ${matrix.columns} columns`, {
      fix: 'Give at least one row and one column.',
    });
  }
  const bad = matrix.data.findIndex((value) => !Number.isFinite(value));
  if (bad < 0) return matrix;
  const where = { row: Math.floor(bad / matrix.columns), column: bad % matrix.columns };
  throw new NestkanError(
    'NON_FINITE_INPUT',
    `${what}: row ${where.row}, column ${where.column} is ${matrix.data[bad]}`,
    {
      fix: 'Remove or repair rows that are not finite numbers.',
      where,
    },
  );
}

function checkedMatrix(source: Matrix, what: string): Matrix {
  if (source.data?.length === source.rows * source.columns) return source;
  throw new NestkanError(
    'SHAPE_MISMATCH',
    `${what}: ${source.rows} × ${source.columns} numbers are announced, ${source.data?.length} are there`,
    { fix: 'Give rows · columns numbers.' },
  );
}

function fromRows(source: readonly ArrayLike<number>[], what: string): Matrix {
  const columns = source[0]?.length ?? 0;
  const data = new Float64Array(source.length * columns);
  source.forEach((row, index) => {
    if (row?.length !== columns) {
      throw new NestkanError(
        'SHAPE_MISMATCH',
        `${what}: row ${index} has ${row?.length} numbers, row 0 has ${columns}`,
        {
          fix: 'Give rows of equal length.',
        },
      );
    }
    data.set(row, index * columns);
  });
  return { rows: source.length, columns, data };
}

function fromNdArray(source: NdArray, what: string): Matrix {
  if (source?.shape?.length !== 2 || typeof source.get !== 'function') {
    throw new NestkanError('SHAPE_MISMATCH', `${what} must be a two-dimensional ndarray or an array of rows`, {
      fix: 'Pass ndarray(data, [rows, columns]) or [[…], […]].',
    });
  }
  const [rows, columns] = source.shape;
  const data = new Float64Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) data[row * columns + column] = source.get(row, column);
  }
  return { rows, columns, data };
}
