/**
 * Table 2 of the paper: a regression problem over five seeds, at the paper's number of epochs and at more of them, and
 * what becomes of it under other choices where the paper names none.
 */
import type { Basis, CurvePoint } from '../src/node.ts';
import { CpuBackend } from '../src/node.ts';
import { lineChart } from '../src/report/charts.ts';
import { formatRatio } from '../src/report/format.ts';
import { markdownTable } from '../src/report/markdown.ts';
import {
  type Architecture,
  type Choices,
  MODES,
  OUR_CHOICES,
  type Outcome,
  PLANS,
  trainOnce,
} from './regression-case.ts';
import { quick, type Summary, summarise, writeReport } from './shared.ts';

const SEEDS = quick ? [1234, 1235] : [1234, 1235, 1236, 1237, 1238];
/** Multiples of the paper's epochs. 20 is what an epoch comes to where it is one call of PyTorch's L-BFGS. */
const BUDGETS = quick ? [1, 5] : [1, 10, 20];
const VARIANT_BUDGETS = quick ? [1] : [1, 10];
/** An evaluation of the largest MLP costs ten of the KANs. */
const MOST_MLP_BUDGET = 10;

/** Means and standard deviations that the paper prints, coarse, fine and multilevel. */
const PAPER_KAN: Readonly<Record<Basis, readonly string[]>> = {
  'power-relu': ['1.10e-2 (8.3e-3)', '1.35 (0.15)', '1.06e-2 (8.0e-3)'],
  spline: ['1.65e-3 (4.2e-5)', '2.54e-3 (5.6e-3)', '3.67e-5 (7.2e-5)'],
};
const PAPER_MLP = [
  { widths: [2, 5, 1], value: '2.94e-2' },
  { widths: [2, 30, 1], value: '1.02e-3' },
  { widths: [2, 20, 20, 1], value: '3.33e-4' },
];

const BASIS_NAMES = { spline: 'spline', 'power-relu': 'ReLU' };

const VARIANTS: readonly { readonly name: string; readonly choices: Partial<Choices> }[] = [
  { name: 'as above', choices: {} },
  { name: 'hidden domain [-4, 4]', choices: { hiddenDomain: [-4, 4] } },
  { name: 'inputs on [0, 1], hidden domain [-1, 1]', choices: { inputRange: [0, 1] } },
  { name: 'inputs on [0, 1], hidden domain [-4, 4]', choices: { inputRange: [0, 1], hiddenDomain: [-4, 4] } },
  { name: 'L-BFGS history 10', choices: { history: 10 } },
  { name: 'L-BFGS history 100', choices: { history: 100 } },
];

interface Row {
  readonly model: string;
  readonly paper?: string;
  readonly architecture: Architecture;
}

interface Result {
  readonly architecture: Architecture;
  readonly choices: Choices;
  readonly budget: number;
  readonly outcomes: readonly Outcome[];
}

const backend = new CpuBackend();
const results = new Map<string, Result>();
const sections = [
  await reproductionTable(),
  await convergenceTable(),
  await gains(),
  '## What the paper leaves open\n\nMean squared error of training, spline basis, linear layer first.',
  await choicesTable(),
];
writeReport({
  name: 'paper-table2',
  title: 'Regression: the paper’s Table 2',
  sections: [introduction(), ...sections],
  charts: { '': await curveChart(BUDGETS[0]), long: await curveChart(BUDGETS[BUDGETS.length - 1]) },
  results: [...results.values()].map(({ outcomes, ...run }) => ({
    ...run,
    seeds: SEEDS,
    outcomes: outcomes.map(({ curve: _, ...outcome }) => outcome),
  })),
});

function introduction(): string {
  return [
    'Mean squared error on the training points, targets on [0, 1], float64 on the CPU. An epoch is one evaluation of loss ' +
      'and gradient over all points and costs n units of work on n intervals. Coarse: 128 epochs at n = 5; fine: 16 at ' +
      'n = 40; multilevel: 32, 16, 8 and 4 at n = 5, 10, 20 and 40; 640 units each, and multiples of them. MLPs: 128 epochs.',
    'The paper names the function, the points, L-BFGS with step 1, the intervals, the epochs and the numbers of ' +
      'parameters. Our choices for the rest: cubic splines; a linear layer with bias (55 and 230 parameters); inputs on ' +
      '[-1, 1]; hidden grids on [-1, 1], continued linearly outside; uniform linear weights in ±1/√2, edges straight lines ' +
      'of random slope with 10 % noise; L-BFGS with a strong Wolfe line search from step 1 and 50 curvature pairs; the ' +
      'seed draws the points and the initial weights. Our MLPs have one bias more than the paper counts.',
    'If an epoch of the paper is one call of PyTorch’s L-BFGS, it is up to 20 iterations, and the column ×20 is the one to ' +
      'compare; a single evaluation per epoch is the strictest reading.',
  ].join('\n\n');
}

function kanRows(kind: 'linear-then-spline' | 'spline', model: string, paper?: typeof PAPER_KAN): Row[] {
  return (['power-relu', 'spline'] as const).flatMap((basis) =>
    MODES.map((mode, index) => ({
      model: `${model}, ${BASIS_NAMES[basis]} basis, ${mode}`,
      paper: paper?.[basis][index],
      architecture: { kind, basis, mode } as const,
    })),
  );
}

function allRows(): Row[] {
  return [
    ...kanRows('linear-then-spline', 'KAN [2,5,1], linear first layer', PAPER_KAN),
    ...kanRows('spline', 'KAN [2,5,1], splines in both layers'),
    ...PAPER_MLP.map(({ widths, value }) => ({
      model: `MLP [${widths}], ReLU`,
      paper: value,
      architecture: { kind: 'mlp', widths } as const,
    })),
  ];
}

async function reproductionTable(): Promise<string> {
  const rows = [];
  for (const { model, paper, architecture } of allRows()) {
    const outcomes = await outcomesOf(architecture, BUDGETS[0]);
    const { cell, summary } = describe(outcomes);
    const extremes = outcomes.map(({ train }) => train).sort((a, b) => a - b);
    const range = `${scientific(extremes[0])} – ${scientific(extremes[extremes.length - 1])}`;
    const test = summarise(outcomes.map((outcome) => outcome.test)).median;
    rows.push([
      model,
      outcomes[0].parameters,
      paper ?? null,
      cell,
      scientific(summary.median),
      range,
      scientific(test),
    ]);
  }
  const columns = ['model', 'parameters', 'paper, mean (sd)', 'ours, mean (sd)', 'median', 'range', 'test, median'];
  return `## At the paper’s epochs, one evaluation each\n\n${markdownTable({ columns, rows })}`;
}

async function convergenceTable(): Promise<string> {
  const rows = [];
  for (const { model, paper, architecture } of allRows()) {
    const cells: (string | null)[] = [model, paper ?? null];
    for (const budget of BUDGETS) {
      if (architecture.kind === 'mlp' && budget > MOST_MLP_BUDGET) {
        cells.push(null, null);
        continue;
      }
      const { cell, summary } = describe(await outcomesOf(architecture, budget));
      cells.push(cell, scientific(summary.median));
    }
    rows.push(cells);
  }
  const columns = BUDGETS.flatMap((budget) => [`×${budget}, mean (sd)`, `×${budget}, median`]);
  return `## With more epochs\n\n${markdownTable({ columns: ['model', 'paper, mean (sd)', ...columns], rows })}`;
}

/** Medians of single-level over multilevel training, spline basis. */
async function gains(): Promise<string> {
  const sentences = [];
  for (const kind of ['linear-then-spline', 'spline'] as const) {
    const gainsAt = [];
    for (const budget of BUDGETS) {
      const [coarse, fine, multilevel] = await Promise.all(
        MODES.map(async (mode) => describe(await outcomesOf({ kind, basis: 'spline', mode }, budget)).summary.median),
      );
      gainsAt.push(`×${budget}: ${formatRatio(fine / multilevel)} (${formatRatio(coarse / multilevel)})`);
    }
    const model = kind === 'spline' ? 'splines in both layers' : 'linear first layer';
    sentences.push(`${model} ${gainsAt.join(', ')}`);
  }
  return `Median of fine only (coarse only) over that of multilevel, spline basis: ${sentences.join('; ')}.`;
}

async function choicesTable(): Promise<string> {
  const rows = [];
  for (const { name, choices } of VARIANTS) {
    for (const budget of VARIANT_BUDGETS) {
      const cells = [name, `×${budget}`];
      for (const mode of MODES) {
        const architecture = { kind: 'linear-then-spline', basis: 'spline', mode } as const;
        const { cell, summary } = describe(await outcomesOf(architecture, budget, choices));
        cells.push(cell, scientific(summary.median));
      }
      rows.push(cells);
    }
  }
  const columns = MODES.flatMap((mode) => [`${mode}, mean (sd)`, `${mode}, median`]);
  return markdownTable({ columns: ['choice', 'epochs', ...columns], rows });
}

async function outcomesOf(
  architecture: Architecture,
  budget: number,
  changes: Partial<Choices> = {},
): Promise<readonly Outcome[]> {
  const choices = { ...OUR_CHOICES, ...changes };
  const key = JSON.stringify([architecture, choices, budget]);
  let result = results.get(key);
  if (result === undefined) {
    const outcomes: Outcome[] = [];
    for (const seed of SEEDS) outcomes.push(await trainOnce(backend, { architecture, choices, budget, seed }));
    result = { architecture, choices, budget, outcomes };
    results.set(key, result);
    console.log(
      key,
      outcomes.map(({ train }) => train.toExponential(2)).join(' '),
      `${outcomes[0].seconds.toFixed(1)} s`,
    );
  }
  return result.outcomes;
}

/** Training errors of the runs that did not break down, and how many did. */
function describe(outcomes: readonly Outcome[]): { summary: Summary; cell: string } {
  const finite = outcomes.map(({ train }) => train).filter(Number.isFinite);
  const summary = summarise(finite);
  const broken = outcomes.length - finite.length;
  const cell = `${scientific(summary.mean)} (${scientific(summary.sd, 1)})`;
  return { summary, cell: broken > 0 ? `${cell}, ${broken} broke down` : cell };
}

/** `3.67e-5`, as the paper prints errors. */
function scientific(value: number, decimals = 2): string {
  return value.toExponential(decimals).replace('e+', 'e');
}

/** Loss against work of the run whose final loss is the median one. */
async function curveChart(budget: number): Promise<string> {
  const series = [];
  for (const basis of ['spline', 'power-relu'] as const) {
    for (const mode of MODES) {
      const outcomes = await outcomesOf({ kind: 'linear-then-spline', basis, mode }, budget);
      const curve = medianRun(outcomes);
      const name = `${BASIS_NAMES[basis]} basis, ${mode}`;
      series.push({
        name,
        x: curve.map(({ work }) => work),
        y: curve.map(({ loss }) => loss),
        dashed: basis === 'power-relu',
      });
    }
  }
  return lineChart({
    title: `Regression, KAN [2,5,1] with a linear first layer: loss against work, ×${budget} the paper’s epochs`,
    xLabel: 'work: epochs × intervals',
    yLabel: 'training mean squared error',
    yScale: 'log',
    series,
    markers: refinements(budget),
    notes: [`The seed with the median final loss of ${SEEDS.length}.`],
  });
}

/** Where multilevel training doubles its grid. */
function refinements(budget: number) {
  const { intervals, epochs } = PLANS.multilevel;
  let work = 0;
  return epochs.slice(0, -1).map((epoch, level) => {
    work += epoch * budget * intervals * 2 ** level;
    return { x: work, label: `n = ${intervals * 2 ** (level + 1)}` };
  });
}

function medianRun(outcomes: readonly Outcome[]): readonly CurvePoint[] {
  const sorted = outcomes.filter(({ train }) => Number.isFinite(train)).sort((a, b) => a.train - b.train);
  return sorted[Math.floor((sorted.length - 1) / 2)]?.curve ?? [];
}
