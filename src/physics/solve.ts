import type { Matrix } from '../arrays.ts';
import type { Backend } from '../backend/backend.ts';
import { isNestkanError, NestkanError } from '../errors.ts';
import type { Activation } from '../kernels/activations.ts';
import { Kan, type KanOptions } from '../models/kan.ts';
import { Mlp } from '../models/mlp.ts';
import type { Network } from '../models/network.ts';
import { type Coordinates, inCoordinates } from '../multilevel/coordinates.ts';
import type { Workload } from '../multilevel/fastest.ts';
import type { TrainingHistory } from '../multilevel/history.ts';
import { type RestartOptions, trainRestarts } from '../multilevel/restarts.ts';
import type { Refinable } from '../multilevel/train.ts';
import { createRandom } from '../random.ts';
import { checkFinite, checkPoints, named, pointInWords, valuesAt } from './checks.ts';
import { constraintOf } from './context.ts';
import type { Pde } from './pde.ts';
import { PdeProblem, type PdeProblemOptions, SCALARS } from './pde-problem.ts';
import { evaluateFormulas, featuresOf } from './points.ts';
import { grid } from './sampling.ts';

export interface SolveOptions
  extends PdeProblemOptions,
    Pick<KanOptions, 'intervals' | 'hiddenIntervals' | 'hiddenDomain' | 'squashing' | 'leadingLinear'>,
    Pick<
      RestartOptions,
      | 'levels'
      | 'steps'
      | 'stepsPerLevel'
      | 'optimizer'
      | 'tolerance'
      | 'workPerEpoch'
      | 'signal'
      | 'onProgress'
      | 'restarts'
    > {
  /** Widths of the hidden layers. Default [5]. */
  readonly hidden?: readonly number[];
  /** Default 4: second derivatives are then continuously differentiable. */
  readonly degree?: number;
  /** The basis in which optimizers move, and that of the gradient they see. Default: splines for both. */
  readonly coordinates?: Coordinates;
  /** Solves with an MLP of this activation instead of a KAN, on one level. */
  readonly mlp?: Activation;
  /**
   * Watches the loss at points that training does not see, other draws of the samplers, and keeps the parameters that did
   * best there, so that no network is returned that fits its points and nothing between them. Default true.
   */
  readonly heldOut?: boolean;
  /** Looks at the model at the end of every level, of every start; it goes on being trained afterwards. */
  readonly inspect?: (problem: PdeProblem, model: Network) => Promise<void>;
}

/** What {@link solve} does where its options say nothing. */
export const solveDefaults = { hidden: [5], degree: 4, intervals: 4, levels: 4, steps: 200 } as const;

/** Errors against the exact solution, over all unknowns that have one. */
export interface SolutionErrors {
  /** ‖u − u*‖₂ / ‖u*‖₂ over the test points. */
  readonly relativeL2: number;
  readonly maxError: number;
}

export interface Solution {
  readonly model: Network;
  /** Levels' `watched` holds every term's mean squared residual under its name, and {@link SolutionErrors}. */
  readonly history: TrainingHistory;
  readonly problem: PdeProblem;
  /** Of the network that did best: the given one plus the number of its start. Points go by the given one. */
  readonly seed: number;
  /** Undefined where no exact solution is known. */
  readonly errors?: SolutionErrors;
  /** Trained scalars, by name. */
  readonly scalars: Readonly<Record<string, number>>;
  /** What makes the solution doubtful, each with what to do about it; empty where nothing does. */
  readonly warnings: readonly string[];
}

/**
 * Solves a differential equation with a KAN, coarse to fine.
 *
 * ```ts
 * const { errors } = await solve(backend, pde, { hidden: [5], levels: 3, steps: 100 });
 * console.log(errors?.relativeL2);
 * ```
 *
 * @throws NestkanError those of PdeProblem, Kan.create and trainMultilevel; NON_FINITE_INPUT that names term and point where
 * a residual is not finite to begin with
 */
export async function solve(backend: Backend, pde: Pde, options: SolveOptions = {}): Promise<Solution> {
  const problem = new PdeProblem(pde, options);
  const { seed = 0 } = options;
  const create = (restart: number) => createModel(backend, problem, { ...options, seed: seed + restart });
  const test = testPoints(pde);
  const exact = exactValues(pde, test);
  try {
    const { coordinates, heldOut = true } = options;
    const { model, history, restart } = await trainRestarts(
      create,
      coordinates ? inCoordinates(problem, coordinates) : problem,
      {
        ...options,
        levels: options.mlp ? 1 : options.levels,
        validation: heldOut ? problem.heldOut : undefined,
        watch: Object.fromEntries(
          problem.terms.map(({ name }) => [name, { monitor: (m: Network) => problem.monitor(m, name) }]),
        ),
        measure: async (network) => {
          await options.inspect?.(problem, network);
          return { ...(await errorsOf(problem, network, test, exact)) };
        },
      },
    );
    const values = Object.keys(pde.scalars).length > 0 ? (await model.parameters.read())[SCALARS] : new Float64Array(0);
    const scalars = Object.fromEntries(Object.keys(pde.scalars).map((name, index) => [name, values[index]]));
    const errors = await errorsOf(problem, model, test, exact);
    return {
      model,
      history,
      problem,
      errors,
      scalars,
      warnings: warningsOf(problem, model, history),
      seed: seed + restart,
    };
  } catch (error) {
    throw explained(error, pde);
  }
}

/** What {@link solve} spends most of its time on, for fastestBackend: the finest level. */
export function solveWorkload(pde: Pde, options: SolveOptions = {}): Workload {
  const { stepsPerLevel, levels = stepsPerLevel?.length ?? solveDefaults.levels, coordinates, optimizer } = options;
  const { intervals = solveDefaults.intervals, hiddenIntervals = intervals } = options;
  const factor = 2 ** (levels - 1);
  const grids = { intervals: factor * intervals, hiddenIntervals: factor * hiddenIntervals };
  return (backend) => {
    const problem = new PdeProblem(pde, options);
    return {
      model: createModel(backend, problem, { ...options, ...grids }),
      problem: coordinates ? inCoordinates(problem, coordinates) : problem,
      optimizer,
    };
  };
}

/** How many times the loss on its own points a held-out loss may be: many points give 1.0 to 1.3. */
const OVERFITTED = 10;
/** Losses are rounding where they are less than this share of the first one. */
const ROUNDING = { float64: 1e-26, float32: 1e-12 };

function warningsOf(problem: PdeProblem, model: Network, { levels, curve }: TrainingHistory): string[] {
  const { trainLoss, validationLoss = trainLoss } = levels[levels.length - 1];
  const rounding = ROUNDING[model.backend.precision] * curve[0].loss;
  if (!(validationLoss > Math.max(OVERFITTED * trainLoss, rounding))) return [];
  const points = problem.terms.reduce((sum, term, index) => sum + problem.points(term, index, model)[0].rows, 0);
  const ratio = (validationLoss / trainLoss).toPrecision(2);
  return [
    `Between its points the loss is ${ratio} times that on them: the network fits ${points} points with ` +
      `${model.parameterCount} parameters, and less of the equation. Use more points, in interior(…) rather than on a grid, ` +
      'or fewer levels.',
  ];
}

/** A breakdown of training with the term and the point where it shows; before the first step it is the term's own. */
function explained(error: unknown, { box }: Pde): unknown {
  if (!isNestkanError(error) || error.code !== 'NON_FINITE_TRAINING' || error.where['term'] === undefined) return error;
  const { level, step, term, point, residual } = error.where;
  const data = Float64Array.from(point as number[]);
  const what = `the residual of ${term} is ${residual} at ${pointInWords(box, { columns: box.length, data })}`;
  if (level === 0 && step === 0) {
    return new NestkanError('NON_FINITE_INPUT', `${what}, before training`, {
      fix: 'Write it such that div, log, sqrt and exp are finite whatever values the unknowns have.',
      where: { term, point },
      cause: error,
    });
  }
  return new NestkanError(error.code, `${error.message}: ${what}`, {
    fix: error.fix,
    where: error.where,
    cause: error,
  });
}

function createModel(
  backend: Backend,
  { pde, scaling }: PdeProblem,
  options: SolveOptions,
): Network & Partial<Refinable<Network>> {
  const { hidden = solveDefaults.hidden, degree = solveDefaults.degree, mlp, seed } = options;
  const widths = [scaling.scale.length, ...hidden, pde.unknowns.length];
  const scalars = Object.values(pde.scalars);
  if (mlp) return Mlp.create(backend, { widths, activation: mlp, seed, scalars });
  return Kan.create(backend, { ...options, widths, degree, scalars });
}

/**
 * Values of the unknowns, hard constraints included.
 *
 * @param points [points, coordinates]
 * @returns [points, unknowns]
 */
export async function evaluateSolution({ pde, scaling }: PdeProblem, model: Network, points: Matrix): Promise<Matrix> {
  const features = featuresOf(pde);
  const values = evaluateFormulas(pde, features, [points]);
  const inputs = Float64Array.from({ length: points.rows * features.length }, (_, index) => {
    const feature = index % features.length;
    const row = Math.floor(index / features.length);
    return scaling.scale[feature] * values[feature * points.rows + row] + scaling.shift[feature];
  });
  const result = await model.evaluate({ rows: points.rows, columns: features.length, data: inputs });
  pde.unknowns.forEach((name, unknown) => {
    if (pde.constraints?.[name] === undefined) return;
    const { lift, distance } = constraintOf(pde, name);
    const parts = evaluateFormulas(pde, [lift, distance], [points]);
    for (let row = 0; row < points.rows; row++) {
      const index = row * result.columns + unknown;
      result.data[index] = parts[row] + parts[points.rows + row] * result.data[index];
    }
  });
  return result;
}

/** Nodes of the default test grid, over all coordinates together. */
const TEST_NODES = 10_000;

export function testPoints(pde: Pde): Matrix {
  const nodes = Math.max(2, Math.round(TEST_NODES ** (1 / pde.box.length)));
  const counts = Object.fromEntries(pde.box.map(([name]) => [name, nodes]));
  const sampler = pde.testPoints ?? grid(counts);
  return named('the test points', { fix: 'Give a sampler, such as interior(1000).' }, () => {
    const points = sampler({ box: pde.box, random: createRandom(0) });
    checkPoints(pde.box, points);
    return points;
  });
}

/**
 * The exact solutions at points [points, coordinates].
 *
 * @returns [points, unknowns]; NaN for unknowns without an exact solution
 * @throws NestkanError NON_FINITE_INPUT where one is not finite
 */
export function exactValues({ exactSolutions, unknowns, box }: Pde, points: Matrix): Float64Array {
  const values = new Float64Array(points.rows * unknowns.length).fill(Number.NaN);
  exactSolutions.forEach((solution, unknown) => {
    if (solution === undefined) return;
    const what = `the exact solution of ${unknowns[unknown]}`;
    const column = valuesAt(what, solution, box, points);
    checkFinite(what, column, { box, points });
    column.forEach((value, row) => {
      values[row * unknowns.length + unknown] = value;
    });
  });
  return values;
}

async function errorsOf(
  problem: PdeProblem,
  model: Network,
  points: Matrix,
  exact: Float64Array,
): Promise<SolutionErrors | undefined> {
  if (exact.every(Number.isNaN)) return undefined;
  const { data } = await evaluateSolution(problem, model, points);
  let difference = 0;
  let size = 0;
  let maxError = 0;
  exact.forEach((value, index) => {
    if (Number.isNaN(value)) return;
    const error = Math.abs(data[index] - value);
    difference += error * error;
    size += value * value;
    maxError = Math.max(maxError, error);
  });
  return { relativeL2: Math.sqrt(difference / size), maxError };
}
