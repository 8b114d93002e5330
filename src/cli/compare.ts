/** `nestkan compare`: four ways to train the same task, at equal work. */
import type { Command } from 'commander';
import { METHODS, type OpenedBackend, writeFileAtomically } from '../node.ts';
import { type ComparedMethod, type ComparedProblem, compareReport, methodTable } from '../report/compare-report.ts';
import { formatNumber, formatRatio } from '../report/format.ts';
import {
  COMPARE_DEFAULTS,
  type Comparison,
  type Outcome,
  regressionComparison,
  solverComparison,
} from './comparison.ts';
import { addDataOptions, checkOutputs } from './data.ts';
import { type DeviceDocument, describeDevice, deviceInWords, withBackend } from './device.ts';
import { toJson } from './json.ts';
import { addNetworkOptions, type NetworkOptions } from './network-options.ts';
import { wholeNumber } from './options.ts';
import { attributed, isBuiltInPde, isModule, loadPde, PDE_NAMES } from './problems.ts';
import { addRunOptions, type RunOptions, type Shell } from './shell.ts';
import { createTask, isBuiltIn, POINTS, PROBLEM_NAMES, type TaskOptions } from './task.ts';
import type { Terminal } from './terminal.ts';
import { textTable } from './text-table.ts';

type Options = TaskOptions & NetworkOptions & RunOptions;

type MethodDocument = Omit<Outcome, 'history' | 'training' | 'error' | 'figures' | 'levelFigures'> & {
  /** Error over the least of all. */
  ratio: number;
  levels: ({ intervals: readonly number[]; steps: number; work: number } & object)[];
};

interface CompareDocument {
  command: 'compare';
  interrupted: boolean;
  device: DeviceDocument;
  problem: string;
  description: string;
  rows?: Comparison['rows'];
  /** The coarsest network. */
  model: Comparison['model'];
  errors: string;
  methods: MethodDocument[];
  out: string | null;
  report: string | null;
}

export function defineCompare(program: Command, shell: Shell): void {
  const command = program
    .command('compare')
    .argument('<problem>', `${PROBLEM_NAMES}, ${PDE_NAMES}, or the path of a CSV file or a JavaScript module`);
  addDataOptions(command);
  addNetworkOptions(command, { first: "the problem's own", ...COMPARE_DEFAULTS });
  command.option(
    '--points <number>',
    `points of a built-in function, for training and again for testing (default: ${POINTS})`,
    wholeNumber('--points', { min: 2, max: 1_000_000 }),
  );
  addRunOptions(command, { out: 'write the result to this file (JSON)' })
    .description('compare multilevel training with a single level, the ReLU basis and an MLP at equal work')
    .action((problem: string, options: Options) => run(problem, options, shell));
}

async function run(problem: string, options: Options, shell: Shell): Promise<void> {
  const { terminal } = shell;
  const { out, report } = options;
  const isFile = !isBuiltIn(problem) && !isBuiltInPde(problem);
  await checkOutputs(isFile ? { 'the problem': problem } : {}, { '--out': out, '--report': report });
  const { comparison, module } = await createComparison(problem, options, terminal);
  const signal = shell.interruptible();
  const work = async (backend: OpenedBackend) => {
    const results = await attributed(module, () => runWithProgress(backend, comparison, { signal, terminal }));
    const document = describe(comparison, results, backend, options);
    if (out !== undefined) await writeFileAtomically(out, toJson(document));
    if (report !== undefined) {
      await writeFileAtomically(report, page(document, comparison, results, shell.commandLine));
    }
    terminal.say(render(document, comparison, results));
    shell.print(document);
  };
  await withBackend(options, terminal, work, comparison.workload);
}

async function createComparison(
  problem: string,
  options: Options,
  terminal: Terminal,
): Promise<{ comparison: Comparison; module?: string }> {
  if (!isBuiltInPde(problem) && !isModule(problem)) {
    return { comparison: regressionComparison(await createTask(problem, options, terminal), options) };
  }
  const task = await loadPde(problem);
  const { module } = task;
  return { module, comparison: await attributed(module, async () => solverComparison(task, options)) };
}

async function runWithProgress(
  backend: OpenedBackend,
  comparison: Comparison,
  { signal, terminal }: { signal: AbortSignal; terminal: Terminal },
): Promise<Outcome[]> {
  const progress = terminal.progress({ label: 'comparing', total: METHODS.length });
  const methods: string[] = [];
  try {
    return await comparison.run(backend, {
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

function describe(
  { name, description, rows, model, errors }: Comparison,
  results: readonly Outcome[],
  backend: OpenedBackend,
  options: Options,
): CompareDocument {
  const least = Math.min(...results.map(({ error }) => error).filter(Number.isFinite));
  return {
    command: 'compare',
    interrupted: results.length < METHODS.length || results.some(({ history }) => history.stopped === 'aborted'),
    device: describeDevice(backend),
    problem: name,
    description,
    rows,
    model,
    errors,
    methods: results.map(({ history, training, error, figures, levelFigures, ...result }) => ({
      ...result,
      ...figures,
      ratio: error / least,
      levels: history.levels.map(({ intervals, optimizer, reason, steps, work }, index) => ({
        intervals,
        optimizer,
        reason: reason ?? null,
        steps,
        work,
        ...levelFigures[index],
      })),
    })),
    out: options.out ?? null,
    report: options.report ?? null,
  };
}

function compared({ label, history, training, error, parameters, work, seconds }: Outcome): ComparedMethod {
  const ends = history.levels
    .slice(0, -1)
    .map((_, index, levels) => levels.slice(0, index + 1).reduce((sum, level) => sum + level.work, 0));
  const remark =
    history.stopped === 'aborted' ? 'interrupted' : Number.isNaN(error) ? 'not finite: broke down' : undefined;
  return {
    name: label,
    optimizer: [...new Set(history.levels.map(({ optimizer }) => optimizer))].join(', '),
    parameters,
    work,
    seconds,
    trainMse: training,
    testMse: error,
    history: history.curve.map((point) => ({ work: point.work, error: point.loss })),
    refinements: ends,
    remark,
  };
}

/** What was shown, in one sentence. */
function conclusion({ error: what }: Comparison, results: readonly Outcome[]): string {
  const complete = results.filter(({ history }) => history.stopped !== 'aborted');
  const errorOf = (name: Outcome['method']) => complete.find(({ method }) => method === name)?.error ?? Number.NaN;
  const multilevel = errorOf('multilevel');
  const against = (name: Outcome['method'], other: string) => {
    const ratio = errorOf(name) / multilevel;
    if (!Number.isFinite(ratio)) return [];
    return ratio >= 1 ? [`${formatRatio(ratio)} below ${other}`] : [`${formatRatio(1 / ratio)} above ${other}`];
  };
  const parts = [
    ...against('single-level', 'a single level'),
    ...against('power-relu', 'the ReLU basis'),
    ...against('mlp', 'the MLP'),
  ];
  if (parts.length === 0) return 'Too little was run to compare.';
  return `At equal work, multilevel training ends with a ${what} ${parts.join(', ')}.`;
}

function problemOf(comparison: Comparison, results: readonly Outcome[]): ComparedProblem {
  const { name, model, source, errors, measures } = comparison;
  const { widths, degree, intervals } = model;
  const network = `${widths.join(' → ')}, splines of degree ${degree}, ${intervals} intervals on the coarsest grid`;
  return {
    name,
    description: `${network}; ${source}. Errors are ${errors}.`,
    measures,
    methods: results.map(compared),
  };
}

function page(
  { problem, description, device, interrupted }: CompareDocument,
  comparison: Comparison,
  results: readonly Outcome[],
  commandLine: string,
): string {
  return compareReport({
    title: `Methods compared on ${problem}`,
    subtitle: description,
    command: commandLine,
    device: deviceInWords(device),
    conclusion: conclusion(comparison, results),
    problems: [problemOf(comparison, results)],
    notes: interrupted ? ['The run was interrupted: what is missing was not run.'] : [],
  });
}

function render(
  { problem, description, errors, interrupted, report, out }: CompareDocument,
  comparison: Comparison,
  results: readonly Outcome[],
): string {
  const lines = [
    '',
    `${problem}: ${description}`,
    '',
    textTable(methodTable(problemOf(comparison, results))),
    '',
    `Errors are ${errors}. ${conclusion(comparison, results)}`,
  ];
  if (out !== null) lines.push(`result    ${out}`);
  if (report !== null) lines.push(`report    ${report}`);
  if (interrupted) lines.push('Interrupted: what is missing was not run.');
  return lines.join('\n');
}
