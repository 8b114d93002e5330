/** The tables of `npm run bench -- problems`, from what it has measured. */
import { type BuiltInProblem, solveDefaults } from '../src/node.ts';
import { formatCount, formatNumber, formatRatio, formatSeconds } from '../src/report/format.ts';
import { markdownTable } from '../src/report/markdown.ts';
import { scientific } from './physics-case.ts';
import { median, quick } from './shared.ts';

/** Seeds that settings were chosen on, and seeds that no setting has seen. */
export const TUNED = quick ? [0] : [0, 1, 2];
export const FRESH = quick ? [3] : [3, 4, 5];
/** WebGPU is asked to stay within this factor of the CPU's errors. */
const FACTOR = 10;

interface Level {
  readonly intervals: number;
  readonly parameters: number;
  readonly evaluations: number;
  readonly loss: number;
  readonly relativeL2: number;
  readonly maxError: number;
  readonly seconds: number;
}

export interface Accuracy {
  readonly loss: number;
  readonly relativeL2: number;
}

export interface Run extends Accuracy {
  readonly seed: number;
  readonly maxError: number;
  readonly levels: readonly Level[];
  readonly scalars: Readonly<Record<string, number>>;
  /** By the clock, and of processor time. */
  readonly seconds: number;
  readonly processorSeconds: number;
  /** What becomes of the solution where its parameters are rounded to float32 and evaluated on WebGPU. */
  readonly rounded?: Accuracy;
}

export interface Measured {
  readonly name: string;
  readonly problem: BuiltInProblem;
  readonly cpu: readonly Run[];
  readonly webgpu: Run[];
}

/** Those of the problem; a quick run spends little on each level. */
export function settings({ network }: BuiltInProblem) {
  return quick ? { ...network, stepsPerLevel: budgets(network).map(() => 20) } : network;
}

/** Evaluations that each level may take. */
function budgets({
  stepsPerLevel,
  levels = solveDefaults.levels,
  steps = solveDefaults.steps,
}: BuiltInProblem['network']) {
  return stepsPerLevel ?? new Array<number>(levels).fill(steps);
}

export function introduction(): string {
  return [
    `Every [built-in problem](../physics.md#problems-that-come-with-nestkan) with the settings it comes with, as ` +
      `\`nestkan solve NAME --seed N\` runs it. The seed draws the points and the initial network. Settings were chosen on ` +
      `${seedsOf(TUNED)}; ${seedsOf(FRESH)} served for this page alone.`,
    'Relative L2 is ‖u − u*‖₂ / ‖u*‖₂ and the largest error max |u − u*|, both over a grid of about 10 000 nodes that is ' +
      'not the one trained on. The loss is the weighted sum of the terms’ mean squared residuals. Times are processor times, ' +
      'reference solution included: other programs ran on the machine, and the clock shows a multiple of them.',
  ].join('\n\n');
}

function listed(values: readonly (number | string)[]): string {
  return values.length < 2 ? values.join('') : `${values.slice(0, -1).join(', ')} and ${values[values.length - 1]}`;
}

function seedsOf(seeds: readonly number[]): string {
  return `${seeds.length > 1 ? 'seeds' : 'seed'} ${listed(seeds)}`;
}

function linked(name: string): string {
  return `[${name}](../problems/${name}.md)`;
}

function valuesOf(runs: readonly Run[], key: 'relativeL2' | 'maxError' | 'loss' | 'processorSeconds') {
  return runs.map((run) => run[key]);
}

/** `3.6e-3 (2.9e-3 – 4.1e-3)`: median and range. */
function spread(values: readonly number[]): string {
  const middle = scientific(median(values), 1);
  if (values.length < 2) return middle;
  return `${middle} (${scientific(Math.min(...values), 1)} – ${scientific(Math.max(...values), 1)})`;
}

export function cpuTable(all: readonly Measured[]): string {
  const rows = all.map(({ name, cpu }) => {
    const of = (seeds: readonly number[]) => cpu.filter(({ seed }) => seeds.includes(seed));
    const { parameters } = last(cpu[0].levels);
    return [
      linked(name),
      formatCount(parameters),
      spread(valuesOf(of(TUNED), 'relativeL2')),
      spread(valuesOf(of(FRESH), 'relativeL2')),
      scientific(median(valuesOf(cpu, 'maxError')), 1),
      scientific(median(valuesOf(cpu, 'loss')), 1),
      timeRange(valuesOf(cpu, 'processorSeconds')),
    ];
  });
  const columns = [
    'problem',
    'parameters',
    `relative L2, ${seedsOf(TUNED)}`,
    `${seedsOf(FRESH)}`,
    'largest error',
    'loss',
    'processor time',
  ];
  const align = columns.map((_, index) => (index === 0 ? 'left' : 'right'));
  return `## CPU, float64\n\nMedians, and ranges in brackets.\n\n${markdownTable({ columns, rows, align })}`;
}

function last<Item>(items: readonly Item[]): Item {
  return items[items.length - 1];
}

/** The CPU's runs of the seeds that WebGPU has run. */
function counterparts({ cpu, webgpu }: Measured): Run[] {
  return webgpu.map(({ seed }) => cpu.find((run) => run.seed === seed)!);
}

/** WebGPU's error over the CPU's, seed by seed. */
function ratios(measured: Measured): number[] {
  return counterparts(measured).map(({ relativeL2 }, index) => measured.webgpu[index].relativeL2 / relativeL2);
}

export function webgpuSection(everything: readonly Measured[]): string[] {
  const all = everything.filter(({ webgpu }) => webgpu.length > 0);
  const rows = all.map((measured) => {
    const { name, problem, webgpu } = measured;
    const cpu = counterparts(measured);
    const rounded = cpu.map((run) => run.rounded!);
    return [
      linked(name),
      listed(webgpu.map(({ seed }) => seed)),
      spread(valuesOf(cpu, 'relativeL2')),
      spread(valuesOf(webgpu, 'relativeL2')),
      ratios(measured).map(formatRatio).join(', '),
      scientific(median(rounded.map(({ relativeL2 }) => relativeL2)), 1),
      scientific(median(valuesOf(cpu, 'loss')), 1),
      scientific(median(rounded.map(({ loss }) => loss)), 1),
      scientific(median(valuesOf(webgpu, 'loss')), 1),
      `${Math.round((100 * median(webgpu.map(evaluationsOf))) / budgetOf(problem))} %`,
      formatSeconds(median(valuesOf(webgpu, 'processorSeconds'))),
    ];
  });
  const columns = [
    'problem',
    'seeds',
    'relative L2, CPU',
    'WebGPU',
    'WebGPU over CPU, by seed',
    'CPU’s, rounded',
    'loss, CPU',
    'CPU’s, rounded',
    'loss, WebGPU',
    'evaluations spent',
    'processor time',
  ];
  const align = columns.map((_, index) => (index === 0 ? 'left' : 'right'));
  return [
    `## WebGPU, float32\n\nThe same runs on WebGPU, medians over the seeds named, beside the CPU’s of the same seeds. ` +
      `Columns called *rounded* say what float32 can hold: the network that the CPU found, its parameters rounded, evaluated ` +
      `on WebGPU. *Evaluations spent* of those that a run may take: Levenberg–Marquardt ends a level where it gains little. ` +
      `Problems that take the CPU long are left out: the adapter is a software one.`,
    markdownTable({ columns, rows, align }),
    verdict(all),
  ];
}

function verdict(all: readonly Measured[]): string {
  const judged = all.map((measured) => ({ ...measured, ratio: median(ratios(measured)) }));
  const within = judged.filter(({ ratio }) => ratio <= FACTOR).map(({ name }) => name);
  const beyond = judged.filter(({ ratio }) => ratio > FACTOR).map(({ name, ratio }) => `${name} ${formatRatio(ratio)}`);
  const single = all.flatMap((measured) =>
    counterparts(measured).flatMap((cpu, index) => {
      const ratio = ratios(measured)[index];
      const loss = formatRatio(measured.webgpu[index].loss / cpu.loss);
      return ratio > FACTOR ? [`${measured.name}, seed ${cpu.seed}: ${formatRatio(ratio)}, with ${loss} the loss`] : [];
    }),
  );
  return [
    within.length > 0 && `Within a factor ${FACTOR} of the CPU’s error, in the median: ${listed(within)}.`,
    beyond.length > 0 && `Not within it: ${listed(beyond)}.`,
    single.length > 0 && `Single runs beyond it: ${single.join('; ')}.`,
    'Where float32 has a floor, it lies at or below the least of WebGPU’s errors in the table.',
  ]
    .filter((sentence) => sentence !== false)
    .join(' ');
}

function evaluationsOf({ levels }: Run): number {
  return levels.reduce((sum, { evaluations }) => sum + evaluations, 0);
}

function budgetOf(problem: BuiltInProblem): number {
  return budgets(settings(problem)).reduce((sum, steps) => sum + steps, 0);
}

/** What the page of a problem shows. */
export function figures(measured: Measured, setting: string): string {
  const { cpu, webgpu } = measured;
  const [first] = cpu;
  const levelTable = markdownTable({
    columns: ['intervals', 'parameters', 'evaluations', 'loss', 'relative L2', 'largest error'],
    rows: first.levels.map((level) => [
      formatCount(level.intervals),
      formatCount(level.parameters),
      formatCount(level.evaluations),
      scientific(level.loss, 1),
      scientific(level.relativeL2, 1),
      scientific(level.maxError, 1),
    ]),
    align: new Array<'right'>(6).fill('right'),
  });
  const found = Object.keys(first.scalars);
  const seedTable = markdownTable({
    columns: ['device', 'seeds', 'relative L2', 'largest error', ...found, 'processor time'],
    rows: [
      { device: 'CPU, float64', runs: cpu },
      { device: 'WebGPU, float32', runs: webgpu },
    ]
      .filter(({ runs }) => runs.length > 0)
      .map(({ device, runs }) => [
        device,
        listed(runs.map(({ seed }) => seed)),
        spread(valuesOf(runs, 'relativeL2')),
        scientific(median(valuesOf(runs, 'maxError')), 1),
        ...found.map((name) => scalarCell(runs.map(({ scalars }) => scalars[name]))),
        timeRange(valuesOf(runs, 'processorSeconds')),
      ]),
  });
  return [
    `Level by level, seed ${first.seed} on the CPU:`,
    levelTable,
    'Over seeds, medians, and ranges in brackets:',
    seedTable,
    setting,
  ].join('\n\n');
}

function scalarCell(values: readonly number[]): string {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return `${formatNumber(median(values), 4)} (${formatNumber(low, 4)} – ${formatNumber(high, 4)})`;
}

/** `1.6 s (1.4 s – 2.0 s)`: median and range. */
function timeRange(seconds: readonly number[]): string {
  const middle = formatSeconds(median(seconds));
  if (seconds.length < 2) return middle;
  return `${middle} (${formatSeconds(Math.min(...seconds))} – ${formatSeconds(Math.max(...seconds))})`;
}
