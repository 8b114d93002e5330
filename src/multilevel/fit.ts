import type { Backend } from '../backend/backend.ts';
import { checkTrainable, type Dataset, takeRows } from '../data/dataset.ts';
import { FittedModel, type Units } from '../data/fitted-model.ts';
import { fitInputScaling, fitTargetScaling, scaleInputs, scaleTargets } from '../data/scaling.ts';
import { splitRows } from '../data/split.ts';
import { Kan, type KanOptions } from '../models/kan.ts';
import type { Samples } from './compare.ts';
import type { Workload } from './fastest.ts';
import { type LevelRecord, secondsSince, type TrainingHistory } from './history.ts';
import type { TrainOptions } from './options.ts';
import { regression } from './regression.ts';
import { trainRestarts } from './restarts.ts';
import type { TrainResult } from './train.ts';
import { weightedError } from './weighted-error.ts';

/** What {@link fit} does where its options say nothing. */
export const fitDefaults = {
  hidden: [10],
  degree: 3,
  intervals: 4,
  levels: 5,
  steps: 100,
  validationFraction: 0.2,
} as const;

export interface FitOptions
  extends Pick<KanOptions, 'degree' | 'intervals' | 'hiddenIntervals' | 'squashing' | 'seed'> {
  /** Widths of the hidden layers. Defaults of all: {@link fitDefaults}. */
  readonly hidden?: readonly number[];
  /** Most grids to go through; validation may stop earlier. */
  readonly levels?: number;
  /** Evaluations per level. */
  readonly steps?: number;
  /** Weight of the roughness penalty; by default chosen on validation rows, together with the finest level. */
  readonly roughness?: number | 'auto';
  /** Share of the rows on which they are chosen. */
  readonly validationFraction?: number;
  readonly optimizer?: TrainOptions['optimizer'];
  /**
   * Networks that the first training begins with, of which every level keeps the better half; what trainings follow begin
   * as its winner did. Default 1.
   */
  readonly restarts?: number;
  /** Rows to be evaluated at the end of every level, for the history only. */
  readonly test?: Dataset;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: FitProgress) => void;
}

export interface FitProgress {
  /** What is being done: one of the candidates, or the fit to all rows. */
  readonly phase: string;
  /** Share of the whole that is done, 0 to 1; an estimate, since the number of candidates is not known beforehand. */
  readonly done: number;
  readonly loss: number;
}

/** One roughness that was tried, and how well it did on the validation rows. */
export interface Candidate {
  readonly roughness: number;
  /** Number of levels after which it did best. */
  readonly levels: number;
  /** In units of the targets' variance. */
  readonly validationLoss: number;
  readonly work: number;
  readonly seconds: number;
}

export interface FitResult {
  readonly model: FittedModel;
  /**
   * Of the fit that made the model. Losses are in units of the targets' variance; every level's `watched.train` and,
   * with test rows, `watched.test` are mean squared errors in the targets' own units.
   */
  readonly history: TrainingHistory;
  /** Rows that the model was trained on: all, unless the signal came before they had been fitted. */
  readonly rows: number;
  /** Whether the signal cut the search or the fit short. */
  readonly interrupted: boolean;
  /** Of the whole search, candidates included. */
  readonly work: number;
  readonly seconds: number;
  readonly roughness: number;
  /** Of the network that did best: the given one plus the number of its start. Rows are divided by the given one. */
  readonly seed: number;
  /** Empty where the roughness was given, or rows were too few to choose it. */
  readonly candidates: readonly Candidate[];
}

/** Weights in the order in which the search walks them, downhill in validation loss from {@link FIRST_WEIGHT}. */
const WEIGHTS = [1, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 0];
const FIRST_WEIGHT = WEIGHTS.indexOf(1e-4);
/** Trainings that a walk usually takes, the final one included; progress is measured against it. */
const USUAL_PHASES = 5;
/** Fewer rows than this are not split once more: the penalty is then fixed. */
const ROWS_TO_CHOOSE = 40;
const ROUGHNESS_OF_FEW_ROWS = 1e-3;
/** Rows used for choosing. The best weight goes like 1/rows, by which the choice is scaled. */
const MOST_ROWS_TO_CHOOSE = 10_000;
/** Evaluations between looks at validation rows, and looks in a row that may bring nothing. */
const VALIDATION_INTERVAL = 10;
const PATIENCE = 3;
/** Relative gain on validation rows that a level must bring for the next one to be tried. */
const WORTHWHILE_GAIN = 0.005;

/**
 * Fits a KAN to a table: scaling from these rows only, roughness and finest level chosen on held-back rows, then a fit
 * to all rows.
 *
 * ```ts
 * const table = tableFromColumns({ x: [0, 1, 2, 3], y: [0, 1, 4, 9] });
 * const { model } = await fit(backend, selectColumns(table, { targets: ['y'] }));
 * console.log((await model.predict([[1.5]])).get(0, 0));
 * ```
 *
 * Source of the penalty: Eilers and Marx, Statistical Science 11 (1996).
 *
 * @throws NestkanError DATA_TOO_FEW_ROWS, DATA_CONSTANT_COLUMN, those of Kan.create and trainMultilevel
 */
export async function fit(backend: Backend, data: Dataset, options: FitOptions = {}): Promise<FitResult> {
  checkTrainable(data);
  const { roughness = 'auto', levels = fitDefaults.levels, steps = fitDefaults.steps, signal } = options;
  const { units, network, problemOf } = recipe(data, options);
  // Relative to the largest unit: float32 holds neither the square of 1e30 nor that of 1e-30.
  const { deviation } = units.targetScaling;
  const largest = Math.max(...deviation);
  const errorOf = (rows: Dataset) =>
    weightedError(
      scaled(rows, units),
      deviation.map((unit) => unit / largest),
    );
  const test = options.test && errorOf(options.test);
  const progress = new FitReporter(roughness === 'auto' ? USUAL_PHASES : 1, options.onProgress);

  const start = performance.now();
  let work = 0;
  let interrupted = false;
  let { seed = 0, restarts = 1 } = options;

  async function train(rows: Dataset, weight: number, phase: string, more: TrainOptions) {
    try {
      const { optimizer } = options;
      const create = (restart: number) => Kan.create(backend, { ...network, seed: seed + restart });
      const trained = await trainRestarts(create, problemOf(rows, weight), {
        levels,
        steps,
        optimizer,
        restarts,
        signal,
        watch: { train: errorOf(rows), ...(test && { test }) },
        onProgress: (report) =>
          progress.report(phase, (report.level + report.evaluations / report.budget) / levels, report.loss),
        ...more,
      });
      work += trained.history.work;
      interrupted ||= trained.history.stopped === 'aborted';
      seed += trained.restart;
      restarts = 1;
      return trained;
    } finally {
      progress.next();
    }
  }

  const fitted = ({ model, history }: TrainResult<Kan>, { rows }: Dataset, weight: number): FitResult => ({
    model: new FittedModel(model, units),
    history: { ...history, levels: history.levels.map((level) => withWatched(level, largest ** 2)) },
    rows,
    interrupted,
    work,
    seconds: secondsSince(start),
    roughness: weight,
    seed,
    candidates,
  });
  const choose = roughness === 'auto' && data.rows >= ROWS_TO_CHOOSE;
  const fixed = { roughness: roughness === 'auto' ? ROUGHNESS_OF_FEW_ROWS : roughness, levels };
  const { chosen, held } = choose ? choosingRows(data, options) : { chosen: data, held: data };
  const candidates: Candidate[] = [];
  let best: { candidate: Candidate; trained: TrainResult<Kan> } | undefined;
  const attempt = async (weight: number): Promise<boolean> => {
    if (interrupted) return false;
    const trained = await train(chosen, weight, `roughness ${weight}`, {
      validation: problemOf(held, 0),
      validationInterval: VALIDATION_INTERVAL,
      patience: PATIENCE,
      gainToRefine: WORTHWHILE_GAIN,
    });
    const { history } = trained;
    const candidate = { roughness: weight, ...bestLevel(history), work: history.work, seconds: history.seconds };
    candidates.push(candidate);
    const better = best === undefined || candidate.validationLoss < best.candidate.validationLoss;
    (better ? best?.trained : trained)?.model.dispose();
    if (better) best = { candidate, trained };
    return better;
  };
  if (choose) await walkDownhill(attempt);
  if (best && interrupted) return fitted(best.trained, chosen, best.candidate.roughness);
  const choice = best?.candidate ?? fixed;
  const weight = (choice.roughness * chosen.rows) / data.rows;
  const plan = best && { stepsPerLevel: evaluationsToBest(best.trained.history).slice(0, choice.levels) };
  const trained = await train(data, weight, 'all rows', { levels: choice.levels, ...plan });
  // What was cut short is worse than what was chosen: that one went through all its levels.
  if (best && interrupted) {
    trained.model.dispose();
    return fitted(best.trained, chosen, best.candidate.roughness);
  }
  best?.trained.model.dispose();
  return fitted(trained, data, weight);
}

/**
 * What {@link fit} spends most of its time on, for fastestBackend: a level in the middle, since validation seldom lets it
 * come to the finest.
 */
export function fitWorkload(data: Dataset, options: FitOptions = {}): Workload {
  const { levels = fitDefaults.levels, optimizer } = options;
  return (backend) => {
    const { network, problemOf } = recipe(data, options);
    const { intervals, hiddenIntervals = intervals } = network;
    const factor = 2 ** Math.floor((levels - 1) / 2);
    const grids = { intervals: factor * intervals, hiddenIntervals: factor * hiddenIntervals };
    return {
      model: Kan.create(backend, { ...network, ...grids }),
      problem: problemOf(data, ROUGHNESS_OF_FEW_ROWS),
      optimizer,
    };
  };
}

/** Units of `data`, the coarsest network, and what it is trained on. */
function recipe(data: Dataset, options: FitOptions) {
  const { hidden = fitDefaults.hidden, degree = fitDefaults.degree, intervals = fitDefaults.intervals } = options;
  const units: Units = {
    inputs: data.inputs,
    targets: data.targets,
    inputScaling: fitInputScaling(data.x, data.inputs),
    targetScaling: fitTargetScaling(data.y, data.targets),
  };
  const widths = [data.inputs.length, ...hidden, data.targets.length];
  return {
    units,
    network: { ...options, widths, degree, intervals },
    problemOf: (rows: Dataset, weight: number) => regression({ ...scaled(rows, units), roughness: weight }),
  };
}

/** Tries the first weight, then ever smaller ones while they do better; if none does, ever larger ones. */
async function walkDownhill(attempt: (weight: number) => Promise<boolean>): Promise<void> {
  if (!(await attempt(WEIGHTS[FIRST_WEIGHT]))) return;
  let index = FIRST_WEIGHT + 1;
  while (index < WEIGHTS.length && (await attempt(WEIGHTS[index]))) index++;
  if (index > FIRST_WEIGHT + 1) return;
  index = FIRST_WEIGHT - 1;
  while (index >= 0 && (await attempt(WEIGHTS[index]))) index--;
}

function withWatched(level: LevelRecord, factor: number): LevelRecord {
  const watched = Object.entries(level.watched ?? {}).map(([name, figure]) => [name, figure * factor]);
  return { ...level, watched: Object.fromEntries(watched) };
}

function scaled({ rows, x, y }: Dataset, { inputScaling, targetScaling }: Units): Samples {
  return {
    inputs: { rows, columns: x.length / rows, data: scaleInputs(inputScaling, x) },
    targets: { rows, columns: y.length / rows, data: scaleTargets(targetScaling, y) },
  };
}

function choosingRows(data: Dataset, options: FitOptions) {
  const { validationFraction = fitDefaults.validationFraction, seed = 0 } = options;
  const sample = Math.min(1, MOST_ROWS_TO_CHOOSE / data.rows);
  const split = splitRows(data.rows, {
    test: 1 - sample,
    validation: validationFraction * sample,
    seed,
  });
  return { chosen: takeRows(data, split.train), held: takeRows(data, split.validation) };
}

function bestLevel({ levels }: TrainingHistory): { levels: number; validationLoss: number } {
  let best = { levels: 1, validationLoss: Number.POSITIVE_INFINITY };
  levels.forEach(({ validationLoss = Number.POSITIVE_INFINITY }, index) => {
    if (validationLoss < best.validationLoss * (1 - WORTHWHILE_GAIN)) best = { levels: index + 1, validationLoss };
  });
  return best;
}

/** Level by level, after how many evaluations the validation rows were fitted best. */
function evaluationsToBest({ levels, validation }: TrainingHistory): number[] {
  let start = 0;
  return levels.map(({ evaluations, validationLoss }, level) => {
    const best = validation.find((look) => look.level === level && look.loss === validationLoss);
    const spent = (best?.evaluations ?? start) - start;
    start += evaluations;
    return Math.max(1, spent);
  });
}

/** Progress over all phases. How many there will be is not known beforehand: the share shown never quite gets there. */
class FitReporter {
  readonly #usual: number;
  readonly #report?: FitOptions['onProgress'];
  #finished = 0;

  constructor(usual: number, report: FitOptions['onProgress']) {
    this.#usual = usual;
    this.#report = report;
  }

  report(phase: string, share: number, loss: number): void {
    const phases = Math.max(this.#usual, this.#finished + 1);
    this.#report?.({ phase, done: Math.min(1, (this.#finished + share) / phases), loss });
  }

  next(): void {
    this.#finished++;
  }
}
