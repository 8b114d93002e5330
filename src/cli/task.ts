/** What `nestkan compare` compares on: a test function or a table, scaled for training. */
import { basename } from 'node:path';
import {
  type Dataset,
  fitInputScaling,
  fitTargetScaling,
  NestkanError,
  type RegressionTarget,
  regressionTargets,
  type Samples,
  sampleTarget,
  scaleInputs,
  scaleTargets,
} from '../node.ts';
import { chooseRows, type DataOptions, readTable, type TableFile } from './data.ts';
import { PDE_NAMES } from './problems.ts';
import type { Terminal } from './terminal.ts';

const PROBLEMS: Readonly<Record<string, RegressionTarget>> = regressionTargets;
export const PROBLEM_NAMES = Object.keys(PROBLEMS).join(', ');
/** Of a test function, for training and again for testing. */
export const POINTS = 2000;

export interface TaskOptions extends DataOptions {
  seed: number;
  points?: number;
}

/** What is to be learnt, scaled as compareMethods takes it. */
export interface Task {
  readonly name: string;
  readonly description: string;
  readonly train: Samples;
  readonly test: Samples;
  readonly network?: RegressionTarget['network'];
}

export function isBuiltIn(problem: string): boolean {
  return Object.hasOwn(PROBLEMS, problem);
}

/** A built-in problem by its name, or the table at a path. */
export async function createTask(problem: string, options: TaskOptions, terminal: Terminal): Promise<Task> {
  return isBuiltIn(problem) ? functionTask(problem, options) : tableTask(problem, options, terminal);
}

/** Refuses what only tables have. */
export function refuseTableOptions(name: string, options: TaskOptions): void {
  for (const option of ['target', 'inputs', 'testFraction', 'skipBadRows'] as const) {
    if (options[option] === undefined) continue;
    const flag = `--${option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    throw new NestkanError('INVALID_ARGUMENT', `${flag} is for tables; ${name} is none.`, {
      fix: `Leave ${flag} out, or name a CSV file (./${name} if that is its name).`,
    });
  }
}

function functionTask(name: string, options: TaskOptions): Task {
  refuseTableOptions(name, options);
  const { points = POINTS, seed } = options;
  const { label, network } = PROBLEMS[name];
  return { name, description: label, network, ...sampleTarget(PROBLEMS[name], { train: points, test: points, seed }) };
}

async function tableTask(path: string, options: TaskOptions, terminal: Terminal): Promise<Task> {
  if (options.points !== undefined) {
    throw new NestkanError('INVALID_ARGUMENT', '--points is for built-in functions; a table has the rows it has.', {
      fix: 'Leave --points out.',
    });
  }
  const { train, test } = chooseRows(await readProblemTable(path), options, terminal);
  if (test === undefined) {
    throw new NestkanError('INVALID_ARGUMENT', 'A comparison needs rows for testing, --test-fraction is 0.', {
      fix: 'Pass --test-fraction 0.2, or leave it out.',
    });
  }
  const inputScaling = fitInputScaling(train.x, train.inputs);
  const targetScaling = fitTargetScaling(train.y, train.targets);
  const samples = ({ rows, x, y, inputs, targets }: Dataset): Samples => ({
    inputs: { rows, columns: inputs.length, data: scaleInputs(inputScaling, x) },
    targets: { rows, columns: targets.length, data: scaleTargets(targetScaling, y) },
  });
  return {
    name: basename(path),
    description: `${train.targets.join(', ')} from ${train.inputs.join(', ')}`,
    train: samples(train),
    test: samples(test),
  };
}

/** A word that is no file was probably meant as a problem. */
async function readProblemTable(path: string): Promise<TableFile> {
  try {
    return await readTable(path);
  } catch (error) {
    if (!(error instanceof NestkanError) || error.code !== 'FILE_NOT_FOUND') throw error;
    const fix = `Check the path, or name a built-in problem: ${PROBLEM_NAMES}, ${PDE_NAMES}.`;
    throw new NestkanError(error.code, error.message, { fix, where: error.where, cause: error });
  }
}
