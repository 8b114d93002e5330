/**
 * What the paper's experiments with differential equations have in common: one training run, its error looked at while
 * it goes on, and finished runs kept on disk, so that a benchmark of an hour can be interrupted and resumed.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Activation,
  type Backend,
  type Coordinates,
  type CurvePoint,
  evaluateSolution,
  exactValues,
  inCoordinates,
  Kan,
  type KanOptions,
  type LevelRecord,
  Mlp,
  NestkanError,
  type Network,
  type Optimizer,
  type Pde,
  PdeProblem,
  type Problem,
  type TrainOptions,
  type TrainResult,
  trainMultilevel,
} from '../src/node.ts';
import { testPoints } from '../src/physics/solve.ts';
import { quick, summarise } from './shared.ts';

export type PdeNetwork = { readonly hidden: readonly number[] } & (
  | { readonly mlp: Activation }
  | ({ readonly mlp?: undefined } & Omit<KanOptions, 'widths' | 'seed' | 'scalars'>)
);

export interface PdeRun {
  readonly network: PdeNetwork;
  readonly optimizer: Optimizer;
  readonly stepsPerLevel: readonly number[];
  /** Of the points and of the initial weights. */
  readonly seed: number;
  readonly coordinates?: Coordinates;
  /** Work of an epoch of an MLP, which has no intervals. */
  readonly workPerEpoch?: number;
  /** Evaluations between looks at the error. */
  readonly lookEvery: number;
  /** Looks at the model at the end of every level. */
  readonly inspect?: (problem: PdeProblem, model: Network) => Promise<void>;
}

export interface ErrorPoint {
  /** Since the start of the run. */
  readonly work: number;
  readonly relativeL2: number;
}

/** What a level came to. */
export interface PdeLevel {
  readonly intervals: number;
  readonly parameters: number;
  readonly loss: number;
  readonly relativeL2: number;
  /** Mean squared residual of every term, not weighted. */
  readonly terms: Readonly<Record<string, number>>;
}

export interface PdeOutcome {
  readonly parameters: number;
  /** Weighted sum of the mean squared residuals, attention left out; NaN where training broke down, like the error. */
  readonly loss: number;
  readonly relativeL2: number;
  readonly levels: readonly PdeLevel[];
  readonly curve: readonly Pick<CurvePoint, 'work' | 'loss'>[];
  readonly errors: readonly ErrorPoint[];
  readonly work: number;
  readonly seconds: number;
}

/**
 * Solves a problem as `solve` does, and follows the error within levels as well, which `solve` gives at their ends only.
 *
 * A run that breaks down with numbers that are not finite has NaN for its results.
 */
export async function trainOnPde(backend: Backend, pde: Pde, run: PdeRun): Promise<PdeOutcome> {
  const { seed, coordinates, inspect, stepsPerLevel, workPerEpoch = 1 } = run;
  const problem = new PdeProblem(pde, { seed });
  const errorOf = relativeError(problem);
  const observer = new Observer(coordinates ? inCoordinates(problem, coordinates) : problem, run, errorOf);
  const initial = createNetwork(backend, problem, run);
  const trained = await trainOrBreak(initial, observer, {
    stepsPerLevel,
    workPerEpoch,
    optimizer: observer.optimizer,
    watch: Object.fromEntries(
      problem.terms.map(({ name }) => [name, { monitor: (network: Network) => problem.monitor(network, name) }]),
    ),
    measure: async (network) => {
      await inspect?.(problem, network);
      return { relativeL2: await errorOf(network) };
    },
  });
  const parameters = trained.model.parameterCount;
  initial.dispose();
  trained.model.dispose();
  const { curve, work, seconds } = trained.history;
  const levels = trained.history.levels.map(toLevel);
  const last = levels[levels.length - 1];
  const { loss, relativeL2 } = trained.broken ? { loss: Number.NaN, relativeL2: Number.NaN } : last;
  return {
    parameters,
    loss,
    relativeL2,
    levels,
    curve: curve.map((point) => ({ work: point.work, loss: point.loss })),
    errors: observer.errors,
    work,
    seconds,
  };
}

function toLevel({ intervals, parameters, trainLoss, watched = {} }: LevelRecord): PdeLevel {
  const { relativeL2, ...terms } = watched;
  return { intervals: intervals[0] ?? 0, parameters, loss: trainLoss, relativeL2, terms };
}

type Trained = TrainResult<Network> & { readonly broken: boolean };

async function trainOrBreak(initial: Kan | Mlp, problem: Problem, options: TrainOptions): Promise<Trained> {
  try {
    return { ...(await trainMultilevel<Network>(initial, problem, options)), broken: false };
  } catch (error) {
    if (!(error instanceof NestkanError) || error.code !== 'NON_FINITE_TRAINING') throw error;
    return { ...(error.where as unknown as TrainResult<Network>), broken: true };
  }
}

function createNetwork(backend: Backend, { pde, scaling }: PdeProblem, { network, seed }: PdeRun): Kan | Mlp {
  const widths = [scaling.scale.length, ...network.hidden, pde.unknowns.length];
  if (network.mlp) return inStages(Mlp.create(backend, { widths, activation: network.mlp, seed }));
  return Kan.create(backend, { ...network, widths, seed });
}

/** An MLP has no grids to refine: a further level begins with a fresh optimizer, and with nothing else. */
function inStages(mlp: Mlp): Mlp {
  const clone = async () => inStages(await Mlp.prototype.clone.call(mlp));
  return Object.assign(mlp, { clone, refine: clone });
}

/** Looks at the error whenever so many evaluations are done. In power-ReLU coordinates that is one step behind. */
class Observer implements Problem {
  readonly errors: ErrorPoint[] = [];
  readonly optimizer: Optimizer;
  readonly #problem: Problem;
  #model!: Network;
  #work = 0;

  constructor(problem: Problem, run: PdeRun, errorOf: (model: Network) => Promise<number>) {
    const { optimizer, lookEvery, workPerEpoch = 1 } = run;
    this.#problem = problem;
    const look = async () => {
      this.errors.push({ work: this.#work, relativeL2: await errorOf(this.#model) });
    };
    this.optimizer = {
      name: optimizer.name,
      start: async (objective, budget) => {
        const inner = await optimizer.start(objective, budget);
        const cost = this.#model.intervals[0] ?? workPerEpoch;
        let sinceLook = 0;
        if (this.errors.length === 0) await look();
        return {
          // No further piece may be under way while the model is looked at.
          depth: 1,
          advance: async (evaluations) => {
            const advance = await inner.advance(Math.min(evaluations, lookEvery - sinceLook));
            this.#work += advance.evaluations * cost;
            sinceLook += advance.evaluations;
            if (sinceLook >= lookEvery) {
              sinceLook = 0;
              await look();
            }
            return advance;
          },
          dispose: () => inner.dispose(),
        };
      },
    };
  }

  bind(model: Network) {
    this.#model = model;
    return this.#problem.bind(model);
  }

  monitor(model: Network) {
    return this.#problem.monitor(model);
  }
}

/** ‖u − u*‖₂ / ‖u*‖₂ on the test points, as `solve` measures it. */
function relativeError(problem: PdeProblem): (model: Network) => Promise<number> {
  const points = testPoints(problem.pde);
  const exact = exactValues(problem.pde, points);
  const size = exact.reduce((sum, value) => sum + value * value, 0);
  return async (model) => {
    const { data } = await evaluateSolution(problem, model, points);
    return Math.sqrt(exact.reduce((sum, value, index) => sum + (data[index] - value) ** 2, 0) / size);
  };
}

const RUNS = join('build', 'bench', quick ? 'quick-runs' : 'runs');
const resume = process.argv.includes('--resume');

/**
 * Runs a piece of a benchmark and keeps what it gives on disk. With `--resume`, what an interrupted benchmark had kept
 * under the same key is taken instead; only as long as the code is the same does that make sense.
 */
export async function kept<Result>(key: readonly unknown[], run: () => Promise<Result>): Promise<Result> {
  const name = createHash('sha256').update(JSON.stringify(key)).digest('hex').slice(0, 16);
  const path = join(RUNS, `${name}.json`);
  // JSON has no NaN, only null.
  if (resume && existsSync(path)) {
    return JSON.parse(readFileSync(path, 'utf8'), (_, value) => (value === null ? Number.NaN : value)).result;
  }
  const result = await run();
  mkdirSync(RUNS, { recursive: true });
  writeFileSync(path, JSON.stringify({ key, result }));
  return result;
}

/** `3.67e-5`, as the paper prints errors. */
export function scientific(value: number, decimals = 2): string {
  return value.toExponential(decimals).replace('e+', 'e');
}

/** `2.40e-5 (1.9e-5)`: mean and standard deviation of the runs that did not break down, and how many did. */
export function meanCell(values: readonly number[]): string {
  const finite = values.filter(Number.isFinite);
  if (finite.length === 0) return 'all broke down';
  const { mean, sd } = summarise(finite);
  const broken = values.length - finite.length;
  const cell = finite.length > 1 ? `${scientific(mean)} (${scientific(sd, 1)})` : scientific(mean);
  return broken > 0 ? `${cell}, ${broken} broke down` : cell;
}

/** The run with the median loss; of an even number the better one of the two in the middle. */
export function medianRun(outcomes: readonly PdeOutcome[]): PdeOutcome {
  const sorted = [...outcomes].sort((a, b) => lossOf(a) - lossOf(b));
  return sorted[Math.floor((sorted.length - 1) / 2)];
}

/** Medians are over all runs: one that broke down is worse than any that did not. */
export function medianOf(outcomes: readonly PdeOutcome[], figure: 'loss' | 'relativeL2'): number {
  return summarise(outcomes.map((outcome) => worst(outcome[figure]))).median;
}

/** For the raw numbers: what a page is made of, without the times, which depend on what else the machine had to do. */
export function withoutCurves({ curve: _, errors: __, seconds: ___, ...outcome }: PdeOutcome): Partial<PdeOutcome> {
  return outcome;
}

/** Where a multilevel run doubles its grids, for a chart over work. */
export function levelMarkers(intervals: number, stepsPerLevel: readonly number[]): { x: number; label: string }[] {
  let work = 0;
  return stepsPerLevel.slice(0, -1).map((steps, level) => {
    work += steps * intervals * 2 ** level;
    return { x: work, label: `n = ${intervals * 2 ** (level + 1)}` };
  });
}

function lossOf({ loss }: PdeOutcome): number {
  return worst(loss);
}

function worst(value: number): number {
  return Number.isNaN(value) ? Number.POSITIVE_INFINITY : value;
}
