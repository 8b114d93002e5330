/** What `nestkan compare` compares on, a table, a function or a differential equation, in one form. */
import {
  type ComparisonOptions,
  compareMethods,
  compareSolvers,
  comparisonWorkload,
  type MethodName,
  NestkanError,
  type OpenedBackend,
  PdeProblem,
  solveWorkload,
  type TrainedMethod,
  type Workload,
} from '../node.ts';
import type { ComparedProblem } from '../report/compare-report.ts';
import { formatCount } from '../report/format.ts';
import { createOptimizer, type NetworkOptions } from './network-options.ts';
import type { PdeTask } from './problems.ts';
import { solveSettings } from './solve-settings.ts';
import { refuseTableOptions, type Task, type TaskOptions } from './task.ts';

export const COMPARE_DEFAULTS = { hidden: [5], degree: 3, intervals: 4, levels: 4, steps: 200 } as const;

export interface Hooks {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: { method: MethodName; done: number; loss: number }) => void;
}

/** A method's result, with its figures as the document names them. */
export interface Outcome extends TrainedMethod {
  /** What was minimised, where that is not itself the error. */
  readonly training?: number;
  /** What methods are compared by. */
  readonly error: number;
  readonly figures: object;
  /** The same at the end of every level. */
  readonly levelFigures: readonly object[];
}

export interface Comparison {
  readonly name: string;
  readonly description: string;
  /** The coarsest network. */
  readonly model: { widths: readonly number[]; degree: number; intervals: number };
  /** How many rows there are, where there are rows. */
  readonly rows?: { train: number; test: number };
  /** What is compared, for sentences: `test error`. */
  readonly error: string;
  /** What that is, for documents. */
  readonly errors: string;
  readonly measures?: ComparedProblem['measures'];
  /** Where the methods learn from. */
  readonly source: string;
  /** What most of the time will be spent on. */
  readonly workload: Workload;
  run(backend: OpenedBackend, hooks: Hooks): Promise<Outcome[]>;
}

type Options = NetworkOptions & TaskOptions;

/** On rows of a table, or of a built-in function. */
export function regressionComparison(task: Task, options: Options): Comparison {
  const { name, description, train, test, network } = task;
  const { hidden = COMPARE_DEFAULTS.hidden, degree = COMPARE_DEFAULTS.degree } = options;
  const { intervals = network?.intervals ?? COMPARE_DEFAULTS.intervals } = options;
  const { levels = COMPARE_DEFAULTS.levels, steps = COMPARE_DEFAULTS.steps, optimizer, seed } = options;
  const widths = [train.inputs.columns, ...hidden, train.targets.columns];
  const rows = { train: train.inputs.rows, test: test.inputs.rows };
  const settings: ComparisonOptions = {
    ...network,
    train,
    test,
    widths,
    degree,
    intervals,
    stepsPerLevel: new Array<number>(levels).fill(steps),
    optimizer: createOptimizer(optimizer),
    seed,
  };
  return {
    name,
    description,
    model: { widths, degree, intervals },
    rows,
    error: 'test error',
    errors: "in units of the targets' variance",
    source: `${formatCount(rows.train)} rows to train on, ${formatCount(rows.test)} to test`,
    workload: comparisonWorkload(settings),
    async run(backend, hooks) {
      const results = await compareMethods(backend, { ...settings, ...hooks });
      return results.map(({ trainMse, testMse, ...result }) => ({
        ...result,
        training: trainMse,
        error: testMse,
        figures: { trainMse, testMse },
        levelFigures: result.history.levels.map(({ trainLoss, watched }) => ({
          trainMse: trainLoss,
          testMse: watched!['test'],
        })),
      }));
    },
  };
}

/** On a differential equation; by relative L2 error where the solution is known, by the loss elsewhere. */
export function solverComparison({ name, description, pde, network }: PdeTask, options: Options): Comparison {
  refuseTableOptions(name, options);
  if (options.points !== undefined) {
    throw new NestkanError('INVALID_ARGUMENT', '--points is for built-in functions; a problem brings its own points.', {
      fix: 'Leave --points out.',
    });
  }
  const settings = solveSettings(network, options);
  const known = pde.exactSolutions.some((solution) => solution !== undefined);
  const { hidden, degree, intervals } = settings;
  const { scaling } = new PdeProblem(pde);
  return {
    name,
    description,
    model: { widths: [scaling.scale.length, ...hidden, pde.unknowns.length], degree, intervals },
    error: known ? 'relative L2 error' : 'loss',
    errors: known ? 'relative to the exact solution, in the L2 norm' : 'the loss, since no exact solution is known',
    measures: { train: 'loss', test: known ? 'relative L2' : 'loss' },
    source: `what is trained on: ${Object.keys(pde.terms).join(', ')}`,
    workload: solveWorkload(pde, settings),
    async run(backend, hooks) {
      const results = await compareSolvers(backend, pde, { ...settings, ...hooks });
      return results.map(({ loss, relativeL2, maxError, ...result }) => ({
        ...result,
        training: known ? loss : undefined,
        error: known ? relativeL2 : loss,
        figures: known ? { loss, relativeL2, maxError } : { loss, relativeL2: null, maxError: null },
        levelFigures: result.history.levels.map(({ trainLoss, watched = {} }) => ({
          loss: trainLoss,
          relativeL2: watched['relativeL2'] ?? null,
          maxError: watched['maxError'] ?? null,
        })),
      }));
    },
  };
}
