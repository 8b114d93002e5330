/**
 * What optimizers reach: functions and differential equations, coarse to fine and on the finest grid from the start,
 * errors against evaluations and against seconds.
 *
 * An evaluation is one of loss and gradient; of Levenberg–Marquardt also one assembly of the normal equations, and one
 * trial of a step. It ends a level on its own where going on brings little; the others spend what they may.
 */
import {
  adam,
  adamThenLbfgs,
  type Backend,
  CpuBackend,
  interior,
  Kan,
  lbfgs,
  levenbergMarquardt,
  type Optimizer,
  openBackend,
  type Pde,
  regression,
  regressionTargets,
  sampleTarget,
  solve,
  type TrainingHistory,
  trainMultilevel,
} from '../src/node.ts';
import { allenCahnPde } from '../src/physics/problems/allen-cahn.ts';
import { burgersPde } from '../src/physics/problems/burgers.ts';
import { poissonInterfacePde } from '../src/physics/problems/poisson-interface.ts';
import { poissonSmoothPde } from '../src/physics/problems/poisson-smooth.ts';
import { lineChart } from '../src/report/charts.ts';
import { formatSeconds } from '../src/report/format.ts';
import { markdownTable } from '../src/report/markdown.ts';
import { kept, scientific } from './physics-case.ts';
import { type Choices, OUR_CHOICES, trainOnce } from './regression-case.ts';
import { median, quick, timesOf, writeReport } from './shared.ts';

const SEEDS = quick ? [0] : [0, 1, 2];
/** Those of the paper's Table 2. */
const PAPER_SEEDS = quick ? [1234] : [1234, 1235, 1236, 1237, 1238];
const LEVELS = quick ? 2 : 4;

/** Most evaluations per level, coarse to fine; on the finest grid alone a run gets as much work. */
const FIRST_ORDER_STEPS = quick ? 20 : 200;
const REGRESSION_STEPS = quick ? 10 : 100;
const PDE_STEPS = quick ? 10 : 60;

const SECOND_ORDER = 'Levenberg–Marquardt';
const OPTIMIZERS: Readonly<Record<string, () => Optimizer>> = {
  Adam: () => adam(),
  'L-BFGS': () => lbfgs(),
  'Adam, then L-BFGS': () => adamThenLbfgs(),
  [SECOND_ORDER]: () => levenbergMarquardt(),
};

interface Level {
  readonly intervals: number;
  readonly error: number;
  readonly work: number;
  readonly seconds: number;
}

interface Outcome {
  readonly error: number;
  readonly loss: number;
  readonly parameters: number;
  readonly evaluations: number;
  readonly work: number;
  /** Of processor time: the machine may have other things to do. */
  readonly seconds: number;
  readonly levels: readonly Level[];
}

interface Task {
  readonly name: string;
  /** What the error is. */
  readonly figure: 'test MSE' | 'training MSE' | 'relative L2';
  /** Of the coarsest grid. */
  readonly intervals: number;
  readonly seeds: readonly number[];
  /** Most evaluations of Levenberg–Marquardt per level. */
  readonly steps: number;
  /**
   * What a software adapter does in minutes: all optimizers on all seeds, Levenberg–Marquardt on all of them, that and Adam,
   * then L-BFGS, on the first seed, or nothing.
   */
  readonly webgpu: 'all' | 'second-order' | 'some' | 'none';
  run(backend: Backend, plan: Plan): Promise<Omit<Outcome, 'seconds'>>;
}

interface Plan {
  readonly optimizer: Optimizer;
  readonly intervals: number;
  readonly stepsPerLevel: readonly number[];
  readonly seed: number;
}

const TASKS: readonly Task[] = [
  regressionTask('exp(sin πx + y²), [2,5,1] cubic', 'exp-sine'),
  regressionTask('sin 2π(x² + y²), [2,5,1] cubic', 'sine-rings'),
  paperTask('The paper’s Table 2: linear 2→5, splines 5→1 on [-2, 2]'),
  pdeTask('Smooth Poisson, [2,5,1] degree 4', () => poissonSmoothPde(), [5], 'all'),
  pdeTask('Poisson with an interface, 8000 points, [3,5,1] degree 4', () => poissonInterfacePde(), [5], 'second-order'),
  pdeTask(
    'Burgers, ν = 0.01/π, [2,5,5,1] degree 4',
    () => burgersPde({ viscosity: 0.01 / Math.PI, volume: interior(8000) }),
    [5, 5],
  ),
  pdeTask('Allen–Cahn, [3,5,5,1] degree 4', () => allenCahnPde({ volume: interior(8000) }), [5, 5], 'none'),
];

const MODES = ['multilevel', 'single level'] as const;

const cpu = new CpuBackend();
const webgpu = await openBackend({ device: 'webgpu' });
const sections: string[] = [];
const results: unknown[] = [];
const charts: Record<string, string> = {};
for (const [index, task] of TASKS.entries()) {
  const rows: (string | number | null)[][] = [];
  const series: Series[] = [];
  for (const mode of MODES) {
    for (const name of Object.keys(OPTIMIZERS)) {
      const outcomes = await outcomesOf(cpu, task, { mode, name }, task.seeds);
      const onDevice = await outcomesOf(webgpu, task, { mode, name }, deviceSeeds(task, { mode, name }));
      rows.push(rowOf({ mode, name }, outcomes, onDevice));
      if (mode === 'multilevel' && outcomes[0].levels.length > 0) series.push(seriesOf(name, outcomes));
    }
  }
  const errors = `${task.figure}, median`;
  const columns = [
    '',
    'optimizer',
    errors,
    'range',
    'evaluations',
    'work',
    'seconds',
    'WebGPU, median',
    'seeds',
    'seconds',
  ];
  sections.push(`## ${task.name}\n\n${markdownTable({ columns, rows })}`);
  for (const axis of series.length > 0 ? (['work', 'seconds'] as const) : []) {
    charts[`${index + 1}-${axis}`] = lineChart({
      title: `${task.name}: ${task.figure} at the end of every level, coarse to fine`,
      xLabel: axis === 'work' ? 'work (epochs × intervals)' : 'seconds',
      yLabel: task.figure,
      xScale: 'log',
      yScale: 'log',
      series: series.map(({ name, [axis]: x, y }) => ({ name, x, y })),
    });
  }
}
writeReport({
  name: 'optimizers',
  title: 'Optimizers, error against work and time',
  sections: [
    `Medians over seeds ${SEEDS.join(', ')} (Table 2: the paper’s ${PAPER_SEEDS.join(', ')}), float64 on the CPU. ${LEVELS} levels ` +
      `of at most ${FIRST_ORDER_STEPS} evaluations, of Levenberg–Marquardt at most ${REGRESSION_STEPS} in regression and ${PDE_STEPS} ` +
      'in differential equations. Single level: the finest grid from the start, at most as much work. An evaluation on n ' +
      'intervals is n units of work; of Levenberg–Marquardt, assembling the equations of a step is one evaluation and trying a ' +
      'step another. Seconds are of processor time, set-up included. All optimizers with their default settings.',
    'Differential equations are solved as `solve` does it, watching points held out from training. WebGPU is a software ' +
      'adapter here: its errors are those of float32 on any device, its seconds say nothing of a GPU.',
    ...sections,
  ],
  charts,
  webgpu,
  results,
});

/** A row of the table. */
interface Method {
  readonly mode: (typeof MODES)[number];
  readonly name: string;
}

function planOf({ mode, name }: Method, { intervals, steps }: Task): Pick<Plan, 'intervals' | 'stepsPerLevel'> {
  const most = name === SECOND_ORDER ? steps : FIRST_ORDER_STEPS;
  if (mode === 'multilevel') return { intervals, stepsPerLevel: new Array<number>(LEVELS).fill(most) };
  const finest = 2 ** (LEVELS - 1);
  return { intervals: intervals * finest, stepsPerLevel: [Math.round((most * (2 ** LEVELS - 1)) / finest)] };
}

function deviceSeeds({ webgpu, seeds }: Task, { mode, name }: Method): readonly number[] {
  if (mode !== 'multilevel' || webgpu === 'none') return [];
  if (webgpu === 'all' || (webgpu === 'second-order' && name === SECOND_ORDER)) return seeds;
  return name === SECOND_ORDER || name === 'Adam, then L-BFGS' ? seeds.slice(0, 1) : [];
}

async function outcomesOf(backend: Backend, task: Task, method: Method, seeds: readonly number[]): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const { mode, name } = method;
  for (const seed of seeds) {
    const plan = planOf(method, task);
    const outcome = await kept(['optimizers', backend.name, task.name, mode, name, plan, seed], async () => {
      let result!: Omit<Outcome, 'seconds'>;
      const { processor } = await timesOf(async () => {
        result = await task.run(backend, { ...plan, optimizer: OPTIMIZERS[name](), seed });
      });
      return { ...result, seconds: processor };
    });
    outcomes.push(outcome);
    results.push({ task: task.name, backend: backend.name, mode, optimizer: name, seed, ...outcome });
    const { error, loss, evaluations, seconds } = outcome;
    console.log(
      `${task.name}, ${mode}, ${name}, seed ${seed}, ${backend.name}: ${scientific(error)}, loss ${scientific(loss)}, ${evaluations} evaluations, ${formatSeconds(seconds)}`,
    );
  }
  return outcomes;
}

function errorsOf(outcomes: readonly Outcome[]): number[] {
  return outcomes.map(({ error }) => (Number.isNaN(error) ? Number.POSITIVE_INFINITY : error));
}

function rowOf({ mode, name }: Method, outcomes: readonly Outcome[], onDevice: readonly Outcome[]) {
  const errors = errorsOf(outcomes);
  const medianOf = (key: 'evaluations' | 'work' | 'seconds', of: readonly Outcome[]) =>
    median(of.map((run) => run[key]));
  const device =
    onDevice.length === 0
      ? [null, null, null]
      : [scientific(median(errorsOf(onDevice))), onDevice.length, formatSeconds(medianOf('seconds', onDevice))];
  return [
    mode,
    name,
    scientific(median(errors)),
    `${scientific(Math.min(...errors), 1)} – ${scientific(Math.max(...errors), 1)}`,
    Math.round(medianOf('evaluations', outcomes)),
    Math.round(medianOf('work', outcomes)),
    formatSeconds(medianOf('seconds', outcomes)),
    ...device,
  ];
}

/** A multilevel run for the charts, over both axes. */
interface Series {
  readonly name: string;
  readonly work: number[];
  readonly seconds: number[];
  readonly y: number[];
}

/** The run with the median error, level by level. */
function seriesOf(name: string, outcomes: readonly Outcome[]): Series {
  const sorted = [...outcomes].sort((a, b) => errorsOf([a])[0] - errorsOf([b])[0]);
  const { levels } = sorted[Math.floor((sorted.length - 1) / 2)];
  return {
    name,
    work: cumulated(levels.map(({ work }) => work)),
    seconds: cumulated(levels.map(({ seconds }) => seconds)),
    y: levels.map(({ error }) => error),
  };
}

function regressionTask(name: string, target: keyof typeof regressionTargets): Task {
  return {
    name,
    figure: 'test MSE',
    intervals: 4,
    seeds: SEEDS,
    steps: REGRESSION_STEPS,
    webgpu: 'all',
    async run(backend, { optimizer, intervals, stepsPerLevel, seed }) {
      const size = quick ? 400 : 2000;
      const { train, test } = sampleTarget(regressionTargets[target], { train: size, test: size, seed });
      const initial = Kan.create(backend, { widths: [2, 5, 1], intervals, seed });
      const { model, history } = await trainMultilevel(initial, regression(train), {
        optimizer,
        stepsPerLevel,
        watch: { test: regression(test) },
      });
      initial.dispose();
      model.dispose();
      return outcomeOf(history, 'test');
    },
  };
}

/** Targets on [0, 1], as in the paper; what it leaves open as in paper-table2, but a hidden domain that nothing leaves. */
function paperTask(name: string): Task {
  return {
    name,
    figure: 'training MSE',
    intervals: 5,
    seeds: PAPER_SEEDS,
    steps: REGRESSION_STEPS,
    webgpu: 'second-order',
    async run(backend, { optimizer, stepsPerLevel, seed }) {
      const mode = stepsPerLevel.length > 1 ? 'multilevel' : 'fine';
      const choices: Choices = { ...OUR_CHOICES, hiddenDomain: [-2, 2] };
      const architecture = { kind: 'linear-then-spline', basis: 'spline', mode } as const;
      const run = { architecture, choices, budget: 1, seed, optimizer, stepsPerLevel };
      const { train, parameters, evaluations, work } = await trainOnce(backend, run);
      return { error: train, loss: train, parameters, evaluations, work, levels: [] };
    },
  };
}

function pdeTask(name: string, pde: () => Pde, hidden: readonly number[], webgpu: Task['webgpu'] = 'some'): Task {
  return {
    name,
    figure: 'relative L2',
    intervals: 4,
    seeds: SEEDS,
    steps: PDE_STEPS,
    webgpu,
    async run(backend, { optimizer, intervals, stepsPerLevel, seed }) {
      const { model, history } = await solve(backend, pde(), { hidden, intervals, optimizer, stepsPerLevel, seed });
      model.dispose();
      return outcomeOf(history, 'relativeL2');
    },
  };
}

function outcomeOf({ levels, evaluations, work }: TrainingHistory, figure: string): Omit<Outcome, 'seconds'> {
  const { watched, trainLoss: loss, parameters } = levels[levels.length - 1];
  return {
    error: watched![figure],
    loss,
    parameters,
    evaluations,
    work,
    levels: levels.map((level) => ({
      intervals: level.intervals[0],
      work: level.work,
      error: level.watched![figure],
      seconds: level.seconds,
    })),
  };
}

function cumulated(seconds: readonly number[]): number[] {
  let total = 0;
  return seconds.map((own) => (total += own));
}
