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
  type RegressionTarget,
  regression,
  regressionTargets,
  sampleTarget,
  solve,
  type TrainingHistory,
  trainMultilevel,
} from '../src/node.ts';
import { allenCahnPde } from '../src/physics/problems/allen-cahn.ts';
import { burgersPde } from '../src/physics/problems/burgers.ts';
import { poissonInterfaceScatteredPde } from '../src/physics/problems/poisson-interface.ts';
import { poissonSmoothPde } from '../src/physics/problems/poisson-smooth.ts';
import { lineChart } from '../src/report/charts.ts';
import { formatSeconds } from '../src/report/format.ts';
import { markdownTable } from '../src/report/markdown.ts';
import { kept, scientific } from './physics-case.ts';
import { quick, summarise, timesOf, writeReport } from './shared.ts';

const SEEDS = quick ? [0] : [0, 1, 2];
const LEVELS = quick ? 2 : 4;
/** Most evaluations per level, coarse to fine; on the finest grid alone a run gets as much work. */
const STEPS = quick ? 20 : 200;

const OPTIMIZERS: Readonly<Record<string, () => Optimizer>> = {
  Adam: () => adam(),
  'L-BFGS': () => lbfgs(),
  'Adam, then L-BFGS': () => adamThenLbfgs(),
  'Levenberg–Marquardt': () => levenbergMarquardt(),
};

interface Outcome {
  readonly error: number;
  readonly loss: number;
  readonly parameters: number;
  readonly evaluations: number;
  /** Of processor time: the machine may have other things to do. */
  readonly seconds: number;
  readonly levels: readonly { readonly intervals: number; readonly error: number; readonly seconds: number }[];
}

interface Task {
  readonly name: string;
  /** What the error is. */
  readonly figure: 'test MSE' | 'relative L2';
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
  regressionTask('the paper’s function, linear 2→5, splines 5→1', 'paper'),
  pdeTask('smooth Poisson, [2,5,1] degree 4', () => poissonSmoothPde(), [5]),
  pdeTask('Poisson with an interface, 8000 points, [3,5,1] degree 4', () => poissonInterfaceScatteredPde(), [5]),
  pdeTask(
    'Burgers, ν = 0.01/π, [2,5,5,1] degree 4',
    () => burgersPde({ viscosity: 0.01 / Math.PI, volume: interior(8000) }),
    [5, 5],
  ),
  pdeTask('Allen–Cahn, [3,5,5,1] degree 4', () => allenCahnPde({ volume: interior(8000) }), [5, 5]),
];

const MODES = ['multilevel', 'single level'] as const;

const cpu = new CpuBackend();
const webgpu = await openBackend({ device: 'webgpu' });
const sections: string[] = [];
const results: unknown[] = [];
const charts: Record<string, string> = {};
for (const [index, task] of TASKS.entries()) {
  const rows: (string | number | null)[][] = [];
  const series: { name: string; x: number[]; y: number[]; dashed: boolean }[] = [];
  for (const mode of MODES) {
    for (const [name, optimizer] of Object.entries(OPTIMIZERS)) {
      const outcomes = await outcomesOf(cpu, task, mode, name, optimizer, SEEDS);
      const onDevice = await outcomesOf(webgpu, task, mode, name, optimizer, mode === 'multilevel' ? [0] : []);
      rows.push(rowOf(mode, name, outcomes, onDevice));
      const middle = [...outcomes].sort((a, b) => a.error - b.error)[Math.floor((outcomes.length - 1) / 2)];
      series.push({
        name: `${name}, ${mode}`,
        x: cumulated(middle.levels.map(({ seconds }) => seconds)),
        y: middle.levels.map(({ error }) => error),
        dashed: mode === 'single level',
      });
    }
  }
  const columns = ['', 'optimizer', `${task.figure}, median`, 'range', 'evaluations', 'seconds', 'WebGPU, seed 0'];
  sections.push(`## ${task.name}\n\n${markdownTable({ columns, rows })}`);
  charts[String(index + 1)] = lineChart({
    title: `${task.name}: ${task.figure} at the end of every level`,
    xLabel: 'seconds',
    yLabel: task.figure,
    xScale: 'log',
    yScale: 'log',
    series,
  });
}
writeReport({
  name: 'optimizers',
  title: 'Optimizers, error against work and time',
  sections: [
    `Medians over seeds ${SEEDS.join(', ')}, float64 on the CPU. ${LEVELS} levels of at most ${STEPS} evaluations; single level: the ` +
      'finest grid from the start, at most as much work (an evaluation on n intervals costs n). Seconds are of processor time. ' +
      'All optimizers with their default settings.',
    ...sections,
  ],
  charts,
  webgpu,
  results,
});

function planOf(mode: (typeof MODES)[number], intervals: number): Pick<Plan, 'intervals' | 'stepsPerLevel'> {
  if (mode === 'multilevel') return { intervals, stepsPerLevel: new Array<number>(LEVELS).fill(STEPS) };
  const finest = 2 ** (LEVELS - 1);
  return { intervals: intervals * finest, stepsPerLevel: [Math.round((STEPS * (2 ** LEVELS - 1)) / finest)] };
}

async function outcomesOf(
  backend: Backend,
  task: Task,
  mode: (typeof MODES)[number],
  name: string,
  optimizer: () => Optimizer,
  seeds: readonly number[],
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const seed of seeds) {
    const plan = planOf(mode, task.name.startsWith('the paper') ? 5 : 4);
    const outcome = await kept(['optimizers', backend.name, task.name, mode, name, plan, seed], async () => {
      let result!: Omit<Outcome, 'seconds'>;
      const { processor } = await timesOf(async () => {
        result = await task.run(backend, { ...plan, optimizer: optimizer(), seed });
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

function rowOf(mode: string, name: string, outcomes: readonly Outcome[], onDevice: readonly Outcome[]) {
  const errors = outcomes.map(({ error }) => (Number.isNaN(error) ? Number.POSITIVE_INFINITY : error));
  return [
    mode,
    name,
    scientific(summarise(errors).median),
    `${scientific(Math.min(...errors))} – ${scientific(Math.max(...errors))}`,
    Math.round(summarise(outcomes.map(({ evaluations }) => evaluations)).median),
    formatSeconds(summarise(outcomes.map(({ seconds }) => seconds)).median),
    onDevice.length > 0 ? scientific(onDevice[0].error) : null,
  ];
}

function regressionTask(name: string, target: keyof typeof regressionTargets): Task {
  const { network }: RegressionTarget = regressionTargets[target];
  return {
    name,
    figure: 'test MSE',
    async run(backend, { optimizer, intervals, stepsPerLevel, seed }) {
      const size = quick ? 400 : 2000;
      const { train, test } = sampleTarget(regressionTargets[target], { train: size, test: size, seed });
      const { leadingLinear } = network ?? {};
      const initial = Kan.create(backend, { widths: [2, 5, 1], intervals, leadingLinear, seed });
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

function pdeTask(name: string, pde: () => Pde, hidden: readonly number[]): Task {
  return {
    name,
    figure: 'relative L2',
    async run(backend, { optimizer, intervals, stepsPerLevel, seed }) {
      const { model, history } = await solve(backend, pde(), { hidden, intervals, optimizer, stepsPerLevel, seed });
      model.dispose();
      return outcomeOf(history, 'relativeL2');
    },
  };
}

function outcomeOf({ levels, evaluations }: TrainingHistory, figure: string): Omit<Outcome, 'seconds'> {
  const { watched, trainLoss: loss, parameters } = levels[levels.length - 1];
  return {
    error: watched![figure],
    loss,
    parameters,
    evaluations,
    levels: levels.map((level) => ({
      intervals: level.intervals[0],
      error: level.watched![figure],
      seconds: level.seconds,
    })),
  };
}

function cumulated(seconds: readonly number[]): number[] {
  let total = 0;
  return seconds.map((own) => (total += own));
}
