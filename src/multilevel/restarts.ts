import { isNestkanError, NestkanError } from '../errors.ts';
import type { Network } from '../models/network.ts';
import { type LevelRecord, secondsSince, type TrainingHistory } from './history.ts';
import type { TrainOptions } from './options.ts';
import type { Problem } from './problem.ts';
import { levelBudgets, type Refinable, type TrainResult, trainMultilevel } from './train.ts';

export interface RestartOptions extends TrainOptions {
  /** Networks to begin with. Default 1. */
  readonly restarts?: number;
}

export interface RestartResult<Model> extends TrainResult<Model> {
  /** Number of the start that did best, from 0. */
  readonly restart: number;
}

/** A start that is still in the race, and what it went through. */
interface Runner<Model> {
  readonly restart: number;
  model: Model;
  readonly histories: TrainingHistory[];
}

/**
 * Trains from several starts coarse to fine and keeps the better half after every level, by validation loss or, without
 * validation data, by training loss: coarse levels cost little, and tell good starts from bad ones.
 *
 * The history is that of the winner; its work, evaluations and seconds are those of all. A start whose training breaks down
 * leaves the race.
 * Source of the halving: Jamieson and Talwalkar, arXiv 1502.07943.
 *
 * @param create makes start number `restart`, which belongs to the training
 * @throws NestkanError those of trainMultilevel
 */
export async function trainRestarts<Model extends Network & Partial<Refinable<Model>>>(
  create: (restart: number) => Model | Promise<Model>,
  problem: Problem,
  { restarts = 1, ...options }: RestartOptions = {},
): Promise<RestartResult<Model>> {
  if (!Number.isInteger(restarts) || restarts < 1) {
    throw new NestkanError('INVALID_ARGUMENT', `the number of restarts is ${restarts}`, {
      fix: 'Use a positive whole number.',
    });
  }
  const start = performance.now();
  const race = new Race<Model>(problem, options);
  try {
    for (let restart = 0; restart < restarts; restart++) {
      race.runners.push({ restart, model: await create(restart), histories: [] });
    }
    const budgets = levelBudgets(race.runners[0].model, options);
    let level = 0;
    while (race.runners.length > 1 && level < budgets.length) {
      await race.run(level, budgets);
      level++;
      if (race.isOver) break;
    }
    const [winner] = race.runners;
    if (!race.isOver && level < budgets.length) await race.finish(winner, level, budgets);
    const history = { ...joined(winner.histories), ...race.spent, seconds: secondsSince(start) };
    return { model: winner.model, history, restart: winner.restart };
  } catch (error) {
    for (const { model } of race.runners) model.dispose();
    throw error;
  }
}

class Race<Model extends Network & Partial<Refinable<Model>>> {
  runners: Runner<Model>[] = [];
  readonly spent = { work: 0, evaluations: 0 };
  isOver = false;
  readonly #problem: Problem;
  readonly #options: TrainOptions;

  constructor(problem: Problem, options: TrainOptions) {
    this.#problem = problem;
    this.#options = options;
  }

  /** One level of all runners, of which the better half stays. */
  async run(level: number, budgets: readonly number[]): Promise<void> {
    for (const runner of [...this.runners]) {
      try {
        await this.#train(runner, level, budgets.slice(level, level + 1), budgets.length);
      } catch (error) {
        if (!isNestkanError(error) || error.code !== 'NON_FINITE_TRAINING') throw error;
        this.#drop(runner);
        // The error holds the last finite model of the last one.
        if (this.runners.length === 0) throw error;
        (error.where['model'] as Model).dispose();
        continue;
      }
      const { stopped } = runner.histories[level];
      this.isOver = stopped === 'aborted' || stopped === 'tolerance';
      // Those that have not come to this level lose against those that have.
      if (this.isOver) break;
    }
    const ranked = [...this.runners].sort((a, b) => lossAfter(a, level) - lossAfter(b, level));
    const places = this.isOver ? 1 : Math.ceil(ranked.length / 2);
    for (const runner of ranked.slice(places)) this.#drop(runner);
    this.runners = ranked.slice(0, places);
  }

  /** The levels that are left, by the winner alone. */
  finish(winner: Runner<Model>, level: number, budgets: readonly number[]): Promise<void> {
    return this.#train(winner, level, budgets.slice(level), budgets.length);
  }

  async #train(runner: Runner<Model>, level: number, stepsPerLevel: readonly number[], levels: number): Promise<void> {
    if (level > 0 && runner.histories.length > 0) {
      const coarse = runner.model;
      runner.model = await coarse.refine!();
      coarse.dispose();
      await this.#problem.adapt?.(runner.model);
    }
    const { onProgress } = this.#options;
    const { work } = this.spent;
    const initial = runner.model;
    const { model, history } = await trainMultilevel(initial, this.#problem, {
      ...this.#options,
      levels: stepsPerLevel.length,
      stepsPerLevel,
      onProgress: (progress) =>
        onProgress?.({ ...progress, level: level + progress.level, levels, work: work + progress.work }),
    });
    initial.dispose();
    runner.model = model;
    runner.histories.push(history);
    this.spent.work += history.work;
    this.spent.evaluations += history.evaluations;
  }

  #drop(runner: Runner<Model>): void {
    this.runners = this.runners.filter((other) => other !== runner);
    runner.model.dispose();
  }
}

function lossAfter({ histories }: Runner<unknown>, level: number): number {
  const record: LevelRecord | undefined = histories[level]?.levels[0];
  return record === undefined ? Number.POSITIVE_INFINITY : (record.validationLoss ?? record.trainLoss);
}

/** One history of trainings that went on from each other. */
function joined(histories: readonly TrainingHistory[]): TrainingHistory {
  const [first, ...rest] = histories;
  return rest.reduce((before, after) => {
    const shift = { level: before.levels.length, evaluations: before.evaluations, work: before.work };
    const moved = <Point extends { level: number; evaluations: number; work: number }>(points: readonly Point[]) =>
      points.map((point) => ({
        ...point,
        level: point.level + shift.level,
        evaluations: point.evaluations + shift.evaluations,
        work: point.work + shift.work,
      }));
    return {
      levels: [...before.levels, ...after.levels],
      curve: [...before.curve, ...moved(after.curve)],
      validation: [...before.validation, ...moved(after.validation)],
      work: before.work + after.work,
      evaluations: before.evaluations + after.evaluations,
      seconds: before.seconds + after.seconds,
      stopped: after.stopped,
    };
  }, first);
}
