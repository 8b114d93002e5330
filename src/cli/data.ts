/** From a file's path to rows of numbers: what every command that takes a table shares. */
import { realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { Command } from 'commander';
import {
  checkTrainable,
  checkWritable,
  createTable,
  type Dataset,
  NestkanError,
  readFile,
  selectColumns,
  splitRows,
  type Table,
  takeRows,
} from '../node.ts';
import { type CsvText, parseCsv } from './csv.ts';
import { fraction, nameList } from './options.ts';
import type { Terminal } from './terminal.ts';

export interface DataOptions {
  target?: string[];
  inputs?: string[];
  testFraction?: number;
  skipBadRows?: true;
}

export interface TableFile {
  readonly path: string;
  readonly csv: CsvText;
  readonly table: Table;
}

/** Rows to train on, and rows that training never sees; none where the fraction is 0. */
export interface TrainingData {
  readonly all: Dataset;
  readonly train: Dataset;
  readonly test?: Dataset;
}

export const TEST_FRACTION = 0.2;

/** --target, --inputs, --test-fraction, --skip-bad-rows. */
export function addDataOptions(command: Command): Command {
  return addSkipBadRows(
    command
      .option('--target <columns>', 'columns to be learnt, separated by commas', nameList('--target'))
      .option('--inputs <columns>', 'columns to learn from (default: all others)', nameList('--inputs'))
      .option(
        '--test-fraction <share>',
        `share of the rows that is kept for testing (default: ${TEST_FRACTION})`,
        fraction('--test-fraction'),
      ),
  );
}

export function addSkipBadRows(command: Command): Command {
  return command.option('--skip-bad-rows', 'drop rows that lack a number instead of refusing the table');
}

export async function readTable(path: string): Promise<TableFile> {
  const csv = parseCsv(await readFile(path));
  return { path, csv, table: createTable(csv) };
}

/** @throws INVALID_ARGUMENT without a target, and what selectColumns, checkTrainable and splitRows throw */
export function chooseRows(
  { path, table }: TableFile,
  { target, inputs, skipBadRows, testFraction = TEST_FRACTION, seed }: DataOptions & { seed: number },
  { say }: Terminal,
): TrainingData {
  if (target === undefined) {
    throw new NestkanError('INVALID_ARGUMENT', 'No target column is named.', {
      fix: `Pass --target with one of: ${table.columns.map(({ name }) => name).join(', ')}.`,
    });
  }
  const all = selectColumns(table, { targets: target, inputs, badRows: skipBadRows ? 'skip' : 'refuse' });
  checkTrainable(all);
  const split = splitRows(all.rows, { test: testFraction, seed });
  const test = split.test.length > 0 ? takeRows(all, split.test) : undefined;
  const train = takeRows(all, split.train);
  const skipped = all.skipped > 0 ? ` (${skippedRows(all.skipped)})` : '';
  say(`data      ${path}: ${train.rows} rows to train on, ${test?.rows ?? 0} to test${skipped}`);
  return { all, train, test };
}

export function skippedRows(count: number): string {
  return `${count} bad ${count === 1 ? 'row' : 'rows'} left out`;
}

/**
 * Refuses outputs that could not be written, or that would take the place of an input or of each other, before any
 * work is done.
 *
 * @param inputs paths of what is read, by what they are
 * @param outputs paths of what is to be written, by their options
 * @throws FILE_NOT_WRITABLE; INVALID_ARGUMENT where two are one file
 */
export async function checkOutputs(
  inputs: Readonly<Record<string, string>>,
  outputs: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  const taken = new Map<string, string>();
  for (const [what, path] of Object.entries(inputs)) taken.set(await identity(path), what);
  for (const [option, path] of Object.entries(outputs)) {
    if (path === undefined) continue;
    await checkWritable(path);
    const file = await identity(path);
    const other = taken.get(file);
    if (other !== undefined) {
      throw new NestkanError('INVALID_ARGUMENT', `${option} ${path} is the same file as ${other}.`, {
        fix: `Pass ${option} with another path.`,
        where: { path },
      });
    }
    taken.set(file, option);
  }
}

/** One name for every way to write a path, whether or not the file exists. */
async function identity(path: string): Promise<string> {
  const full = resolve(path);
  return realpath(full).catch(async () =>
    join(await realpath(dirname(full)).catch(() => dirname(full)), basename(full)),
  );
}
