/** Options that describe the network and its training, shared by the commands that train. */
import type { Command } from 'commander';
import { adam, adamThenLbfgs, lbfgs, type Optimizer } from '../node.ts';
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
  readonly hidden: readonly number[];
  readonly degree: number;
  readonly intervals: number;
  readonly levels: number;
  readonly steps: number;
}

/** --hidden, --degree, --intervals, --levels, --optimizer, --steps. */
export function addNetworkOptions(command: Command, defaults: NetworkDefaults): Command {
  const { hidden, degree, intervals, levels, steps } = defaults;
  const names = Object.keys(OPTIMIZERS) as (keyof typeof OPTIMIZERS)[];
  return command
    .option(
      '--hidden <widths>',
      `widths of the hidden layers (default: ${hidden})`,
      listOf('--hidden', wholeNumber('--hidden')),
    )
    .option(
      '--degree <number>',
      `degree of the splines, 1 to 5 (default: ${degree})`,
      wholeNumber('--degree', { max: 5 }),
    )
    .option(
      '--intervals <number>',
      `intervals of the coarsest grid (default: ${intervals})`,
      wholeNumber('--intervals', { max: 4096 }),
    )
    .option('--levels <number>', `grids, each twice as fine (default: ${levels})`, wholeNumber('--levels', { max: 13 }))
    .option('--optimizer <name>', `${names.join(', ')} (default: adam-lbfgs)`, choice('--optimizer', names))
    .option(
      '--steps <number>',
      `loss-and-gradient evaluations per level (default: ${steps})`,
      wholeNumber('--steps', { max: 1_000_000 }),
    );
}

export function createOptimizer(name: NetworkOptions['optimizer']): Optimizer | undefined {
  return name && OPTIMIZERS[name]();
}
