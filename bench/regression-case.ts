/**
 * The regression problem of the paper's Table 2, and one training run on it.
 *
 * f(x, y) = cos 4πx + sin πy + sin 2πy + |sin 3πy²| of points rotated by 0.175 rad, 20 000 uniform points in
 * [0.0001, 0.9999]², targets mapped affinely to [0, 1]. Source: Southworth et al., arXiv 2603.04827, section 5.
 */
import {
  type Backend,
  type Basis,
  type CurvePoint,
  createRandom,
  inCoordinates,
  Kan,
  lbfgs,
  type Matrix,
  Mlp,
  NestkanError,
  type Network,
  type Optimizer,
  type Problem,
  type RegressionOptions,
  regression,
  type TrainResult,
  trainMultilevel,
} from '../src/node.ts';
import { quick } from './shared.ts';

const POINTS = quick ? 4000 : 20_000;
const TEST_SEED = 4321;
const ANGLE = 0.175;

export const MODES = ['coarse', 'fine', 'multilevel'] as const;
export type Mode = (typeof MODES)[number];

/** Intervals of the first grid and epochs of every level; each row costs 640 units of work, an epoch costing n. */
export const PLANS: Readonly<Record<Mode, { intervals: number; epochs: readonly number[] }>> = {
  coarse: { intervals: 5, epochs: [128] },
  fine: { intervals: 40, epochs: [16] },
  multilevel: { intervals: 5, epochs: [32, 16, 8, 4] },
};
const MLP_EPOCHS = 128;
/** An epoch of an MLP is counted like one of the coarse KAN. */
const MLP_WORK_PER_EPOCH = 5;

export interface Choices {
  /** Of the grids behind the linear layer. */
  readonly hiddenDomain: readonly [number, number];
  /** Range that the inputs, given on [0, 1], are mapped to. */
  readonly inputRange: readonly [number, number];
  /** Curvature pairs of L-BFGS. */
  readonly history: number;
}

export const OUR_CHOICES: Choices = { hiddenDomain: [-1, 1], inputRange: [-1, 1], history: 50 };

export type Architecture =
  /** [2, 5, 1] whose first layer is a plain linear one with bias, as in the paper. */
  | { readonly kind: 'linear-then-spline'; readonly basis: Basis; readonly mode: Mode }
  /** [2, 5, 1] with splines in both layers. */
  | { readonly kind: 'spline'; readonly basis: Basis; readonly mode: Mode }
  | { readonly kind: 'mlp'; readonly widths: readonly number[] };

export interface Run {
  readonly architecture: Architecture;
  readonly choices: Choices;
  /** Epochs, as a multiple of the paper's. */
  readonly budget: number;
  readonly seed: number;
  /** Default: L-BFGS, as in the paper. */
  readonly optimizer?: Optimizer;
  /** Evaluations per level in place of the paper's epochs. */
  readonly stepsPerLevel?: readonly number[];
}

export interface Outcome {
  readonly parameters: number;
  /** Mean squared errors; NaN where training broke down. */
  readonly train: number;
  readonly test: number;
  readonly evaluations: number;
  readonly work: number;
  readonly seconds: number;
  readonly curve: readonly CurvePoint[];
}

export async function trainOnce(
  backend: Backend,
  { architecture, choices, budget, seed, optimizer, stepsPerLevel }: Run,
): Promise<Outcome> {
  const power = architecture.kind !== 'mlp' && architecture.basis === 'power-relu';
  const data = sample(seed, choices.inputRange);
  const plain = regression(data.train);
  const problem = power ? inCoordinates(plain, { geometry: 'power-relu', gradient: 'power-relu' }) : plain;
  const model = createModel(backend, architecture, choices, seed);
  try {
    const epochs = architecture.kind === 'mlp' ? [MLP_EPOCHS] : PLANS[architecture.mode].epochs;
    const result = await trainOrBreak(model, problem, {
      stepsPerLevel: stepsPerLevel ?? epochs.map((epoch) => epoch * budget),
      optimizer: optimizer ?? lbfgs({ history: choices.history }),
      workPerEpoch: MLP_WORK_PER_EPOCH,
    });
    if (result === undefined) return broken(model.parameterCount);
    const { history } = result;
    const test = await lossOf(result.model, regression(data.test));
    const { parameters, trainLoss: train } = history.levels[history.levels.length - 1];
    const { evaluations, work, seconds, curve } = history;
    result.model.dispose();
    return { parameters, train, test, evaluations, work, seconds, curve };
  } finally {
    model.dispose();
  }
}

/** Undefined where the run broke down with numbers that are not finite. */
async function trainOrBreak(model: Kan | Mlp, problem: Problem, options: Parameters<typeof trainMultilevel>[2]) {
  try {
    return (await trainMultilevel<Network>(model, problem, options)) as TrainResult<Network>;
  } catch (error) {
    if (error instanceof NestkanError && error.code === 'NON_FINITE_TRAINING') return undefined;
    throw error;
  }
}

function broken(parameters: number): Outcome {
  const nothing = { evaluations: 0, work: 0, seconds: 0, curve: [] };
  return { parameters, train: Number.NaN, test: Number.NaN, ...nothing };
}

function createModel(backend: Backend, architecture: Architecture, choices: Choices, seed: number): Kan | Mlp {
  if (architecture.kind === 'mlp') {
    return Mlp.create(backend, { widths: architecture.widths, activation: 'relu', seed });
  }
  const { hiddenDomain, inputRange } = choices;
  return Kan.create(backend, {
    widths: [2, 5, 1],
    degree: 3,
    intervals: PLANS[architecture.mode].intervals,
    domain: inputRange,
    hiddenDomain,
    leadingLinear: architecture.kind === 'spline' ? 'none' : 'with-bias',
    seed,
  });
}

async function lossOf(model: Network, problem: Problem): Promise<number> {
  const { backend } = model;
  const monitor = problem.monitor(model);
  backend.run(await backend.record(monitor.evaluate));
  const [[loss]] = await backend.read([monitor.loss]);
  monitor.dispose();
  return loss;
}

type Data = Pick<RegressionOptions, 'inputs' | 'targets'>;

/** Training and test points, the targets of both on the scale of the training targets. */
function sample(seed: number, range: readonly [number, number]): { train: Data; test: Data } {
  const [train, test] = [draw(seed), draw(TEST_SEED)];
  const low = train.values.reduce((least, value) => Math.min(least, value));
  const high = train.values.reduce((most, value) => Math.max(most, value));
  const prepare = ({ points, values }: Draw) => ({
    inputs: matrix(
      2,
      points.map((x) => range[0] + x * (range[1] - range[0])),
    ),
    targets: matrix(
      1,
      values.map((value) => (value - low) / (high - low)),
    ),
  });
  return { train: prepare(train), test: prepare(test) };
}

interface Draw {
  readonly points: Float64Array;
  readonly values: Float64Array;
}

function draw(seed: number): Draw {
  const random = createRandom(seed);
  const points = Float64Array.from({ length: 2 * POINTS }, () => 0.0001 + 0.9998 * random.uniform());
  const values = Float64Array.from({ length: POINTS }, (_, row) => target(points[2 * row], points[2 * row + 1]));
  return { points, values };
}

function target(x0: number, y0: number): number {
  const x = x0 * Math.cos(ANGLE) - y0 * Math.sin(ANGLE);
  const y = x0 * Math.sin(ANGLE) + y0 * Math.cos(ANGLE);
  const { PI } = Math;
  return Math.cos(4 * PI * x) + Math.sin(PI * y) + Math.sin(2 * PI * y) + Math.abs(Math.sin(3 * PI * y * y));
}

function matrix(columns: number, data: Float64Array): Matrix {
  return { rows: data.length / columns, columns, data };
}
