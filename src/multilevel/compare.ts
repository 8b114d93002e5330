import type { Matrix } from '../arrays.ts';
import type { Backend } from '../backend/backend.ts';
import { NestkanError } from '../errors.ts';
import { Kan, type KanOptions, kanLayers } from '../models/kan.ts';
import { parameterShapes } from '../models/layer.ts';
import { Mlp } from '../models/mlp.ts';
import type { Network } from '../models/network.ts';
import { elements } from '../tape/tensor.ts';
import type { Coordinates } from './coordinates.ts';
import type { TrainingHistory } from './history.ts';
import type { TrainOptions } from './options.ts';
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

export type MethodName = 'multilevel' | 'single-level' | 'power-relu' | 'mlp';

export interface MethodResult {
  readonly method: MethodName;
  readonly label: string;
  readonly parameters: number;
  readonly work: number;
  readonly trainMse: number;
  /** NaN where training broke down; `history` then ends there. */
  readonly testMse: number;
  readonly seconds: number;
  readonly history: TrainingHistory;
}

const RELU: Coordinates = { geometry: 'power-relu', gradient: 'power-relu' };

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
  const { methods = ['multilevel', 'single-level', 'power-relu', 'mlp'] } = options;
  const results: MethodResult[] = [];
  for (const method of methods) {
    const plan = plans[method];
    if (plan === undefined) {
      throw new NestkanError('INVALID_ARGUMENT', `there is no method ${method}`, {
        fix: `Use some of: ${Object.keys(plans).join(', ')}.`,
      });
    }
    if (options.signal?.aborted) break;
    results.push(await runMethod(method, plan(backend, options), options));
  }
  return results;
}

interface Plan {
  readonly label: string;
  readonly model: Network & Partial<Refinable<Network>>;
  readonly stepsPerLevel: readonly number[];
  readonly coordinates?: Coordinates;
  readonly workPerEpoch?: number;
}

const plans: Record<MethodName, (backend: Backend, options: ComparisonOptions) => Plan> = {
  multilevel: (backend, options) => ({
    label: 'spline KAN, multilevel',
    model: Kan.create(backend, options),
    stepsPerLevel: options.stepsPerLevel,
  }),
  'single-level': (backend, options) => {
    const { factor, work } = hierarchy(options);
    return {
      label: 'spline KAN, single level',
      model: Kan.create(backend, finest(options)),
      stepsPerLevel: [Math.max(1, Math.round(work / factor))],
    };
  },
  'power-relu': (backend, options) => ({
    label: 'ReLU-basis KAN, multilevel',
    model: Kan.create(backend, options),
    stepsPerLevel: options.stepsPerLevel,
    coordinates: RELU,
  }),
  mlp: (backend, options) => {
    const { work } = hierarchy(options);
    const evaluations = options.stepsPerLevel.reduce((sum, steps) => sum + steps, 0);
    return {
      label: 'tanh MLP',
      model: Mlp.create(backend, { widths: mlpWidths(options), seed: options.seed }),
      stepsPerLevel: [evaluations],
      workPerEpoch: (work * (options.intervals ?? 4)) / evaluations,
    };
  },
};

/** Work of the multilevel run in units of one coarse epoch, and how much finer the finest grid is. */
function hierarchy({ stepsPerLevel }: ComparisonOptions): { factor: number; work: number } {
  const work = stepsPerLevel.reduce((sum, steps, level) => sum + steps * 2 ** level, 0);
  return { factor: 2 ** (stepsPerLevel.length - 1), work };
}

/** Two equal hidden layers such that the MLP has about as many parameters as the finest KAN. */
function mlpWidths(options: ComparisonOptions): number[] {
  const shapes = Object.values(parameterShapes(kanLayers(finest(options))));
  const parameters = shapes.reduce((sum, shape) => sum + elements(shape), 0);
  const { widths } = options;
  const [inputs, outputs] = [widths[0], widths[widths.length - 1]];
  // h² + h(inputs + outputs + 2) + outputs = parameters
  const b = inputs + outputs + 2;
  const hidden = Math.max(1, Math.round((Math.sqrt(b * b + 4 * (parameters - outputs)) - b) / 2));
  return [inputs, hidden, hidden, outputs];
}

function finest(options: ComparisonOptions): KanOptions {
  const { factor } = hierarchy(options);
  const { intervals = 4, hiddenIntervals = intervals } = options;
  return { ...options, intervals: factor * intervals, hiddenIntervals: factor * hiddenIntervals };
}

async function runMethod(
  method: MethodName,
  { label, model: initial, stepsPerLevel, coordinates, workPerEpoch }: Plan,
  { train, test, optimizer, signal, onProgress }: ComparisonOptions,
): Promise<MethodResult> {
  try {
    const { model, history } = await trainMultilevel(initial, regression({ ...train, coordinates }), {
      stepsPerLevel,
      optimizer,
      signal,
      workPerEpoch,
      watch: { test: regression(test) },
      onProgress: (progress) => {
        const done = (progress.level + progress.evaluations / progress.budget) / progress.levels;
        onProgress?.({ method, done, loss: progress.loss });
      },
    });
    const last = history.levels[history.levels.length - 1];
    return result({ model, history }, last.trainLoss, last.watched!['test']);
  } catch (error) {
    // One method that breaks down is a result of the comparison, not its end.
    if (!(error instanceof NestkanError) || error.code !== 'NON_FINITE_TRAINING') throw error;
    return result(error.where as unknown as TrainResult<Network>, Number.NaN, Number.NaN);
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
