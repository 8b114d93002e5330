import type { Matrix } from '../arrays.ts';
import type { Backend } from '../backend/backend.ts';
import { NestkanError } from '../errors.ts';
import { Kan, type KanOptions, kanLayers } from '../models/kan.ts';
import { parameterShapes } from '../models/layer.ts';
import { Mlp } from '../models/mlp.ts';
import type { Network } from '../models/network.ts';
import { elements } from '../tape/tensor.ts';
import { type Coordinates, inCoordinates } from './coordinates.ts';
import type { Workload } from './fastest.ts';
import type { TrainingHistory } from './history.ts';
import type { Progress, TrainOptions } from './options.ts';
import { regression } from './regression.ts';
import { type Refinable, type TrainResult, trainMultilevel } from './train.ts';

/** Rows of inputs and targets, scaled as the network wants them. */
export interface Samples {
  readonly inputs: Matrix;
  readonly targets: Matrix;
}

export interface ComparisonOptions extends Omit<KanOptions, 'intervals' | 'hiddenIntervals'> {
  readonly train: Samples;
  readonly test: Samples;
  /** Intervals of the first layer on the coarsest grid. Default 4. */
  readonly intervals?: number;
  /** The same of hidden layers. Default: `intervals`. */
  readonly hiddenIntervals?: number;
  /** Evaluations of every level of the multilevel run, coarse to fine; the others get the same work. */
  readonly stepsPerLevel: readonly number[];
  readonly optimizer?: TrainOptions['optimizer'];
  /** Which methods to run. Default: all. */
  readonly methods?: readonly MethodName[];
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: { method: MethodName; done: number; loss: number }) => void;
}

export const METHODS = ['multilevel', 'single-level', 'power-relu', 'mlp'] as const;
export type MethodName = (typeof METHODS)[number];

/** What is known of every method, whatever it was compared on. */
export interface TrainedMethod {
  readonly method: MethodName;
  readonly label: string;
  readonly parameters: number;
  readonly work: number;
  readonly seconds: number;
  readonly history: TrainingHistory;
}

export interface MethodResult extends TrainedMethod {
  readonly trainMse: number;
  /** NaN where training broke down; `history` then ends there. */
  readonly testMse: number;
}

/**
 * Trains the same task in four ways at equal work: coarse to fine, on the finest grid from the start, coarse to fine in
 * the power-ReLU basis, and a tanh MLP with about as many parameters as the finest KAN.
 *
 * Work is counted as in [ML]: an epoch on n intervals costs n. An MLP has no intervals; its epochs are charged the mean
 * of the multilevel run's, so that it gets as many evaluations.
 * The ReLU basis is the KAN iterated in ReLU coordinates (docs/mathematics.md, "Power-ReLU basis and the change of
 * basis"): the same iterates as the multichannel MLP's, evaluated stably.
 *
 * @throws NestkanError as trainMultilevel does, NON_FINITE_TRAINING excepted: its method gets NaN for errors
 */
export async function compareMethods(backend: Backend, options: ComparisonOptions): Promise<MethodResult[]> {
  return eachMethod(options, (method) => runMethod(backend, method, options));
}

/** What {@link compareMethods} spends most of its time on, for fastestBackend: the finest KAN. */
export function comparisonWorkload(options: ComparisonOptions): Workload {
  return (backend) => ({
    model: Kan.create(backend, { ...options, ...finest(options) }),
    problem: regression(options.train),
    optimizer: options.optimizer,
  });
}

/** Runs methods one after the other, until interrupted. */
export async function eachMethod<Result>(
  { methods = METHODS, signal }: { methods?: readonly MethodName[]; signal?: AbortSignal },
  run: (method: MethodName) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  for (const method of methods) {
    if (!METHODS.includes(method)) {
      throw new NestkanError('INVALID_ARGUMENT', `there is no method ${method}`, {
        fix: `Use some of: ${METHODS.join(', ')}.`,
      });
    }
    if (signal?.aborted) break;
    results.push(await run(method));
  }
  return results;
}

/** How a method is set up so that its work is that of the others. */
export interface MethodPlan {
  readonly label: string;
  /** Grids to begin with. */
  readonly grids?: Pick<KanOptions, 'intervals' | 'hiddenIntervals'>;
  /** Widths of the hidden layers of an MLP in place of a KAN. */
  readonly mlp?: readonly number[];
  readonly stepsPerLevel: readonly number[];
  readonly coordinates?: Coordinates;
  readonly workPerEpoch?: number;
}

/** What plans are made from: the coarsest network, and its evaluations level by level. */
export type PlanOptions = KanOptions & Pick<ComparisonOptions, 'stepsPerLevel'>;

const plans: Record<MethodName, (options: PlanOptions) => MethodPlan> = {
  multilevel: ({ stepsPerLevel }) => ({ label: 'spline KAN, multilevel', stepsPerLevel }),
  'single-level': (options) => {
    const { factor, work } = hierarchy(options);
    const stepsPerLevel = [Math.max(1, Math.round(work / factor))];
    return { label: 'spline KAN, single level', grids: finest(options), stepsPerLevel };
  },
  'power-relu': ({ stepsPerLevel }) => ({
    label: 'ReLU-basis KAN, multilevel',
    stepsPerLevel,
    coordinates: { geometry: 'power-relu', gradient: 'power-relu' },
  }),
  mlp: (options) => {
    const { work } = hierarchy(options);
    const evaluations = options.stepsPerLevel.reduce((sum, steps) => sum + steps, 0);
    const hidden = mlpWidth(options);
    return {
      label: 'tanh MLP',
      mlp: [hidden, hidden],
      stepsPerLevel: [evaluations],
      workPerEpoch: (work * (options.intervals ?? 4)) / evaluations,
    };
  },
};

export function planMethod(method: MethodName, options: PlanOptions): MethodPlan {
  return plans[method](options);
}

/** Work of the multilevel run in units of one coarse epoch, and how much finer the finest grid is. */
function hierarchy({ stepsPerLevel }: PlanOptions): { factor: number; work: number } {
  const work = stepsPerLevel.reduce((sum, steps, level) => sum + steps * 2 ** level, 0);
  return { factor: 2 ** (stepsPerLevel.length - 1), work };
}

/** Width of two equal hidden layers such that the MLP has about as many parameters as the finest KAN. */
function mlpWidth(options: PlanOptions): number {
  const shapes = Object.values(parameterShapes(kanLayers({ ...options, ...finest(options) })));
  const parameters = shapes.reduce((sum, shape) => sum + elements(shape), 0);
  const { widths } = options;
  const [inputs, outputs] = [widths[0], widths[widths.length - 1]];
  // h² + h(inputs + outputs + 2) + outputs = parameters
  const b = inputs + outputs + 2;
  return Math.max(1, Math.round((Math.sqrt(b * b + 4 * (parameters - outputs)) - b) / 2));
}

function finest(options: PlanOptions): Pick<KanOptions, 'intervals' | 'hiddenIntervals'> {
  const { factor } = hierarchy(options);
  const { intervals = 4, hiddenIntervals = intervals } = options;
  return { intervals: factor * intervals, hiddenIntervals: factor * hiddenIntervals };
}

/**
 * What training gives, or where it broke down, which is a result of a comparison and not its end.
 *
 * @param broken called with the history up to there, and the last finite model
 */
export async function orBrokenDown<Result>(
  train: () => Promise<Result>,
  broken: (rest: TrainResult<Network>) => Result,
): Promise<Result> {
  try {
    return await train();
  } catch (error) {
    if (!(error instanceof NestkanError) || error.code !== 'NON_FINITE_TRAINING') throw error;
    return broken(error.where as unknown as TrainResult<Network>);
  }
}

function createModel(
  backend: Backend,
  { grids, mlp }: MethodPlan,
  options: ComparisonOptions,
): Network & Partial<Refinable<Network>> {
  if (!mlp) return Kan.create(backend, { ...options, ...grids });
  const { widths, seed } = options;
  return Mlp.create(backend, { widths: [widths[0], ...mlp, widths[widths.length - 1]], seed });
}

async function runMethod(backend: Backend, method: MethodName, options: ComparisonOptions): Promise<MethodResult> {
  const { train, test, optimizer, signal, onProgress } = options;
  const plan = planMethod(method, options);
  const { label, stepsPerLevel, coordinates, workPerEpoch } = plan;
  const problem = regression(train);
  const initial = createModel(backend, plan, options);
  try {
    return await orBrokenDown(
      async () => {
        const trained = await trainMultilevel(initial, coordinates ? inCoordinates(problem, coordinates) : problem, {
          stepsPerLevel,
          optimizer,
          signal,
          workPerEpoch,
          watch: { test: regression(test) },
          onProgress: (progress) => onProgress?.({ method, ...overall(progress) }),
        });
        const last = trained.history.levels[trained.history.levels.length - 1];
        return result(trained, last.trainLoss, last.watched!['test']);
      },
      (rest) => result(rest, Number.NaN, Number.NaN),
    );
  } finally {
    initial.dispose();
  }

  function result({ model, history }: TrainResult<Network>, trainMse: number, testMse: number): MethodResult {
    const { work, seconds } = history;
    const parameters = model.parameterCount;
    model.dispose();
    return { method, label, parameters, work, seconds, trainMse, testMse, history };
  }
}

/** Progress over all levels. */
export function overall({ level, levels, evaluations, budget, loss }: Progress): { done: number; loss: number } {
  return { done: (level + evaluations / budget) / levels, loss };
}
