/** Choosing input and target columns of a table. */
import { NestkanError } from '../errors.ts';
import { type Dataset, leaveOut } from './dataset.ts';
import { type Column, list, type Table } from './table.ts';

export interface SelectionOptions {
  /** Names of the input columns; by default every column that is no target. */
  inputs?: readonly string[];
  /** Names of the target columns; none where there is only something to predict. */
  targets: readonly string[];
  /** What to do with rows that lack a number in a chosen column; default `refuse`. */
  badRows?: 'refuse' | 'skip';
}

/** How many lines or columns a message names. */
const NAMED = 5;

/**
 * The chosen columns as matrices.
 *
 * @throws DATA_UNKNOWN_COLUMN for a name that the table lacks; INVALID_ARGUMENT for a column chosen twice or no inputs;
 *   DATA_CATEGORICAL_COLUMN for a column mostly of words; DATA_MALFORMED for decimal commas; DATA_BAD_ROWS for rows
 *   without a number, unless they are to be skipped; DATA_TOO_FEW_ROWS when skipping leaves none
 */
export function selectColumns(table: Table, { inputs, targets, badRows = 'refuse' }: SelectionOptions): Dataset {
  const targetColumns = targets.map((name) => findColumn(table, name));
  const inputNames = inputs ?? table.columns.map(({ name }) => name).filter((name) => !targets.includes(name));
  const inputColumns = inputNames.map((name) => findColumn(table, name));
  const columns = [...inputColumns, ...targetColumns];
  checkChoice(inputNames, targets);
  for (const column of columns) checkNumeric(column, table, { inputs: inputColumns });
  const kept = completeRows(table, columns, badRows);
  return {
    inputs: inputNames,
    targets,
    rows: kept.length,
    x: gather(inputColumns, kept),
    y: gather(targetColumns, kept),
    lines: kept.map((row) => table.lines[row]),
    skipped: table.rows - kept.length,
  };
}

function findColumn(table: Table, name: string): Column {
  const column = table.columns.find((candidate) => candidate.name === name);
  if (column !== undefined) return column;
  const names = table.columns.map((candidate) => candidate.name);
  const closest = closestName(name, names);
  throw new NestkanError('DATA_UNKNOWN_COLUMN', `There is no column "${name}".`, {
    fix: `${closest === undefined ? 'Choose' : `Did you mean "${closest}"? Choose`} from: ${list(names, 20)}.`,
    where: { column: name, columns: names },
  });
}

function checkChoice(inputs: readonly string[], targets: readonly string[]): void {
  const twice = [...inputs, ...targets].find((name, index, all) => all.indexOf(name) !== index);
  if (twice !== undefined) {
    const both = inputs.includes(twice) && targets.includes(twice);
    throw new NestkanError(
      'INVALID_ARGUMENT',
      `Column "${twice}" is chosen ${both ? 'as input and as target' : 'twice'}.`,
      { fix: 'Name every column once.', where: { column: twice } },
    );
  }
  if (inputs.length === 0) {
    throw new NestkanError('INVALID_ARGUMENT', 'No input column is left.', {
      fix: 'Name at least one input column, or fewer targets.',
    });
  }
}

/** Refuses a column without numbers, and says how to do without it. */
function checkNumeric(column: Column, table: Table, chosen: { inputs: readonly Column[] }): void {
  const filled = table.rows - column.missing;
  const named = `Column "${column.name}"`;
  const where = { column: column.name };
  const usable = chosen.inputs.filter(({ values }) => values.some(Number.isFinite)).map(({ name }) => name);
  const without = chosen.inputs.includes(column) ? leaveOut(usable) : 'Choose another target.';
  if (filled === 0) {
    throw new NestkanError('DATA_BAD_ROWS', `${named} holds no value at all.`, { fix: without, where });
  }
  if (column.decimalCommas > 0) {
    const count = `${column.decimalCommas} ${column.decimalCommas === 1 ? 'number' : 'numbers'}`;
    throw new NestkanError('DATA_MALFORMED', `${named} holds ${count} with a comma (${list(column.examples)}).`, {
      fix: 'Write numbers with a decimal point and without separators of thousands.',
      where,
    });
  }
  if (2 * column.text > filled) {
    throw new NestkanError('DATA_CATEGORICAL_COLUMN', `${named} holds words, not numbers (${list(column.examples)}).`, {
      fix: `Encode it as numbers, for example one column of 0 and 1 per word. Or: ${without}`,
      where,
    });
  }
}

function completeRows(table: Table, columns: readonly Column[], badRows: 'refuse' | 'skip'): number[] {
  const kept: number[] = [];
  const bad: number[] = [];
  for (let row = 0; row < table.rows; row++) {
    (columns.every(({ values }) => !Number.isNaN(values[row])) ? kept : bad).push(row);
  }
  if (bad.length > 0 && badRows === 'refuse') throw badRowsError(table, columns, bad);
  if (kept.length === 0) {
    throw new NestkanError('DATA_TOO_FEW_ROWS', `None of the ${table.rows} rows has a number in every chosen column.`, {
      fix: 'Choose columns that are filled in.',
      where: { rows: table.rows },
    });
  }
  return kept;
}

function badRowsError(table: Table, columns: readonly Column[], bad: readonly number[]): NestkanError {
  const lines = bad.map((row) => table.lines[row]);
  const affected = columns.filter(({ values }) => bad.some((row) => Number.isNaN(values[row])));
  const names = affected.map(({ name }) => name);
  const examples = [...new Set(affected.flatMap((column) => column.examples))].map((cell) => `"${cell}"`);
  const rows = bad.length === 1 ? 'rows lacks' : 'rows lack';
  const found = examples.length === 0 ? '' : ` Found instead: ${list(examples, NAMED)}, or nothing.`;
  return new NestkanError(
    'DATA_BAD_ROWS',
    `${bad.length} of ${table.rows} ${rows} a finite number: ${bad.length === 1 ? 'line' : 'lines'} ${list(lines, NAMED)}, in ${list(names, NAMED)}.${found}`,
    {
      fix: 'Fill them in, or drop these rows with --skip-bad-rows.',
      where: { rows: bad.length, lines: lines.slice(0, NAMED), columns: names },
    },
  );
}

function gather(columns: readonly Column[], rows: readonly number[]): Float64Array {
  const matrix = new Float64Array(rows.length * columns.length);
  let next = 0;
  for (const row of rows) for (const { values } of columns) matrix[next++] = values[row];
  return matrix;
}

/** The name nearest in edit distance, if it is near enough to be what was meant. */
export function closestName(name: string, names: readonly string[]): string | undefined {
  const near = names
    .map((candidate) => ({ candidate, distance: editDistance(name.toLowerCase(), candidate.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance)[0];
  return near !== undefined && near.distance <= Math.max(1, name.length / 3) ? near.candidate : undefined;
}

/** Levenshtein distance, one row of the table at a time. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
    }
    row = next;
  }
  return row[b.length];
}
