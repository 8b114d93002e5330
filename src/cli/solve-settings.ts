/** From a problem's own settings and the command line's to those of a run. */
import type { Command } from 'commander';
import { type SolveOptions, solveDefaults } from '../node.ts';
import { addNetworkOptions, createOptimizer, type NetworkOptions } from './network-options.ts';
import { positiveNumber } from './options.ts';

export interface SolverOptions extends NetworkOptions {
  learningRate?: number;
  resample?: true;
}

/** --hidden, --degree, …, --learning-rate, --resample. */
export function addSolveOptions(command: Command): Command {
  return addNetworkOptions(command, { first: "the problem's own", ...solveDefaults })
    .option(
      '--learning-rate <number>',
      "Adam's learning rate (default: the problem's own, or 0.02)",
      positiveNumber('--learning-rate'),
    )
    .option('--resample', 'draw new points on every level');
}

export interface SolveSettings extends Omit<SolveOptions, 'levels' | 'steps'> {
  readonly hidden: readonly number[];
  readonly degree: number;
  readonly intervals: number;
  readonly stepsPerLevel: readonly number[];
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
    resample,
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
    optimizer: optimizer || learningRate ? createOptimizer(optimizer ?? 'adam-lbfgs', learningRate) : own.optimizer,
    resample: resample ?? own.resample,
    seed,
  };
}
