import { type LineSeries, lineChart } from './charts.ts';
import { formatCount, formatNumber, formatSeconds } from './format.ts';
import { type Block, htmlReport, type Section, type Table } from './html.ts';
import { type Picture, type PictureGrid, sizeCharts, solutionChart } from './solution-charts.ts';

export interface SolveLevel {
  intervals: number;
  parameters: number;
  optimizer: string;
  steps: number;
  /** One epoch on n intervals costs n. */
  work: number;
  /** Weighted sum of the terms. */
  loss: number;
  /** The same at points that training did not see. */
  heldOutLoss: number;
  /** Mean squared residual of every term, not weighted. */
  terms: Readonly<Record<string, number>>;
  /** Null where no exact solution is known. */
  relativeL2: number | null;
  maxError: number | null;
  seconds: number;
}

/** What is seen at the end of a level. */
export interface LevelPictures {
  intervals: number;
  /** |u − u*| of every unknown whose exact solution is known. */
  errors: readonly Picture[];
  /** |residual| of every term that holds in the volume. */
  residuals: readonly Picture[];
}

/** All that a report on one solution shows. */
export interface SolveReportData {
  title: string;
  subtitle?: string;
  /** The command that made it, as typed. */
  command?: string;
  device: string;
  /** What the model is, as names and values. */
  model: readonly (readonly [name: string, value: string])[];
  levels: readonly SolveLevel[];
  /** The loss, as the optimizer sees it, over the run. */
  history: readonly { work: number; loss: number }[];
  work: number;
  seconds: number;
  relativeL2: number | null;
  maxError: number | null;
  /** Trained scalars. */
  scalars?: Readonly<Record<string, number>>;
  grid?: PictureGrid;
  /** At the end of the run. */
  solutions?: readonly (Picture & { exact?: ArrayLike<number> })[];
  pictures?: readonly LevelPictures[];
  notes?: readonly string[];
}

const WORK = 'work (epochs × intervals)';
/** Level, intervals, parameters, optimizer, steps, work; the time comes last. */
const COST_COLUMNS = 6;

/** One row per level; the command line prints the same one as text. */
export function solveLevelTable({ levels }: Pick<SolveReportData, 'levels'>): Table {
  const terms = Object.keys(levels[0]?.terms ?? {});
  const withErrors = levels.some(({ relativeL2 }) => relativeL2 !== null);
  const errors = withErrors ? ['relative L2', 'max error'] : [];
  const cost = ['level', 'intervals', 'parameters', 'optimizer', 'steps', 'work'];
  const columns = [...cost, 'loss', 'held-out loss', ...terms, ...errors, 'time'];
  return {
    kind: 'table',
    columns,
    rows: levels.map((level, index) => [
      String(index + 1),
      formatCount(level.intervals),
      formatCount(level.parameters),
      level.optimizer,
      formatCount(level.steps),
      formatCount(level.work),
      formatNumber(level.loss),
      formatNumber(level.heldOutLoss),
      ...terms.map((term) => formatNumber(level.terms[term])),
      ...(withErrors ? [formatNumber(level.relativeL2), formatNumber(level.maxError)] : []),
      formatSeconds(level.seconds),
    ]),
    align: columns.map(() => 'right'),
  };
}

function summary(data: SolveReportData): Section {
  const { device, model, work, seconds, relativeL2, maxError, scalars = {}, command, notes = [] } = data;
  const errors: (readonly [string, string])[] =
    relativeL2 === null
      ? [['error', 'no exact solution is known']]
      : [
          ['relative L2 error', formatNumber(relativeL2)],
          ['largest error', formatNumber(maxError)],
        ];
  const found = Object.entries(scalars).map(([name, value]) => [name, formatNumber(value, 5)] as const);
  const totals = [
    ['device', device],
    ['total work', formatCount(work)],
    ['training time', formatSeconds(seconds)],
  ] as const;
  const blocks: Block[] = [
    ...notes.map((text): Block => ({ kind: 'paragraph', text })),
    { kind: 'key-values', entries: [...errors, ...found, ...model, ...totals] },
  ];
  if (command) blocks.push({ kind: 'code', text: command });
  return { heading: 'Result', blocks };
}

function levelsSection(data: SolveReportData): Section {
  const all = solveLevelTable(data);
  const last = all.columns.length - 1;
  const blocks: Block[] = [
    // One table of all columns is wider than a page: what levels cost, and what they bring.
    columnsOf(all, (index) => index < COST_COLUMNS || index === last),
    {
      ...columnsOf(all, (index) => index === 1 || (index >= COST_COLUMNS && index < last)),
      caption:
        'Columns named after terms: mean squared residuals. The loss is their weighted sum; held out: at points that training did not see.',
    },
  ];
  const known = data.levels.filter(({ relativeL2 }) => relativeL2 !== null);
  if (known.length > 1) blocks.push({ kind: 'figure', svg: errorChart(known) });
  return { heading: 'Levels', blocks };
}

function columnsOf({ columns, rows, align = [] }: Table, wanted: (index: number) => boolean): Table {
  const kept = <Item>(row: readonly Item[]) => row.filter((_, index) => wanted(index));
  return { kind: 'table', columns: kept(columns), rows: rows.map(kept), align: kept(align) };
}

function errorChart(levels: readonly SolveLevel[]): string {
  const x = levels.map(({ intervals }) => intervals);
  return lineChart({
    title: 'Error at the end of every level',
    xLabel: 'intervals',
    yLabel: 'error',
    xScale: 'log',
    yScale: 'log',
    xTicks: x,
    innerHeight: 220,
    series: [
      { name: 'relative L2', x, y: levels.map(({ relativeL2 }) => relativeL2!) },
      { name: 'max error', x, y: levels.map(({ maxError }) => maxError!), dashed: true },
    ],
  });
}

/** Work at the end of every level, over the whole run. */
function levelEnds(levels: readonly SolveLevel[]): number[] {
  return levels.map((_, index) => levels.slice(0, index + 1).reduce((sum, { work }) => sum + work, 0));
}

function training({ history, levels }: SolveReportData): Section {
  const ends = levelEnds(levels);
  const terms = Object.keys(levels[0]?.terms ?? {});
  const series: LineSeries[] = [
    { name: 'loss', x: history.map(({ work }) => work), y: history.map(({ loss }) => loss) },
    ...terms.map((term) => ({ name: term, x: ends, y: levels.map((level) => level.terms[term]) })),
  ];
  const markers = ends
    .slice(0, -1)
    .map((x, index) => ({ x, label: `n = ${formatCount(levels[index + 1].intervals)}` }));
  const svg = lineChart({
    title: 'Loss terms against work',
    xLabel: WORK,
    yLabel: 'loss, mean squared residual',
    yScale: 'log',
    series,
    markers,
  });
  const caption =
    "Terms are measured at the end of every level and not weighted; the loss is their weighted sum, with attention's " +
    'weights where a term has them. Dotted lines mark the refinements.';
  return { heading: 'Training', blocks: [{ kind: 'figure', svg, caption }] };
}

function solutionSection({ grid, solutions = [] }: SolveReportData): Section[] {
  if (grid === undefined || solutions.length === 0) return [];
  const blocks = solutions.map((solution): Block => ({ kind: 'figure', svg: solutionChart(grid, solution) }));
  return [{ heading: 'Solution', blocks }];
}

/** The same quantity at the end of every level, in colours or on axes that can be compared. */
function levelSections({ grid, pictures = [] }: SolveReportData, { heading, text, of, label }: LevelView): Section[] {
  const names = [...new Set(pictures.flatMap((level) => of(level).map(({ name }) => name)))];
  if (grid === undefined || names.length === 0) return [];
  const blocks = names.map((name): Block => {
    const shown = pictures.flatMap((level) =>
      of(level)
        .filter((picture) => picture.name === name)
        .map(({ values }) => ({ name: `n = ${formatCount(level.intervals)}`, values })),
    );
    const charts = sizeCharts(grid, label(name), shown);
    if (charts.length === 1) return { kind: 'figure', svg: charts[0] };
    return { kind: 'figures', figures: charts.map((svg) => ({ svg })) };
  });
  return [{ heading, blocks: [{ kind: 'paragraph', text }, ...blocks] }];
}

interface LevelView {
  readonly heading: string;
  readonly text: string;
  readonly of: (level: LevelPictures) => readonly Picture[];
  readonly label: (name: string) => string;
}

/** The report on one solution as a self-contained HTML file; sections without data are left out. */
export function solveReport(data: SolveReportData): string {
  return htmlReport({
    title: data.title,
    subtitle: data.subtitle,
    sections: [
      summary(data),
      ...solutionSection(data),
      levelsSection(data),
      training(data),
      ...levelSections(data, {
        heading: 'Error, level by level',
        text: 'Distance from the exact solution at the end of every level; all levels share one scale.',
        of: ({ errors }) => errors,
        label: (name) => `|${name} − exact|`,
      }),
      ...levelSections(data, {
        heading: 'Residual, level by level',
        text: 'Size of the equations’ residual at the end of every level; all levels share one scale.',
        of: ({ residuals }) => residuals,
        label: (name) => `|residual of ${name}|`,
      }),
    ],
  });
}
