/**
 * `npm run quickstart`: on two targets, nestkan's default, Levenberg–Marquardt coarse to fine, beside the paper's method,
 * first-order training coarse to fine, and what the paper compares it with: the finest grid alone, the ReLU basis, an MLP.
 * The default run once more on the other backend; a table and an HTML report.
 */
import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import {
  adamThenLbfgs,
  type Backend,
  CpuBackend,
  compareMethods,
  type KanOptions,
  type MethodName,
  type MethodResult,
  NestkanError,
  type OpenedBackend,
  type Optimizer,
  openBackend,
  type RegressionTarget,
  regressionTargets,
  type SampledTarget,
  sampleTarget,
  writeFileAtomically,
} from '../src/node.ts';
import { type BackendRun, type ComparedProblem, compareReport, methodTable } from '../src/report/compare-report.ts';
import { formatNumber, formatRatio, formatSeconds } from '../src/report/format.ts';
import { markdownTable } from '../src/report/markdown.ts';
import { median } from './shared.ts';

/** One seed and fewer steps: whether everything works, not how well. */
const short = process.argv.includes('--short');
const SEEDS = short ? [0] : [0, 1, 2];
const ROWS = { train: 2000, test: 4000 };
const LEVELS = 4;

/** Methods trained alike. Steps of Levenberg–Marquardt take longer: the others get more work, the paper's method most. */
interface Trainings {
  readonly optimizer?: Optimizer;
  readonly steps: number;
  readonly methods: readonly MethodName[];
}
const DEFAULT: Trainings = { steps: short ? 25 : 60, methods: ['multilevel', 'single-level'] };
const PAPER: Trainings = { optimizer: adamThenLbfgs(), steps: short ? 100 : 300, methods: ['multilevel'] };
const ALTERNATIVES: Trainings = {
  optimizer: adamThenLbfgs(),
  steps: short ? 30 : 100,
  methods: ['single-level', 'power-relu', 'mlp'],
};

interface Task {
  readonly name: string;
  readonly target: RegressionTarget;
  readonly network: KanOptions & { readonly intervals: number };
  readonly about: string;
}

const TASKS: readonly Task[] = [
  {
    name: 'the paper’s target',
    target: regressionTargets.paper,
    network: { widths: [2, 5, 1], ...regressionTargets.paper.network },
    about: 'a linear map 2→5, then splines 5→1, as in the paper; 5, 10, 20, 40 intervals',
  },
  {
    name: 'sine rings',
    target: regressionTargets['sine-rings'],
    network: { widths: [2, 5, 1], intervals: 4 },
    about: 'splines 2→5→1; 4, 8, 16, 32 intervals',
  },
];

const start = performance.now();
const main = await openBackend({ device: 'auto' });
const other = await otherBackend(main);
say(`Training on ${deviceOf(main)}: ${main.choice.reason}.`);
const problems: ComparedProblem[] = [];
for (const task of TASKS) problems.push(await study(task));
const report = resolve('build', 'quickstart.html');
mkdirSync('build', { recursive: true });
const conclusion = conclude(problems);
await writeFileAtomically(
  report,
  new TextEncoder().encode(
    compareReport({
      title: 'nestkan quickstart',
      subtitle: 'Levenberg–Marquardt coarse to fine, beside the paper’s method and its alternatives',
      command: 'npm run quickstart',
      device: deviceOf(main),
      conclusion,
      problems,
      notes: [
        `Medians over ${SEEDS.length} seeds. ${ROWS.train} random training points, ${ROWS.test} test points, targets scaled to variance 1.`,
        'lm: Levenberg–Marquardt, the default. adam-lbfgs: Adam, then L-BFGS.',
        `Work counts an epoch on n intervals as n. Levenberg–Marquardt gets at most ${DEFAULT.steps} epochs per level, the paper’s method ${PAPER.steps}, since its steps are shorter, its alternatives ${ALTERNATIVES.steps}.`,
      ],
    }),
  ),
);
console.log(`Report: ${report}`);
console.log(`Finished in ${formatSeconds((performance.now() - start) / 1000)}. ${conclusion}`);
main.destroy();
other?.destroy();

/** The backend that the main one is compared with; none where no adapter exists, which is said and not hidden. */
async function otherBackend(chosen: OpenedBackend): Promise<Backend | undefined> {
  if (chosen.name === 'webgpu') return new CpuBackend();
  try {
    return await openBackend({ device: 'webgpu' });
  } catch (error) {
    if (!(error instanceof NestkanError) || error.code !== 'WEBGPU_UNAVAILABLE') throw error;
    say(`No WebGPU adapter, so only the CPU is shown: ${error.message}. ${error.fix}`);
    return undefined;
  }
}

async function study(task: Task): Promise<ComparedProblem> {
  const { name, target, about } = task;
  const samples = SEEDS.map((seed) => sampleTarget(target, { ...ROWS, seed }));
  const runs: MethodResult[][] = [];
  for (const [index, seed] of SEEDS.entries()) {
    const bySeed: MethodResult[] = [];
    for (const training of [DEFAULT, PAPER, ALTERNATIVES])
      bySeed.push(...(await compare(task, main, samples[index], seed, training)));
    runs.push(bySeed);
  }
  const methods = runs[0].map((_, method) => medianMethod(runs.map((results) => results[method])));
  const problem: ComparedProblem = { name, description: `${target.label}. Network: ${about}.`, methods };
  console.log(`\n${name}: ${target.label}\n${about}\n\n${markdownTable(methodTable(problem))}\n`);
  if (other === undefined) return problem;
  const [again] = await compare(task, other, samples[0], SEEDS[0], { ...DEFAULT, methods: ['multilevel'] });
  const backends = [backendRun(main, runs[0][0]), backendRun(other, again)];
  for (const { backend, testMse, seconds } of backends) {
    console.log(
      `${methods[0].name}, seed ${SEEDS[0]}, on ${backend}: test MSE ${formatNumber(testMse)} in ${formatSeconds(seconds)}`,
    );
  }
  return { ...problem, backends: { method: `${methods[0].name}, seed ${SEEDS[0]}`, runs: backends } };
}

function compare(
  { name, network }: Task,
  backend: Backend,
  samples: SampledTarget,
  seed: number,
  { optimizer, steps, methods }: Trainings,
): Promise<MethodResult[]> {
  let announced = '';
  return compareMethods(backend, {
    ...network,
    ...samples,
    seed,
    methods,
    optimizer,
    stepsPerLevel: new Array<number>(LEVELS).fill(steps),
    onProgress({ method }) {
      if (method !== announced)
        say(`${name}, seed ${seed}, ${backend.name}: ${method}, ${optimizer?.name ?? 'default'}`);
      announced = method;
    },
  });
}

/** Figures are medians; the curve is that of the seed whose test error is the median one. */
function medianMethod(results: readonly MethodResult[]): ComparedProblem['methods'][number] {
  const testMse = median(results.map((result) => result.testMse));
  const typical = results.find((result) => result.testMse === testMse) ?? results[0];
  const { curve, levels } = typical.history;
  const ends = levels.map((_, level) => levels.slice(0, level + 1).reduce((sum, record) => sum + record.work, 0));
  const spread = results.map((result) => formatNumber(result.testMse)).join(', ');
  const optimizer = [...new Set(levels.map((level) => level.optimizer))].join(', ');
  return {
    name: `${typical.label}, ${optimizer}`,
    parameters: typical.parameters,
    work: typical.work,
    trainMse: median(results.map((result) => result.trainMse)),
    testMse,
    seconds: median(results.map((result) => result.seconds)),
    history: curve.map(({ work, loss }) => ({ work, error: loss })),
    refinements: ends.slice(0, -1),
    remark: `by seed: ${spread}`,
  };
}

function backendRun({ name, precision, adapter }: Backend, { testMse, seconds, history }: MethodResult): BackendRun {
  return {
    backend: `${name === 'cpu' ? 'CPU' : 'WebGPU'}, ${precision}`,
    adapter,
    testMse,
    seconds,
    steps: history.evaluations,
  };
}

function conclude(studied: readonly ComparedProblem[]): string {
  const gains = studied.map(({ name, methods }) => {
    const [best, single, paper, ...others] = methods;
    const below = (method: typeof best) => formatRatio(method.testMse / best.testMse);
    const cost = `${formatRatio(paper.work / best.work)} the work in ${formatRatio(paper.seconds / best.seconds)} the time`;
    const rest = others.map((method) => below(method)).join(', ');
    return (
      `${name}: ${below(paper)} below the paper’s method, which had ${cost}, ${below(single)} below a single level, ` +
      `${rest} below the paper’s alternatives`
    );
  });
  return `Multilevel Levenberg–Marquardt reached a median test error, ${gains.join('; ')}.`;
}

function deviceOf(backend: Backend): string {
  return `${backend.name === 'cpu' ? 'CPU' : 'WebGPU'} (${backend.adapter}, ${backend.precision})`;
}

function say(text: string): void {
  console.error(text);
}
