import { lineChart } from './charts.ts';
import { formatCount, formatNumber, formatRatio, formatSeconds } from './format.ts';
import { type Block, htmlReport, type Section, type Table } from './html.ts';

export interface ComparedMethod {
  name: string;
  /** Of all levels, the names of those that were used. */
  optimizer?: string;
  parameters: number;
  /** Total work: one epoch on n intervals costs n. */
  work: number;
  /** What was minimised, and the error that counts: mean squared errors unless the problem's `measures` say otherwise. */
  trainMse?: number | null;
  testMse: number;
  seconds: number;
  /** The curve over the run; `error` is what the problem's `errorLabel` names. */
  history: readonly { work: number; error: number }[];
  /** Positions on the work axis; drawn for the first method that has any. */
  refinements?: readonly number[];
  /** A curve that failed or was cut short says so here. */
  remark?: string;
}

/** One method on several backends. */
export interface BackendRun {
  /** For example `CPU, float64` or `WebGPU, float32`. */
  backend: string;
  adapter?: string;
  testMse: number;
  seconds: number;
  steps?: number;
}

export interface ComparedProblem {
  name: string;
  description?: string;
  /** Default `training loss`. */
  errorLabel?: string;
  /** What the methods' `trainMse` and `testMse` are. Default `training MSE` and `test MSE`. */
  measures?: { train: string; test: string };
  methods: readonly ComparedMethod[];
  /** The same run on different backends, and which method it was. */
  backends?: { method: string; runs: readonly BackendRun[] };
}

/** All that a comparison of methods at equal work shows. */
export interface CompareReportData {
  title: string;
  subtitle?: string;
  command?: string;
  device: string;
  /** What was shown, in a sentence or two. */
  conclusion?: string;
  problems: readonly ComparedProblem[];
  notes?: readonly string[];
}

/** The least of the finite values, or NaN. */
function best(values: readonly number[]): number {
  const finite = values.filter(Number.isFinite);
  return finite.length === 0 ? Number.NaN : Math.min(...finite);
}

/** How many times the best; a dash where either is not a positive number. */
function ratioToBest(value: number, least: number): string {
  if (value === least) return formatRatio(1);
  return least > 0 && Number.isFinite(value) ? formatRatio(value / least) : formatRatio(null);
}

/** The table of a problem's methods; `npm run quickstart` prints the same one as Markdown. */
export function methodTable({
  methods,
  measures = { train: 'training MSE', test: 'test MSE' },
}: Pick<ComparedProblem, 'methods' | 'measures'>): Table {
  const least = best(methods.map(({ testMse }) => testMse));
  const withTrain = methods.some(({ trainMse }) => trainMse !== undefined && trainMse !== null);
  const withOptimizer = methods.some(({ optimizer }) => optimizer);
  const withRemark = methods.some(({ remark }) => remark);
  const train = withTrain ? [measures.train] : [];
  return {
    kind: 'table',
    columns: [
      'method',
      ...(withOptimizer ? ['optimizer'] : []),
      'parameters',
      'work',
      ...train,
      measures.test,
      '× best',
      'time',
      ...(withRemark ? ['remark'] : []),
    ],
    rows: methods.map(({ name, optimizer, parameters, work, trainMse, testMse, seconds, remark }) => [
      name,
      ...(withOptimizer ? [optimizer ?? ''] : []),
      formatCount(parameters),
      formatCount(work),
      ...(withTrain ? [formatNumber(trainMse)] : []),
      formatNumber(testMse),
      ratioToBest(testMse, least),
      formatSeconds(seconds),
      ...(withRemark ? [remark ?? ''] : []),
    ]),
    align: [
      'left',
      ...(withOptimizer ? ['left' as const] : []),
      ...Array.from({ length: 5 + train.length }, () => 'right' as const),
      'left',
    ],
    highlight: methods.flatMap(({ testMse }, index) => (testMse === least ? [index] : [])),
  };
}

/** One run on several backends: errors and times side by side. */
export function backendTable({ runs }: NonNullable<ComparedProblem['backends']>): Table {
  return {
    kind: 'table',
    columns: ['backend', 'adapter', 'test MSE', 'time', 'steps per second'],
    rows: runs.map(({ backend, adapter, testMse, seconds, steps }) => [
      backend,
      adapter ?? '–',
      formatNumber(testMse),
      formatSeconds(seconds),
      steps === undefined || !(seconds > 0) ? '–' : formatCount(Math.round(steps / seconds)),
    ]),
    align: ['left', 'left', 'right', 'right', 'right'],
  };
}

/** Error against work, one curve per method, on logarithmic error. */
export function convergenceChart({ name, methods, errorLabel = 'training loss' }: ComparedProblem): string {
  return lineChart({
    title: name,
    xLabel: 'work (epochs × intervals)',
    yLabel: errorLabel,
    yScale: 'log',
    series: methods.map(({ name: method, history }) => ({
      name: method,
      x: history.map(({ work }) => work),
      y: history.map(({ error }) => error),
    })),
    markers: (methods.find(({ refinements }) => refinements?.length)?.refinements ?? []).map((x) => ({
      x,
      label: 'refined',
    })),
  });
}

function problemSection(problem: ComparedProblem): Section {
  const refined = problem.methods.find(({ refinements }) => refinements?.length)?.name;
  const blocks: Block[] = [
    methodTable(problem),
    {
      kind: 'figure',
      svg: convergenceChart(problem),
      caption: refined === undefined ? undefined : `Dotted lines: refinements of “${refined}”.`,
    },
  ];
  if (problem.description) blocks.unshift({ kind: 'paragraph', text: problem.description });
  if (problem.backends)
    blocks.push({ ...backendTable(problem.backends), caption: `${problem.backends.method} on each backend` });
  return { heading: problem.name, blocks };
}

/** Several methods at equal work on one or more problems, as a self-contained HTML file. */
export function compareReport({
  title,
  subtitle,
  command,
  device,
  conclusion,
  problems,
  notes = [],
}: CompareReportData): string {
  const setup: Block[] = [
    ...notes.map((text): Block => ({ kind: 'paragraph', text })),
    { kind: 'key-values', entries: [['device', device]] },
    ...(command ? [{ kind: 'code', text: command } as const] : []),
  ];
  if (conclusion) setup.unshift({ kind: 'paragraph', text: conclusion });
  return htmlReport({
    title,
    subtitle,
    sections: [{ heading: 'Summary', blocks: setup }, ...problems.map(problemSection)],
  });
}
