/** `nestkan fit`: a table in; a model, its errors on rows it never saw, and a report out. */
import type { Command } from 'commander';
import {
  type Dataset,
  encodeModel,
  type FitOptions,
  type FitResult,
  type FittedModel,
  fit,
  fitDefaults,
  fitWorkload,
  type OpenedBackend,
  writeFileAtomically,
} from '../node.ts';
import { fitReport, levelTable } from '../report/fit-report.ts';
import { formatCount, formatNumber, formatSeconds } from '../report/format.ts';
import { addDataOptions, checkOutputs, chooseRows, type DataOptions, readTable, type TrainingData } from './data.ts';
import { withBackend } from './device.ts';
import { choiceInWords, describeFit, type FitDocument, type Fitted } from './fit-document.ts';
import { fitReportData } from './fit-report-data.ts';
import {
  addNetworkOptions,
  addRestartsOption,
  createOptimizer,
  type NetworkOptions,
  optimizersInWords,
} from './network-options.ts';
import { weightOrAuto } from './options.ts';
import { scoreInWords } from './score.ts';
import { addRunOptions, type RunOptions, type Shell } from './shell.ts';
import type { Terminal } from './terminal.ts';
import { textTable } from './text-table.ts';

interface Options extends DataOptions, NetworkOptions, RunOptions {
  roughness?: FitOptions['roughness'];
  restarts?: number;
}

export function defineFit(program: Command, shell: Shell): void {
  const command = program.command('fit').argument('<data.csv>', 'table with a header line, numbers below it');
  addDataOptions(command);
  addRestartsOption(addNetworkOptions(command, fitDefaults));
  command.option(
    '--roughness <weight>',
    'weight of the roughness penalty (default: auto, chosen on held-back rows)',
    weightOrAuto('--roughness'),
  );
  addRunOptions(command, { out: 'write the model to this file (safetensors)' })
    .description('fit a spline network to the columns of a CSV file')
    .action((path: string, options: Options) => run(path, options, shell));
}

async function run(path: string, options: Options, shell: Shell): Promise<void> {
  const { terminal } = shell;
  const { out, report } = options;
  await checkOutputs({ 'the table': path }, { '--out': out, '--report': report });
  const data = chooseRows(await readTable(path), options, terminal);
  const signal = shell.interruptible();
  const settings = fitSettings(data, options);
  const work = async (backend: OpenedBackend) => {
    const result = await fitWithProgress(backend, data, settings, { signal, terminal });
    const fitted = await predictRows(result, data);
    const document = describeFit(fitted, backend, options);
    if (out !== undefined) await writeFileAtomically(out, await encodeModel(result.model));
    if (report !== undefined) {
      const page = fitReport(await fitReportData(fitted, document, { path, commandLine: shell.commandLine }));
      await writeFileAtomically(report, page);
    }
    terminal.say(render(document, fitted));
    shell.print(document);
  };
  await withBackend(options, terminal, work, fitWorkload(data.train, settings));
}

function fitSettings({ test }: TrainingData, options: Options): FitOptions {
  const { optimizer, ...settings } = options;
  const { hidden, degree, intervals, levels, steps, roughness, restarts, seed } = settings;
  const network = { hidden, degree, intervals, levels, steps, restarts, seed };
  return { ...network, optimizer: createOptimizer(optimizer), roughness, test };
}

async function fitWithProgress(
  backend: OpenedBackend,
  { train }: TrainingData,
  settings: FitOptions,
  { signal, terminal }: { signal: AbortSignal; terminal: Terminal },
): Promise<FitResult> {
  const progress = terminal.progress({ label: 'fitting', total: 1 });
  try {
    return await fit(backend, train, {
      ...settings,
      signal,
      onProgress: ({ phase, done, loss }) => progress.update(done, `${phase}, loss ${formatNumber(loss)}`),
    });
  } finally {
    progress.stop();
  }
}

async function predictRows(result: FitResult, data: TrainingData): Promise<Fitted> {
  return {
    result,
    data,
    trainPrediction: await predictionOf(result.model, data.train),
    testPrediction: data.test && (await predictionOf(result.model, data.test)),
  };
}

async function predictionOf(model: FittedModel, { rows, x, inputs }: Dataset): Promise<Float64Array> {
  return (await model.evaluate({ rows, columns: inputs.length, data: x })).data;
}

function render(document: FitDocument, { result }: Fitted): string {
  const { model, parameters, levels, train, test, seconds, out, report } = document;
  const lines = [
    '',
    `network   ${model.widths.join(' → ')}, splines of degree ${model.degree}, ${formatCount(parameters)} parameters`,
    `chosen    ${choiceInWords(document, result)}`,
    `optimizer ${optimizersInWords(levels)}`,
    '',
    textTable(levelTable({ levels })),
    '',
    `training  ${scoreInWords(train)}`,
    `test      ${test === null ? 'no rows were kept for testing' : scoreInWords(test)}`,
    `time      ${formatSeconds(seconds)}`,
    `model     ${out ?? 'not kept: pass --out FILE to use it with nestkan predict'}`,
  ];
  if (report !== null) lines.push(`report    ${report}`);
  if (document.interrupted) lines.push('Interrupted: this is the best model so far.');
  return lines.join('\n');
}
