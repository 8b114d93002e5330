import { type EdgeCurve, edgeGrid, type HeatMap, heatMap, lineChart, scatterChart } from './charts.ts';
import { formatCount, formatNumber, formatSeconds } from './format.ts';
import { type Block, htmlReport, type Section, type Table } from './html.ts';

export interface FitLevel {
  intervals: number;
  parameters: number;
  optimizer: string;
  steps: number;
  /** One epoch on n intervals costs n. */
  work: number;
  trainMse: number;
  testMse?: number | null;
  seconds: number;
}

export interface FitErrors {
  mse: number;
  rmse: number;
  r2: number;
}

export interface FitMetrics extends FitErrors {
  rows: number;
  /** The same target by target, where there are several. */
  targets?: Readonly<Record<string, FitErrors>>;
}

/** A roughness that was tried, and the error on validation rows in units of the targets' variance. */
export interface FitCandidate {
  roughness: number;
  levels: number;
  validationLoss: number;
  seconds: number;
}

/** Predictions of one target on one set of rows, in the target's own unit. */
export interface PredictedActual {
  target: string;
  unit?: string;
  /** Which rows, for example `training rows`, `test rows`; several sets of a target share one chart. */
  rows?: string;
  predicted: ArrayLike<number>;
  actual: ArrayLike<number>;
}

/** The fitted function over its two inputs, in their own units. */
export type FitHeatMap = Omit<HeatMap, 'title' | 'diverging'>;

/** All that a report on one fit shows. Arrays are plain numbers, errors in the targets' own units unless said otherwise. */
export interface FitReportData {
  title: string;
  subtitle?: string;
  /** The command that made it, as typed. */
  command?: string;
  /** Backend, adapter and precision in words. */
  device: string;
  /** What the model is, as names and values: widths, degree, basis, parameters, optimizer … */
  model: readonly (readonly [name: string, value: string])[];
  levels: readonly FitLevel[];
  /** The training loss, as the optimizer sees it, over the run. */
  history: readonly { work: number; loss: number; level: number }[];
  validation?: readonly { work: number; loss: number }[];
  /** Of the whole run; by default those of the levels. */
  work?: number;
  seconds?: number;
  /** Default `loss`. */
  lossLabel?: string;
  /** Where the network was refined, as positions on the work axis; entry i leads to level i + 1. */
  refinements: readonly number[];
  /** What was tried to choose the roughness and the finest level; none where they were given. */
  candidates?: readonly FitCandidate[];
  predictions: readonly PredictedActual[];
  edges: readonly EdgeCurve[];
  /** One per target, for models of two inputs. */
  heatMaps?: readonly FitHeatMap[];
  train?: FitMetrics;
  test?: FitMetrics;
  /** What the reader must know: rows dropped, a stopped run, a fallback. */
  notes?: readonly string[];
}

const WORK = 'work (epochs × intervals)';

function summary({ device, model, levels, train, test, command, notes = [], ...totals }: FitReportData): Section {
  const { work = levels.reduce((sum, level) => sum + level.work, 0) } = totals;
  const { seconds = levels.reduce((sum, level) => sum + level.seconds, 0) } = totals;
  const metrics = [
    ['training rows', train],
    ['test rows', test],
  ] as const;
  const rows = metrics.flatMap(([name, set]) => (set === undefined ? [] : errorRows(name, set)));
  const blocks: Block[] = [
    ...notes.map((text): Block => ({ kind: 'paragraph', text })),
    {
      kind: 'key-values',
      entries: [
        ...model,
        ['device', device],
        ['total work', formatCount(work)],
        ['training time', formatSeconds(seconds)],
      ],
    },
  ];
  if (rows.length > 0)
    blocks.unshift({
      kind: 'table',
      columns: ['', 'rows', 'MSE', 'RMSE', 'R²'],
      rows,
      align: ['left', 'right', 'right', 'right', 'right'],
    });
  if (command) blocks.push({ kind: 'code', text: command });
  return { heading: 'Result', blocks };
}

/** One row for all targets, and one for each where there are several. */
function errorRows(name: string, { rows, targets = {}, ...all }: FitMetrics): Table['rows'] {
  const line = (label: string, { mse, rmse, r2 }: FitErrors) => [
    label,
    formatCount(rows),
    mse,
    rmse,
    formatNumber(r2, 4),
  ];
  const each = Object.entries(targets).map(([target, errors]) => line(`${name}, ${target}`, errors));
  return [line(name, all), ...each];
}

function training({ history, validation = [], refinements, levels, lossLabel = 'loss' }: FitReportData): Section {
  const series = [{ name: 'training loss', points: history, dashed: false }];
  if (validation.length > 0)
    series.push({ name: 'validation loss', points: validation as typeof history, dashed: true });
  const svg = lineChart({
    title: 'Loss against work',
    xLabel: WORK,
    yLabel: lossLabel,
    yScale: 'log',
    series: series.map(({ name, points, dashed }) => ({
      name,
      x: points.map(({ work }) => work),
      y: points.map(({ loss }) => loss),
      dashed,
    })),
    markers: refinements.map((x, index) => ({ x, label: intervalsLabel(levels[index + 1]?.intervals) })),
  });
  const caption =
    refinements.length > 0
      ? 'Dotted lines mark the refinements: the network moves to more intervals, its function unchanged.'
      : undefined;
  return { heading: 'Training', blocks: [{ kind: 'figure', svg, caption }] };
}

const intervalsLabel = (intervals: number | undefined) => (intervals === undefined ? 'refined' : `n = ${intervals}`);

/** One row per level; the command line prints the same one as text. */
export function levelTable({ levels }: Pick<FitReportData, 'levels'>): Table {
  const withTest = levels.some(({ testMse }) => testMse !== undefined && testMse !== null);
  const test = withTest ? ['test MSE'] : [];
  return {
    kind: 'table',
    columns: ['level', 'intervals', 'parameters', 'optimizer', 'steps', 'work', 'training MSE', ...test, 'time'],
    rows: levels.map((level, index) => [
      String(index + 1),
      formatCount(level.intervals),
      formatCount(level.parameters),
      level.optimizer,
      formatCount(level.steps),
      formatCount(level.work),
      level.trainMse,
      ...(withTest ? [level.testMse] : []),
      formatSeconds(level.seconds),
    ]),
    align: Array.from({ length: 8 + test.length }, () => 'right'),
  };
}

/** What was tried to choose the roughness, the best one in bold. */
function choice({ candidates = [] }: FitReportData): Section[] {
  if (candidates.length === 0) return [];
  const least = Math.min(...candidates.map(({ validationLoss }) => validationLoss));
  const table: Table = {
    kind: 'table',
    columns: ['roughness', 'levels', 'validation error', 'time'],
    rows: candidates.map(({ roughness, levels, validationLoss, seconds }) => [
      formatNumber(roughness),
      formatCount(levels),
      formatNumber(validationLoss),
      formatSeconds(seconds),
    ]),
    align: ['right', 'right', 'right', 'right'],
    highlight: candidates.flatMap(({ validationLoss }, index) => (validationLoss === least ? [index] : [])),
  };
  const text =
    'Weights of the roughness penalty that were tried on rows held back from training, with the number of levels ' +
    "after which each did best. The validation error is in units of the targets' variance.";
  return [{ heading: 'Choice of roughness and finest level', blocks: [{ kind: 'paragraph', text }, table] }];
}

function predictions({ predictions: all }: FitReportData): Section[] {
  const targets = [...new Set(all.map(({ target }) => target))];
  const figures = targets.map((target): Block => {
    const sets = all.filter((entry) => entry.target === target);
    const unit = sets.find((set) => set.unit)?.unit;
    const name = unit ? `${target} (${unit})` : target;
    const series = sets.map(({ rows = 'rows', actual, predicted }) => ({ name: rows, x: actual, y: predicted }));
    const svg = scatterChart({ title: target, xLabel: `actual ${name}`, yLabel: `predicted ${name}`, series });
    return { kind: 'figure', svg };
  });
  return figures.length > 0 ? [{ heading: 'Predicted against actual', blocks: figures }] : [];
}

function edgeFunctions({ edges }: FitReportData): Section[] {
  if (edges.length === 0) return [];
  const caption =
    'Knots are the ticks along the bottom; outside them (shaded) a function continues as a straight line. ' +
    'Within a layer all curves have one vertical scale, each centred on its own range; Δ is that range.';
  return [
    {
      heading: 'Learned edge functions',
      blocks: [{ kind: 'figure', svg: edgeGrid({ title: 'Edge functions and their knots', edges }), caption }],
    },
  ];
}

function surfaces({ heatMaps = [] }: FitReportData): Section[] {
  const figures = heatMaps.map((map): Block => {
    const svg = heatMap({ ...map, title: `${map.colorLabel} over ${map.xLabel} and ${map.yLabel}` });
    return { kind: 'figure', svg };
  });
  return figures.length > 0 ? [{ heading: 'The fitted function', blocks: figures }] : [];
}

/** The report on one fit as a self-contained HTML file; sections without data are left out. */
export function fitReport(data: FitReportData): string {
  return htmlReport({
    title: data.title,
    subtitle: data.subtitle,
    sections: [
      summary(data),
      training(data),
      { heading: 'Levels', blocks: [levelTable(data)] },
      ...choice(data),
      ...predictions(data),
      ...surfaces(data),
      ...edgeFunctions(data),
    ],
  });
}
