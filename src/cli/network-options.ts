/** Options that describe the network and its training, shared by the commands that train. */
import type { Command } from 'commander';
import { adam, adamThenLbfgs, lbfgs, NestkanError, type Optimizer } from '../node.ts';
import { choice, listOf, wholeNumber } from './options.ts';

const OPTIMIZERS = { adam, lbfgs, 'adam-lbfgs': adamThenLbfgs } as const;

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
    .option('--optimizer <name>', `${names.join(', ')} ${otherwise('adam-lbfgs')}`, choice('--optimizer', names))
    .option(
      '--steps <number>',
      `loss-and-gradient evaluations per level ${otherwise(steps)}`,
      wholeNumber('--steps', { max: 1_000_000 }),
    );
}

/** @throws INVALID_ARGUMENT for a learning rate where Adam has no part */
export function createOptimizer(name: NetworkOptions['optimizer'], learningRate?: number): Optimizer | undefined {
  if (name === undefined || learningRate === undefined) return name && OPTIMIZERS[name]();
  if (name === 'lbfgs') {
    throw new NestkanError('INVALID_ARGUMENT', '--learning-rate is for Adam; --optimizer is lbfgs.', {
      fix: 'Leave --learning-rate out: L-BFGS finds its step by a line search.',
    });
  }
  return name === 'adam' ? adam({ learningRate }) : adamThenLbfgs({ adam: { learningRate } });
}
