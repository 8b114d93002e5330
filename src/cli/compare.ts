import type { Command } from 'commander';
import { compareMethods, type MethodResult, type OpenedBackend, writeFileAtomically } from '../node.ts';
import { type ComparedMethod, compareReport, methodTable } from '../report/compare-report.ts';
import { formatCount, formatNumber, formatRatio } from '../report/format.ts';
import { addDataOptions, checkOutputs } from './data.ts';
import { type DeviceDocument, describeDevice, deviceInWords, withBackend } from './device.ts';
import { toJson } from './json.ts';
import { addNetworkOptions, createOptimizer, type NetworkOptions } from './network-options.ts';
import { wholeNumber } from './options.ts';
import { addRunOptions, type RunOptions, type Shell } from './shell.ts';
import { createTask, isBuiltIn, POINTS, PROBLEM_NAMES, type Task, type TaskOptions } from './task.ts';
import type { Terminal } from './terminal.ts';
import { textTable } from './text-table.ts';

type Options = TaskOptions & NetworkOptions & RunOptions;

const DEFAULTS = { hidden: [5], degree: 3, intervals: 4, levels: 4, steps: 200 } as const;
/** How many methods compareMethods runs. */
const METHODS = 4;

interface MethodDocument extends Omit<MethodResult, 'history'> {
  /** Test error over the least of all. */
  ratio: number;
  levels: { intervals: readonly number[]; steps: number; work: number; trainMse: number; testMse: number }[];
}

interface CompareDocument {
  command: 'compare';
  interrupted: boolean;
  device: DeviceDocument;
  problem: string;
  description: string;
  rows: { train: number; test: number };
  /** The coarsest network. */
  model: { widths: number[]; degree: number; intervals: number };
  errors: "in units of the targets' variance";
  methods: MethodDocument[];
  out: string | null;
  report: string | null;
}

export function defineCompare(program: Command, shell: Shell): void {
  const command = program.command('compare').argument('<problem>', `${PROBLEM_NAMES}, or the path of a CSV file`);
  addDataOptions(command);
  addNetworkOptions(command, DEFAULTS);
  command.option(
    '--points <number>',
    `points of a built-in problem, for training and again for testing (default: ${POINTS})`,
    wholeNumber('--points', { min: 2, max: 1_000_000 }),
  );
  addRunOptions(command, { out: 'write the result to this file (JSON)' })
    .description('compare multilevel training with a single level, the ReLU basis and an MLP at equal work')
    .action((problem: string, options: Options) => run(problem, options, shell));
}

async function run(problem: string, options: Options, shell: Shell): Promise<void> {
  const { terminal } = shell;
  const { device, out, report } = options;
  await checkOutputs(isBuiltIn(problem) ? {} : { 'the table': problem }, { '--out': out, '--report': report });
  const task = await createTask(problem, options, terminal);
  const signal = shell.interruptible();
  await withBackend(device, terminal, async (backend) => {
    const results = await compareWithProgress(backend, task, options, { signal, terminal });
    const document = describe(task, results, backend, options);
    if (out !== undefined) await writeFileAtomically(out, toJson(document));
    if (report !== undefined) {
      await writeFileAtomically(report, page(document, results, shell.commandLine));
    }
    terminal.say(render(document, results));
    shell.print(document);
  });
}

async function compareWithProgress(
  backend: OpenedBackend,
  task: Task,
  options: Options,
  { signal, terminal }: { signal: AbortSignal; terminal: Terminal },
): Promise<MethodResult[]> {
  const { optimizer, seed } = options;
  const { train, test, network } = task;
  const { widths, degree, intervals, levels, steps } = networkOf(task, options);
  const progress = terminal.progress({ label: 'comparing', total: METHODS });
  const methods: string[] = [];
  try {
    return await compareMethods(backend, {
      train,
      test,
      ...network,
      widths,
      degree,
      intervals,
      stepsPerLevel: new Array<number>(levels).fill(steps),
      optimizer: createOptimizer(optimizer),
      seed,
      signal,
      onProgress: ({ method, done, loss }) => {
        if (!methods.includes(method)) methods.push(method);
        progress.update(methods.length - 1 + done, `${method}, loss ${formatNumber(loss)}`);
      },
    });
  } finally {
    progress.stop();
  }
}

function networkOf({ train, network }: Task, options: NetworkOptions) {
  const { hidden = DEFAULTS.hidden, degree = DEFAULTS.degree } = options;
  const { intervals = network?.intervals ?? DEFAULTS.intervals } = options;
  const { levels = DEFAULTS.levels, steps = DEFAULTS.steps } = options;
  return { widths: [train.inputs.columns, ...hidden, train.targets.columns], degree, intervals, levels, steps };
}

function describe(
  task: Task,
  results: readonly MethodResult[],
  backend: OpenedBackend,
  options: Options,
): CompareDocument {
  const { name, description, train, test } = task;
  const { widths, degree, intervals } = networkOf(task, options);
  const least = leastError(results);
  return {
    command: 'compare',
    interrupted: results.length < METHODS || results.some(({ history }) => history.stopped === 'aborted'),
    device: describeDevice(backend),
    problem: name,
    description,
    rows: { train: train.inputs.rows, test: test.inputs.rows },
    model: { widths, degree, intervals },
    errors: "in units of the targets' variance",
    methods: results.map(({ history, ...result }) => ({
      ...result,
      ratio: result.testMse / least,
      levels: history.levels.map((level) => ({
        intervals: level.intervals,
        steps: level.steps,
        work: level.work,
        trainMse: level.trainLoss,
        testMse: level.watched!['test'],
      })),
    })),
    out: options.out ?? null,
    report: options.report ?? null,
  };
}

function leastError(results: readonly Pick<MethodResult, 'testMse'>[]): number {
  return Math.min(...results.map(({ testMse }) => testMse).filter(Number.isFinite));
}

function compared({ label, history, ...result }: MethodResult): ComparedMethod {
  const ends = history.levels
    .slice(0, -1)
    .map((_, index, levels) => levels.slice(0, index + 1).reduce((sum, { work }) => sum + work, 0));
  const remark =
    history.stopped === 'aborted' ? 'interrupted' : Number.isNaN(result.testMse) ? 'not finite: broke down' : undefined;
  return {
    ...result,
    name: label,
    history: history.curve.map(({ work, loss }) => ({ work, error: loss })),
    refinements: ends,
    remark,
  };
}

/** What was shown, in one sentence. */
function conclusion(results: readonly MethodResult[]): string {
  const complete = results.filter(({ history }) => history.stopped !== 'aborted');
  const errorOf = (name: MethodResult['method']) =>
    complete.find(({ method }) => method === name)?.testMse ?? Number.NaN;
  const multilevel = errorOf('multilevel');
  const against = (name: MethodResult['method'], what: string) => {
    const ratio = errorOf(name) / multilevel;
    if (!Number.isFinite(ratio)) return [];
    return ratio >= 1 ? [`${formatRatio(ratio)} below ${what}`] : [`${formatRatio(1 / ratio)} above ${what}`];
  };
  const parts = [
    ...against('single-level', 'a single level'),
    ...against('power-relu', 'the ReLU basis'),
    ...against('mlp', 'the MLP'),
  ];
  if (parts.length === 0) return 'Too little was run to compare.';
  return `At equal work, multilevel training ends with a test error ${parts.join(', ')}.`;
}

function page(document: CompareDocument, results: readonly MethodResult[], commandLine: string): string {
  const { problem, description, device, model, rows, interrupted, errors } = document;
  const { widths, degree, intervals } = model;
  const setup = `${widths.join(' → ')}, splines of degree ${degree}, ${intervals} intervals on the coarsest grid; ${formatCount(rows.train)} rows to train on, ${formatCount(rows.test)} to test. Errors are ${errors}.`;
  return compareReport({
    title: `Methods compared on ${problem}`,
    subtitle: description,
    command: commandLine,
    device: deviceInWords(device),
    conclusion: conclusion(results),
    problems: [{ name: problem, description: setup, methods: results.map(compared) }],
    notes: interrupted ? ['The run was interrupted: what is missing was not run.'] : [],
  });
}

function render(
  { problem, description, errors, interrupted, report, out }: CompareDocument,
  results: readonly MethodResult[],
): string {
  const lines = [
    '',
    `${problem}: ${description}`,
    '',
    textTable(methodTable({ methods: results.map(compared) })),
    '',
    `Errors are ${errors}. ${conclusion(results)}`,
  ];
  if (out !== null) lines.push(`result    ${out}`);
  if (report !== null) lines.push(`report    ${report}`);
  if (interrupted) lines.push('Interrupted: what is missing was not run.');
  return lines.join('\n');
}
