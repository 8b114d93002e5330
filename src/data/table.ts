/**
 * Tables of numbers: named columns, and which cells of a file were no numbers.
 *
 * Knows no file format: a reader hands over header and cells as text. Choosing columns is in selection.ts.
 */
import { NestkanError } from '../errors.ts';

export interface Column {
  readonly name: string;
  /** One value per row; NaN where the cell holds no finite number. */
  readonly values: Float64Array;
  /** Cells that are empty or say so (NA, NaN, null, ?). */
  readonly missing: number;
  /** Cells that hold some other text. */
  readonly text: number;
  /** Cells such as `3,14`. */
  readonly decimalCommas: number;
  /** A few different non-numeric cells, for messages. */
  readonly examples: readonly string[];
}

export interface Table {
  readonly columns: readonly Column[];
  readonly rows: number;
  /** Where each row stands in its file, counted from 1; row numbers where there is no file. */
  readonly lines: readonly number[];
}

/** What a reader found: a header and the cells of each record, as text. */
export interface TableText {
  readonly header: readonly string[];
  readonly records: readonly (readonly string[])[];
  /** Line of each record in the file; by default the header is taken to be line 1. */
  readonly lines?: readonly number[];
}

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const DECIMAL_COMMA = /^[+-]?\d*,\d+(?:[eE][+-]?\d+)?$/;
const MISSING = new Set(['', '-', '?', 'na', 'n/a', '#n/a', 'nan', '+nan', '-nan', 'null', 'none', 'nil', 'missing']);
const NOT_FINITE = /^[+-]?(?:inf|infinity)$/i;
const EXAMPLES = 3;
/** Longer cells are cut in messages. */
const EXAMPLE_LENGTH = 24;

/**
 * Turns cells into numbers. Cells that hold none are kept as NaN and counted: only the columns that are used matter.
 *
 * @throws DATA_EMPTY without a header or without rows; DATA_MALFORMED for columns without a name or with the same name
 *   and for records whose length is not the header's
 */
export function createTable({ header, records, lines }: TableText): Table {
  const names = header.map((name) => name.trim());
  checkNames(names);
  if (records.length === 0) {
    throw new NestkanError('DATA_EMPTY', `The table has a header (${list(names)}) but no rows.`, {
      fix: 'Add rows of numbers below the header.',
    });
  }
  const rowLines = lines ?? records.map((_, row) => row + 2);
  checkLengths(names, records, rowLines);
  const columns = names.map((name, index) => createColumn(name, records, index));
  return { columns, rows: records.length, lines: rowLines };
}

/**
 * A table from numbers that are at hand already, one array per column name.
 *
 * @throws DATA_EMPTY without columns or rows; SHAPE_MISMATCH when the columns differ in length
 */
export function tableFromColumns(columns: Readonly<Record<string, ArrayLike<number>>>): Table {
  const names = Object.keys(columns);
  checkNames(names);
  const rows = columns[names[0]].length;
  for (const name of names) {
    if (columns[name].length === rows) continue;
    throw new NestkanError(
      'SHAPE_MISMATCH',
      `Column "${name}" has ${columns[name].length} values, column "${names[0]}" has ${rows}.`,
      { fix: 'Pass columns of one length.', where: { column: name } },
    );
  }
  if (rows === 0) throw new NestkanError('DATA_EMPTY', 'The columns are empty.', { fix: 'Pass at least one row.' });
  return {
    rows,
    lines: Array.from({ length: rows }, (_, row) => row + 1),
    columns: names.map((name) => {
      const values = Float64Array.from(columns[name], (value) => (Number.isFinite(value) ? value : NaN));
      return { name, values, missing: values.filter(Number.isNaN).length, text: 0, decimalCommas: 0, examples: [] };
    }),
  };
}

/** The number a cell holds, or NaN: decimal and exponent notation only, and nothing that overflows. */
export function parseNumber(cell: string): number {
  const value = NUMBER.test(cell) ? Number(cell) : NaN;
  return Number.isFinite(value) ? value : NaN;
}

/** `a, b, c and 4 more`, for messages. */
export function list(items: readonly (string | number)[], most = 8): string {
  if (items.length <= most) return items.join(', ');
  return `${items.slice(0, most).join(', ')} and ${items.length - most} more`;
}

function checkNames(names: readonly string[]): void {
  if (names.length === 0) {
    throw new NestkanError('DATA_EMPTY', 'The table has no columns.', {
      fix: 'Start with a line of column names, then one line of numbers per row.',
    });
  }
  const seen = new Map<string, number>();
  names.forEach((name, index) => {
    if (name === '') {
      throw new NestkanError('DATA_MALFORMED', `Column ${index + 1} of ${names.length} has no name.`, {
        fix: 'Give every column a name in the first line, or remove the column.',
        where: { column: index + 1 },
      });
    }
    if (seen.has(name)) {
      throw new NestkanError(
        'DATA_MALFORMED',
        `Columns ${seen.get(name)! + 1} and ${index + 1} are both named "${name}".`,
        { fix: 'Give every column a name of its own.', where: { column: name } },
      );
    }
    seen.set(name, index);
  });
  if (names.every((name) => NUMBER.test(name))) {
    throw new NestkanError('DATA_MALFORMED', `The first line holds numbers (${list(names)}), not column names.`, {
      fix: 'Put a line of column names on top.',
    });
  }
}

function checkLengths(
  names: readonly string[],
  records: readonly (readonly string[])[],
  lines: readonly number[],
): void {
  const ragged = records.findIndex((record) => record.length !== names.length);
  if (ragged === -1) return;
  const count = records[ragged].length;
  // 1,5,2,5 under a,b: what a decimal comma does to a file whose delimiter is a comma.
  const doubled = count === 2 * names.length;
  throw new NestkanError(
    'DATA_MALFORMED',
    `Line ${lines[ragged]} has ${count} ${count === 1 ? 'value' : 'values'}, the header has ${names.length} columns.`,
    {
      fix: doubled
        ? 'Write numbers with a decimal point (1.5, not 1,5), or separate columns by semicolons.'
        : 'Give every line one value per column, and quote values that hold the delimiter.',
      where: { line: lines[ragged] },
    },
  );
}

function createColumn(name: string, records: readonly (readonly string[])[], index: number): Column {
  const values = new Float64Array(records.length);
  const examples = new Set<string>();
  let missing = 0;
  let text = 0;
  let decimalCommas = 0;
  for (let row = 0; row < records.length; row++) {
    const cell = records[row][index].trim();
    values[row] = parseNumber(cell);
    if (!Number.isNaN(values[row])) continue;
    if (MISSING.has(cell.toLowerCase())) missing++;
    else if (DECIMAL_COMMA.test(cell)) decimalCommas++;
    // 1e999 and inf are bad numbers rather than words.
    else if (!NUMBER.test(cell) && !NOT_FINITE.test(cell)) text++;
    if (cell !== '' && examples.size < EXAMPLES) examples.add(shorten(cell));
  }
  return { name, values, missing, text, decimalCommas, examples: [...examples] };
}

function shorten(cell: string): string {
  return cell.length <= EXAMPLE_LENGTH ? cell : `${cell.slice(0, EXAMPLE_LENGTH)}…`;
}
