/** From a problem's own settings and the command line's to those of a run. */
import type { Command } from 'commander';
import { NestkanError, type Schedule, type SolveOptions, solveDefaults } from '../node.ts';
import { addNetworkOptions, addRestartsOption, createOptimizer, type NetworkOptions } from './network-options.ts';
import { choice, positiveNumber } from './options.ts';

/** The ramp is the paper's: from a hundredth of the rate within ten steps, then constant. */
const SCHEDULES = {
  cosine: { type: 'cosine' },
  ramp: { type: 'ramp', steps: 10 },
  constant: { type: 'constant' },
} as const satisfies Record<string, Schedule>;
const SCHEDULE_NAMES = Object.keys(SCHEDULES) as (keyof typeof SCHEDULES)[];

export interface SolverOptions extends NetworkOptions {
  learningRate?: number;
  schedule?: keyof typeof SCHEDULES;
  /** True where the option has no word behind it. */
  resample?: true | 'residual';
  restarts?: number;
}

/** --hidden, --degree, …, --restarts, --learning-rate, --schedule, --resample. */
export function addSolveOptions(command: Command): Command {
  return addRestartsOption(addNetworkOptions(command, { first: "the problem's own", ...solveDefaults }))
    .option(
      '--learning-rate <number>',
      "Adam's learning rate (default: the problem's own, or 0.02)",
      positiveNumber('--learning-rate'),
    )
    .option(
      '--schedule <name>',
      `Adam's learning rate over the steps of a level: ${SCHEDULE_NAMES.join(', ')} (default: the problem's own, or cosine)`,
      choice('--schedule', SCHEDULE_NAMES),
    )
    .option(
      '--resample [residual]',
      'draw new points on every level; with the word, more of them where residuals are large',
      choice('--resample', ['residual']),
    );
}

const NUMBER = 'a number';
const NUMBERS = 'an array of numbers';
const BOOLEAN = 'true or false';
/** What the export `network` of a module may hold, and what kind of value where the library would not say. */
const SETTINGS: Record<keyof Omit<SolveOptions, 'seed' | 'signal' | 'onProgress' | 'inspect'>, string> = {
  hidden: NUMBERS,
  degree: NUMBER,
  intervals: NUMBER,
  hiddenIntervals: NUMBER,
  hiddenDomain: NUMBERS,
  squashing: '',
  leadingLinear: '',
  mlp: '',
  levels: NUMBER,
  steps: NUMBER,
  stepsPerLevel: NUMBERS,
  optimizer: "an optimizer, as adam({ learningRate: 0.005 }) makes one ('nestkan' exports adam and others)",
  resample: '',
  coordinates: '',
  heldOut: BOOLEAN,
  tolerance: NUMBER,
  workPerEpoch: NUMBER,
  restarts: NUMBER,
};

/** @throws PROBLEM_INVALID for settings that would be passed over, or could not be used */
export function checkSettings(path: string, network: Readonly<Record<string, unknown>>): void {
  const isKind = (kind: string, value: unknown) => {
    if (kind === '' || value === undefined) return true;
    if (kind === NUMBER) return typeof value === 'number';
    if (kind === BOOLEAN) return typeof value === 'boolean';
    if (kind === NUMBERS) return Array.isArray(value) && value.every((item) => typeof item === 'number');
    return typeof (value as { start?: unknown } | null)?.start === 'function';
  };
  for (const [name, value] of Object.entries(network)) {
    const kind = Object.hasOwn(SETTINGS, name) ? SETTINGS[name as keyof typeof SETTINGS] : undefined;
    if (kind !== undefined && isKind(kind, value)) continue;
    const message = kind === undefined ? `no setting is called ${name}` : `${name} is not ${kind}`;
    throw new NestkanError('PROBLEM_INVALID', `The export "network" of ${path}: ${message}.`, {
      fix: kind === undefined ? `Use: ${Object.keys(SETTINGS).join(', ')}.` : `Give ${name} as ${kind}.`,
      where: { path, setting: name },
    });
  }
}

export interface SolveSettings extends Omit<SolveOptions, 'levels' | 'steps'> {
  readonly hidden: readonly number[];
  readonly degree: number;
  readonly intervals: number;
  readonly stepsPerLevel: readonly number[];
  readonly restarts: number;
}

/** What is asked for goes before what the problem says, and that before the library's defaults. */
export function solveSettings(
  network: SolveOptions,
  {
    hidden,
    degree,
    intervals,
    levels,
    steps,
    optimizer,
    learningRate,
    schedule,
    resample,
    restarts,
    seed,
  }: SolverOptions & { seed: number },
): SolveSettings {
  const { levels: ownLevels, steps: ownSteps, stepsPerLevel: plan, ...own } = network;
  const count = levels ?? plan?.length ?? ownLevels ?? solveDefaults.levels;
  const stepsOf = (level: number) =>
    steps ?? plan?.[Math.min(level, plan.length - 1)] ?? ownSteps ?? solveDefaults.steps;
  return {
    ...own,
    hidden: hidden ?? own.hidden ?? solveDefaults.hidden,
    degree: degree ?? own.degree ?? solveDefaults.degree,
    intervals: intervals ?? own.intervals ?? solveDefaults.intervals,
    hiddenIntervals: intervals ?? own.hiddenIntervals,
    stepsPerLevel: Array.from({ length: count }, (_, level) => stepsOf(level)),
    optimizer:
      optimizer || learningRate || schedule
        ? createOptimizer(optimizer ?? 'adam-lbfgs', { learningRate, schedule: schedule && SCHEDULES[schedule] })
        : own.optimizer,
    resample: resample ?? own.resample,
    restarts: restarts ?? own.restarts ?? 1,
    seed,
  };
}
