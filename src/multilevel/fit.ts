import type { Matrix } from '../arrays.ts';
import type { Backend } from '../backend/backend.ts';
import { FittedModel, type Units } from '../data/fitted-model.ts';
import { fitInputScaling, fitTargetScaling, scaleInputs, scaleTargets } from '../data/scaling.ts';
import { checkTrainable, type Dataset, takeRows } from '../data/selection.ts';
import { splitRows } from '../data/split.ts';
import { Kan, type KanOptions } from '../models/kan.ts';
import type { TrainingHistory } from './history.ts';
import type { TrainOptions } from './options.ts';
import type { Problem } from './problem.ts';
import { regression } from './regression.ts';
import { type TrainResult, trainMultilevel } from './train.ts';

export interface FitOptions
  extends Pick<KanOptions, 'degree' | 'intervals' | 'hiddenIntervals' | 'squashing' | 'seed'> {
  /** Widths of the hidden layers. Default [10]. */
  readonly hidden?: readonly number[];
  /** Most grids to go through; validation may stop earlier. Default 5. */
  readonly levels?: number;
  /** Evaluations per level. Default 100. */
  readonly steps?: number;
  /** Weight of the roughness penalty; by default chosen on validation rows, together with the finest level. */
  readonly roughness?: number | 'auto';
  /** Share of the rows on which they are chosen. Default 0.2. */
  readonly validationFraction?: number;
  readonly optimizer?: TrainOptions['optimizer'];
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
}

export interface FitResult {
  readonly model: FittedModel;
  /** Of the final fit; losses are in units of the targets' variance. */
  readonly history: TrainingHistory;
  readonly roughness: number;
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
  const { roughness = 'auto', levels = 5, steps = 100, signal } = options;
  const units: Units = {
    inputs: data.inputs,
    targets: data.targets,
    inputScaling: fitInputScaling(data.x, data.inputs),
    targetScaling: fitTargetScaling(data.y, data.targets),
  };
  const problemOf = (rows: Dataset, weight: number) =>
    regression({ inputs: scaledInputs(rows, units), targets: scaledTargets(rows, units), roughness: weight });
  const progress = new FitReporter(roughness === 'auto' ? USUAL_PHASES : 1, options.onProgress);
  const create = () =>
    Kan.create(backend, { ...options, widths: [data.inputs.length, ...(options.hidden ?? [10]), data.targets.length] });

  async function train(problem: Problem, phase: string, more: TrainOptions) {
    const initial = create();
    try {
      const { optimizer } = options;
      return await trainMultilevel(initial, problem, {
        levels,
        steps,
        optimizer,
        signal,
        onProgress: (report) =>
          progress.report(phase, (report.level + report.evaluations / report.budget) / levels, report.loss),
        ...more,
      });
    } finally {
      initial.dispose();
      progress.next();
    }
  }

  const fitted = (
    { model, history }: TrainResult<Kan>,
    weight: number,
    candidates: readonly Candidate[],
  ): FitResult => ({
    model: new FittedModel(model, units),
    history,
    roughness: weight,
    candidates,
  });
  const choose = roughness === 'auto' && data.rows >= ROWS_TO_CHOOSE;
  const fixed = { roughness: roughness === 'auto' ? ROUGHNESS_OF_FEW_ROWS : roughness, levels };
  const { chosen, held } = choose ? choosingRows(data, options) : { chosen: data, held: data };
  const candidates: Candidate[] = [];
  let best: { candidate: Candidate; trained: TrainResult<Kan> } | undefined;
  const attempt = async (weight: number): Promise<boolean> => {
    const trained = await train(problemOf(chosen, weight), `roughness ${weight}`, {
      validation: problemOf(held, 0),
      gainToRefine: WORTHWHILE_GAIN,
    });
    const candidate = { roughness: weight, ...bestLevel(trained.history) };
    candidates.push(candidate);
    const better = best === undefined || candidate.validationLoss < best.candidate.validationLoss;
    (better ? best?.trained : trained)?.model.dispose();
    if (better) best = { candidate, trained };
    return better && !signal?.aborted;
  };
  if (choose) await walkDownhill(attempt);
  if (best && signal?.aborted) return fitted(best.trained, best.candidate.roughness, candidates);
  best?.trained.model.dispose();
  const choice = best?.candidate ?? fixed;
  const weight = (choice.roughness * chosen.rows) / data.rows;
  const trained = await train(problemOf(data, weight), 'all rows', {
    levels: choice.levels,
    watch: options.test && { test: problemOf(options.test, 0) },
  });
  return fitted(trained, weight, candidates);
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

function scaledInputs({ rows, x }: Dataset, { inputScaling }: Units): Matrix {
  return { rows, columns: x.length / rows, data: scaleInputs(inputScaling, x) };
}

function scaledTargets({ rows, y }: Dataset, { targetScaling }: Units): Matrix {
  return { rows, columns: y.length / rows, data: scaleTargets(targetScaling, y) };
}

function choosingRows(data: Dataset, { validationFraction = 0.2, seed = 0 }: FitOptions) {
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
