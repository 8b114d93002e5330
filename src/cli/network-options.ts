/** Options that describe the network and its training, shared by the commands that train. */
import type { Command } from 'commander';
import {
  type AdamOptions,
  adam,
  adamThenLbfgs,
  automatic,
  lbfgs,
  levenbergMarquardt,
  NestkanError,
  type Optimizer,
} from '../node.ts';
import { choice, listOf, wholeNumber } from './options.ts';

const OPTIMIZERS = { auto: automatic, adam, lbfgs, 'adam-lbfgs': adamThenLbfgs, lm: levenbergMarquardt } as const;

export interface NetworkOptions {
  hidden?: number[];
  degree?: number;
  intervals?: number;
  levels?: number;
  steps?: number;
  optimizer?: keyof typeof OPTIMIZERS;
}

/** What the help names; the library applies them. */
export interface NetworkDefaults {
  /** What comes before the numbers below, if anything does. */
  readonly first?: string;
  readonly hidden: readonly number[];
  readonly degree: number;
  readonly intervals: number;
  readonly levels: number;
  readonly steps: number;
}

/** --hidden, --degree, --intervals, --levels, --optimizer, --steps. */
export function addNetworkOptions(command: Command, defaults: NetworkDefaults): Command {
  const { hidden, degree, intervals, levels, steps } = defaults;
  const otherwise = (value: unknown) => `(default: ${defaults.first ? `${defaults.first}, or ` : ''}${value})`;
  const names = Object.keys(OPTIMIZERS) as (keyof typeof OPTIMIZERS)[];
  return command
    .option(
      '--hidden <widths>',
      `widths of the hidden layers ${otherwise(hidden)}`,
      listOf('--hidden', wholeNumber('--hidden')),
    )
    .option(
      '--degree <number>',
      `degree of the splines, 1 to 5 ${otherwise(degree)}`,
      wholeNumber('--degree', { max: 5 }),
    )
    .option(
      '--intervals <number>',
      `intervals of the coarsest grid ${otherwise(intervals)}`,
      wholeNumber('--intervals', { max: 4096 }),
    )
    .option('--levels <number>', `grids, each twice as fine ${otherwise(levels)}`, wholeNumber('--levels', { max: 13 }))
    .option('--optimizer <name>', `${names.join(', ')} ${otherwise('auto')}`, choice('--optimizer', names))
    .option(
      '--steps <number>',
      `loss-and-gradient evaluations per level ${otherwise(steps)}`,
      wholeNumber('--steps', { max: 1_000_000 }),
    );
}

/** --restarts. */
export function addRestartsOption(command: Command): Command {
  return command.option(
    '--restarts <number>',
    'networks to begin with, of which every level keeps the better half (default: 1)',
    wholeNumber('--restarts', { max: 4096 }),
  );
}

/** `lm (a sum of squares)`, with the levels where it was not one and the same on all of them. */
export function optimizersInWords(levels: readonly { optimizer: string; reason: string | null }[]): string {
  const chosen = levels.map(({ optimizer, reason }) => (reason === null ? optimizer : `${optimizer} (${reason})`));
  if (new Set(chosen).size === 1) return chosen[0];
  return chosen.map((name, index) => `level ${index + 1}: ${name}`).join('; ');
}

/** @throws INVALID_ARGUMENT for settings of Adam where it has no part */
export function createOptimizer(
  name: NetworkOptions['optimizer'],
  { learningRate, schedule }: Pick<AdamOptions, 'learningRate' | 'schedule'> = {},
): Optimizer | undefined {
  if (name === undefined) return undefined;
  if (name === 'adam') return adam({ learningRate, schedule });
  if (name === 'adam-lbfgs') return adamThenLbfgs({ adam: { learningRate, schedule } });
  const ofAdam = learningRate !== undefined ? '--learning-rate' : schedule && '--schedule';
  if (ofAdam === undefined) return OPTIMIZERS[name]();
  throw new NestkanError('INVALID_ARGUMENT', `${ofAdam} is for Adam; --optimizer is ${name}.`, {
    fix: `Leave ${ofAdam} out: ${name} finds its steps by itself.`,
  });
}
