/** `nestkan predict`: a model and a table in; the table with predictions out. */
import type { Command } from 'commander';
import {
  type Backend,
  type Dataset,
  decodeModel,
  FittedModel,
  NestkanError,
  readFile,
  selectColumns,
  writeFileAtomically,
} from '../node.ts';
import { formatCount } from '../report/format.ts';
import { formatCsv } from './csv.ts';
import { addSkipBadRows, checkOutputs, readTable, skippedRows, type TableFile } from './data.ts';
import { type DeviceDocument, describeDevice, withBackend } from './device.ts';
import { type Score, scoreInWords, scoreOf } from './score.ts';
import { addCommonOptions, type CommonOptions, type Shell } from './shell.ts';

interface Options extends CommonOptions {
  out?: string;
  skipBadRows?: true;
}

interface PredictDocument {
  command: 'predict';
  device: DeviceDocument;
  inputs: readonly string[];
  targets: readonly string[];
  rows: number;
  skippedRows: number;
  /** Rows with an input outside the range that the model was fitted on: it goes on in straight lines there. */
  extrapolatedRows: number;
  /** Rows whose actual targets are known: the errors are over them, and null where there are none. */
  comparedRows: number;
  mse: number | null;
  rmse: number | null;
  r2: number | null;
  /** By target, where there are several. */
  errors?: Score['targets'];
  out: string | null;
  /** By target, and the rows' lines in the table; only where no file was asked for. */
  predictions?: Record<string, readonly number[]>;
  lines?: readonly number[];
}

/** Predictions, row-major [rows, targets], for the rows that could be used. */
interface Predicted {
  readonly rows: Dataset;
  /** Their places in the table. */
  readonly kept: readonly number[];
  readonly values: Float64Array;
}

export function definePredict(program: Command, shell: Shell): void {
  const command = program
    .command('predict')
    .argument('<model>', 'file that nestkan fit --out wrote')
    .argument('<data.csv>', "table with the model's input columns");
  addSkipBadRows(addCommonOptions(command))
    .option('--out <file>', 'write the table to this file instead of standard output')
    .description('add a column of predictions per target to a CSV file')
    .action((model: string, data: string, options: Options) => run({ model, data }, options, shell));
}

async function run(paths: { model: string; data: string }, options: Options, shell: Shell): Promise<void> {
  const { out } = options;
  await checkOutputs({ 'the model': paths.model, 'the table': paths.data }, { '--out': out });
  const bytes = await readFile(paths.model);
  const file = await readTable(paths.data);
  await withBackend(options, shell.terminal, async (backend) => {
    const model = await openModel(bytes, paths.model, backend);
    const predicted = await predict(model, file, options);
    const score = compare(model, file, predicted);
    const document: PredictDocument = {
      command: 'predict',
      device: describeDevice(backend),
      inputs: model.units.inputs,
      targets: model.units.targets,
      rows: predicted.rows.rows,
      skippedRows: predicted.rows.skipped,
      extrapolatedRows: countOutside(model, predicted),
      comparedRows: score?.rows ?? 0,
      mse: score?.mse ?? null,
      rmse: score?.rmse ?? null,
      r2: score?.r2 ?? null,
      errors: score?.targets,
      out: out ?? null,
      ...(out === undefined && listed(model, predicted)),
    };
    if (out !== undefined) await writeFileAtomically(out, withPredictions(file, model, predicted));
    else if (!shell.json) process.stdout.write(withPredictions(file, model, predicted));
    shell.terminal.say(render(document, score));
    shell.print(document);
  });
}

async function openModel(bytes: Uint8Array, path: string, backend: Backend): Promise<FittedModel> {
  const model = await decodeModel(bytes, backend);
  if (model instanceof FittedModel) return model;
  throw new NestkanError('MODEL_FILE_INVALID', `${path} holds a network without the names and units of its columns.`, {
    fix: 'Use a file that nestkan fit --out wrote, or encodeModel on a FittedModel.',
    where: { path },
  });
}

async function predict(model: FittedModel, file: TableFile, { skipBadRows }: Options): Promise<Predicted> {
  const { inputs, targets } = model.units;
  checkColumns(model, file);
  const rows = selectInputs(file, inputs, skipBadRows ? 'skip' : 'refuse');
  const { data: values } = await model.evaluate({ rows: rows.rows, columns: inputs.length, data: rows.x });
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad === -1) return { rows, kept: keptRows(file, inputs), values };
  const line = rows.lines[Math.floor(bad / targets.length)];
  throw new NestkanError('NON_FINITE_INPUT', `The prediction for line ${line} is not a finite number.`, {
    fix: 'Correct or remove the row: its inputs are too far from what the model was fitted on.',
    where: { line },
  });
}

/** Refuses a table that lacks an input, or already has what is to be added. */
function checkColumns({ units }: FittedModel, { path, csv: { header } }: TableFile): void {
  const missing = units.inputs.filter((name) => !header.includes(name));
  if (missing.length > 0) {
    const [column, ...more] = missing;
    const others = more.length > 0 ? ` and ${more.length} more` : '';
    throw new NestkanError(
      'DATA_UNKNOWN_COLUMN',
      `${path} has no column "${column}"${others}; the model takes ${units.inputs.join(', ')}.`,
      { fix: `Add or rename columns; the table has ${header.join(', ')}.`, where: { missing, columns: header } },
    );
  }
  const taken = units.targets.map(columnOf).find((name) => header.includes(name));
  if (taken !== undefined) {
    throw new NestkanError('INVALID_ARGUMENT', `${path} already has a column "${taken}".`, {
      fix: 'Rename or remove that column, or pass the table without predictions.',
      where: { column: taken },
    });
  }
}

/** What a column is called that holds the predictions of a target. */
function columnOf(target: string): string {
  return `${target}_predicted`;
}

function selectInputs({ table }: TableFile, inputs: readonly string[], badRows: 'refuse' | 'skip'): Dataset {
  try {
    return selectColumns(table, { inputs, targets: [], badRows });
  } catch (error) {
    // The advice to choose other inputs is for fitting: here the model has chosen.
    if (!(error instanceof NestkanError) || !error.fix.includes('--inputs')) throw error;
    const fix = 'Give this column numbers, as in the table that the model was fitted to.';
    throw new NestkanError(error.code, error.message, { fix, where: error.where, cause: error });
  }
}

/** The table's rows that selectColumns keeps. */
function keptRows({ table }: TableFile, inputs: readonly string[]): number[] {
  const columns = table.columns.filter(({ name }) => inputs.includes(name));
  const all = Array.from({ length: table.rows }, (_, row) => row);
  return all.filter((row) => columns.every(({ values }) => !Number.isNaN(values[row])));
}

/** Errors over the rows whose targets are all known; targets that the table lacks are left out. */
function compare({ units }: FittedModel, { table }: TableFile, { kept, values }: Predicted): Score | undefined {
  const known = units.targets.flatMap((name, index) => {
    const column = table.columns.find((candidate) => candidate.name === name);
    return column ? [{ name, index, actual: column.values }] : [];
  });
  const actual: number[] = [];
  const predicted: number[] = [];
  kept.forEach((row, position) => {
    if (!known.every((column) => Number.isFinite(column.actual[row]))) return;
    for (const column of known) {
      actual.push(column.actual[row]);
      predicted.push(values[position * units.targets.length + column.index]);
    }
  });
  if (actual.length === 0) return undefined;
  const names = known.map(({ name }) => name);
  return scoreOf(Float64Array.from(predicted), Float64Array.from(actual), names);
}

/** All columns of the table as they were, and one more per target. */
function withPredictions({ csv }: TableFile, { units }: FittedModel, { kept, values }: Predicted): string {
  const count = units.targets.length;
  return formatCsv({
    delimiter: csv.delimiter,
    header: [...csv.header, ...units.targets.map(columnOf)],
    records: kept.map((row, position) => [
      ...csv.records[row],
      ...Array.from(values.subarray(position * count, (position + 1) * count), String),
    ]),
  });
}

/** Rows with an input outside the range of the training rows. */
function countOutside({ units }: FittedModel, { rows }: Predicted): number {
  const { min, max } = units.inputScaling;
  const width = min.length;
  const outside = new Set<number>();
  rows.x.forEach((value, index) => {
    const column = index % width;
    if (value < min[column] || value > max[column]) outside.add((index - column) / width);
  });
  return outside.size;
}

/** What standard output holds instead of the table. */
function listed({ units }: FittedModel, { rows, values }: Predicted): Pick<PredictDocument, 'lines' | 'predictions'> {
  const count = units.targets.length;
  const columns = units.targets.map(
    (name, index) => [name, [...values.filter((_, position) => position % count === index)]] as const,
  );
  return { lines: rows.lines, predictions: Object.fromEntries(columns) };
}

function render({ rows, skippedRows: skipped, extrapolatedRows, out }: PredictDocument, score?: Score): string {
  const left = skipped > 0 ? `, ${skippedRows(skipped)}` : '';
  const lines = [`predicted ${formatCount(rows)} ${rows === 1 ? 'row' : 'rows'}${left}`];
  if (extrapolatedRows > 0) {
    const lie = extrapolatedRows === 1 ? 'lies' : 'lie';
    lines.push(
      `caution   ${formatCount(extrapolatedRows)} of them ${lie} outside the range that the model was fitted on`,
    );
  }
  if (score) lines.push(`errors    ${scoreInWords(score)}`);
  if (out !== null) lines.push(`table     ${out}`);
  return lines.join('\n');
}
