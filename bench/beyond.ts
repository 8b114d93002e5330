/**
 * Beyond one pass: does anything that goes back to coarser grids, or knows more of the curvature, beat training coarse
 * to fine once with the same optimizer, at the same work?
 */
import {
  CpuBackend,
  Kan,
  NestkanError,
  type Optimizer,
  regression,
  regressionTargets,
  sampleTarget,
  solve,
  type TrainingHistory,
  trainMultilevel,
} from '../src/node.ts';
import { poissonSmoothPde } from '../src/physics/problems/poisson-smooth.ts';
import { formatSeconds } from '../src/report/format.ts';
import { markdownTable } from '../src/report/markdown.ts';
import type { Tallying } from './beyond-cycles.ts';
import { COARSEST, EXPERIMENTS, type Experiment, LEVELS, type TaskName, type Variant } from './beyond-experiments.ts';
import {
  answerOf,
  COLUMNS,
  conclusionOf,
  type Measured,
  type Outcome,
  rowOf,
  type Verdict,
  verdictOf,
  worst,
} from './beyond-tables.ts';
import { kept, scientific } from './physics-case.ts';
import { quick, timesOf, writeReport } from './shared.ts';

/** Where an experiment has no other number. */
const SEEDS = 3;
const ROWS = quick ? 200 : 2000;

interface Task {
  readonly title: string;
  readonly degree: number;
  run(variant: Variant, optimizer: Optimizer, seed: number): Promise<TrainingHistory>;
}

const cpu = new CpuBackend();

const TASKS: Readonly<Record<TaskName, Task>> = {
  'exp-sine': regressionTask('exp-sine', 5),
  'sine-rings': regressionTask('sine-rings', 5),
  poisson: {
    title: 'smooth Poisson, [2,5,1] degree 4',
    degree: 4,
    async run({ intervals, stepsPerLevel }, optimizer, seed) {
      const pde = quick ? poissonSmoothPde({ volumePoints: 200, boundaryPoints: 40 }) : poissonSmoothPde();
      const { model, history } = await solve(cpu, pde, { intervals, stepsPerLevel, optimizer, seed, heldOut: false });
      model.dispose();
      return history;
    },
  },
  wide: regressionTask('sine-rings', 14),
};

function regressionTask(target: 'exp-sine' | 'sine-rings', hidden: number): Task {
  return {
    title: `${regressionTargets[target].label}, [2,${hidden},1] cubic`,
    degree: 3,
    async run({ intervals, stepsPerLevel }, optimizer, seed) {
      const { train, test } = sampleTarget(regressionTargets[target], { train: ROWS, test: ROWS, seed });
      const initial = Kan.create(cpu, { widths: [2, hidden, 1], intervals, seed });
      const unseen = regression(test);
      const { model, history } = await trainMultilevel(initial, regression(train), {
        optimizer,
        stepsPerLevel,
        watch: { unseen },
      });
      initial.dispose();
      model.dispose();
      return history;
    },
  };
}

async function outcomeOf(name: TaskName, variant: Variant, seed: number): Promise<Outcome> {
  const task = TASKS[name];
  const optimizer: Optimizer & Partial<Tallying> = variant.optimizer(task.degree);
  let history!: TrainingHistory;
  let broken = false;
  const { processor: seconds } = await timesOf(async () => {
    try {
      history = await task.run(variant, optimizer, seed);
    } catch (error) {
      if (!(error instanceof NestkanError) || error.code !== 'NON_FINITE_TRAINING') throw error;
      history = error.where['history'] as TrainingHistory;
      broken = true;
    }
  });
  const { evaluations, work, levels } = history;
  const last = levels.at(-1);
  const { unseen, relativeL2 = Math.sqrt(unseen) } = last?.watched ?? {};
  return {
    error: broken ? Number.NaN : relativeL2,
    loss: broken ? Number.NaN : last!.trainLoss,
    evaluations: optimizer.tally?.evaluations ?? evaluations,
    work,
    parameters: last?.parameters ?? 0,
    seconds,
  };
}

/** Runs that several experiments share. */
const done = new Map<string, Promise<Outcome>>();

async function outcomesOf(name: TaskName, variant: Variant, seeds: number): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (let seed = 0; seed < seeds; seed++) {
    const { intervals, stepsPerLevel } = variant;
    const key = ['beyond', name, variant.name, intervals, stepsPerLevel, seed];
    const text = JSON.stringify(key);
    const isNew = !done.has(text);
    if (isNew)
      done.set(
        text,
        kept(key, () => outcomeOf(name, variant, seed)),
      );
    const outcome = await done.get(text)!;
    outcomes.push(outcome);
    if (!isNew) continue;
    const { error, loss, evaluations, seconds } = outcome;
    const figures = `${scientific(error)}, loss ${scientific(loss)}, ${evaluations} evaluations`;
    console.log(`${TASKS[name].title}, ${variant.name}, seed ${seed}: ${figures}, ${formatSeconds(seconds)}`);
  }
  return outcomes;
}

async function measured(name: TaskName, variants: readonly Variant[], seeds: number): Promise<Measured[]> {
  const rows: Measured[] = [];
  for (const variant of variants) {
    const outcomes = await outcomesOf(name, variant, seeds);
    const baseline = rows.find((row) => row.variant.name === variant.baseline)?.outcomes;
    const over = (figure: 'error' | 'loss') =>
      outcomes.map((outcome, index) => worst(outcome[figure]) / worst(baseline![index][figure]));
    rows.push({ variant, outcomes, ratios: baseline && { error: over('error'), loss: over('loss') } });
  }
  return rows;
}

async function sectionOf(experiment: Experiment): Promise<{ text: string; verdicts: Verdict[] }> {
  const { title, about, tasks, variants, seeds = {} } = experiment;
  const tables: string[] = [];
  const byTask: Measured[][] = [];
  for (const name of tasks) {
    const count = quick ? 1 : (seeds[name] ?? SEEDS);
    const measurements = await measured(name, variants, count);
    const table = markdownTable({ columns: COLUMNS, rows: measurements.map(rowOf) });
    byTask.push(measurements);
    tables.push(`### ${title}: ${TASKS[name].title}, ${count} seeds\n\n${table}`);
  }
  const verdicts = variants
    .map((variant, index) => ({ variant, rows: byTask.map((rows) => rows[index]) }))
    .filter(({ variant }) => variant.baseline !== undefined)
    .map(({ variant, rows }) => verdictOf(variant, rows));
  return { text: [`## ${title}`, about, conclusionOf(verdicts), ...tables].join('\n\n'), verdicts };
}

const sections: string[] = [];
const verdicts: Verdict[] = [];
for (const experiment of EXPERIMENTS) {
  const section = await sectionOf(experiment);
  sections.push(section.text);
  verdicts.push(...section.verdicts);
}
const runs = await Promise.all([...done].map(async ([key, outcome]) => ({ key: JSON.parse(key), ...(await outcome) })));
writeReport({
  name: 'beyond',
  title: 'Beyond one pass',
  sections: [
    `Multilevel training goes through the grids once, coarse to fine. Does anything below beat that pass with the same
optimizer, at the same work? ${LEVELS} levels from ${COARSEST} to ${COARSEST * 2 ** (LEVELS - 1)} intervals; an evaluation
on n intervals is work n. Float64 on the CPU. The error is the root mean square on test points over that of the function:
relative L2 of a solution, and of a regression, whose targets have variance 1, the root of the test error. Medians and
ranges are over seeds 0, 1, 2 …, of points and of initial weights. "Of one pass" is the geometric mean over seeds of the
error, or the loss, over that of the one-pass cascade at the same work, the row with 1× above; lists give it for the
error, problem by problem. With so few seeds a few tenths more or less mean little. An evaluation is one of loss and
gradient, of Levenberg–Marquardt an assembly of the normal equations or a trial of a step. Seconds are of processor
time; all ${runs.length} runs together took ${formatSeconds(runs.reduce((sum, { seconds }) => sum + seconds, 0))}.`,
    answerOf(verdicts),
    ...sections,
  ],
  charts: {},
  results: runs,
});
