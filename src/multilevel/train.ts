import { NestkanError } from '../errors.ts';
import type { Network } from '../models/network.ts';
import { MAX_INTERVALS } from '../splines/grid.ts';
import { type LevelRecord, type TrainingHistory, TrainingLog } from './history.ts';
import { LevelTraining } from './level.ts';
import { checkOptions, type TrainOptions } from './options.ts';
import type { Problem } from './problem.ts';

/** A network that can double its grids without changing its function. */
export interface Refinable<Model> {
  refine(): Promise<Model>;
}

export interface TrainResult<Model> {
  readonly model: Model;
  readonly history: TrainingHistory;
}

/**
 * Trains coarse to fine: optimise, double every grid without changing the function, fresh optimizer state, repeat.
 *
 * The given model is left as it is. Source: Southworth et al., arXiv 2603.04827, algorithm 1.
 *
 * ```ts
 * const problem = regression({ inputs, targets });
 * const { model, history } = await trainMultilevel(Kan.create(backend, { widths: [2, 5, 1] }), problem, { levels: 4 });
 * console.log(history.levels.map((level) => level.trainLoss));
 * ```
 *
 * @throws NestkanError INVALID_ARGUMENT, OPTIMIZER_UNSUITABLE, KAN_INPUT_WIDTH; NON_FINITE_TRAINING whose `where` names
 * level, step and layer and holds the last finite `model` and the `history` up to there
 */
export async function trainMultilevel<Model extends Network & Partial<Refinable<Model>>>(
  initial: Model,
  problem: Problem,
  options: TrainOptions = {},
): Promise<TrainResult<Model>> {
  checkOptions(options);
  const budgets = levelBudgets(initial, options);
  const log = new TrainingLog();
  let model = (await initial.clone()) as Model;
  try {
    for (const [level, budget] of budgets.entries()) {
      if (level > 0) {
        const coarse = model;
        model = await coarse.refine!();
        coarse.dispose();
        await problem.adapt?.(model);
      }
      const training = await LevelTraining.open(
        model,
        problem,
        options,
        { level, levels: budgets.length, budget },
        log,
      );
      await training.run();
      if (log.stopped === 'aborted' || log.stopped === 'tolerance') break;
      if (!worthRefining(log.levels, options)) {
        log.stopped = 'early-stopping';
        break;
      }
    }
  } catch (error) {
    if (error instanceof NestkanError && error.code === 'NON_FINITE_TRAINING') {
      Object.assign(error.where, { model, history: log.history() });
      throw error;
    }
    model.dispose();
    throw error;
  }
  return { model, history: log.history() };
}

function worthRefining(levels: readonly LevelRecord[], { gainToRefine }: TrainOptions): boolean {
  if (gainToRefine === undefined || levels.length < 2) return true;
  const [before, after] = levels.slice(-2).map((level) => level.validationLoss ?? Number.NaN);
  return !(after > before * (1 - gainToRefine));
}

/** Evaluations of every level. @throws NestkanError INVALID_ARGUMENT, INTERVALS_OUT_OF_RANGE */
export function levelBudgets(initial: Network & Partial<Refinable<unknown>>, options: TrainOptions): readonly number[] {
  const { stepsPerLevel, levels = stepsPerLevel?.length ?? (initial.refine ? 4 : 1), steps = 200 } = options;
  if (!Number.isInteger(levels) || levels < 1 || (stepsPerLevel !== undefined && stepsPerLevel.length !== levels)) {
    throw new NestkanError('INVALID_ARGUMENT', `levels is ${levels}, stepsPerLevel [${stepsPerLevel ?? ''}]`, {
      fix: 'Use a positive number of levels, and as many numbers in stepsPerLevel.',
    });
  }
  if (levels > 1 && initial.refine === undefined) {
    throw new NestkanError(
      'INVALID_ARGUMENT',
      `a ${initial.kind} has no grid to refine, ${levels} levels were asked for`,
      {
        fix: 'Use levels: 1, or a Kan.',
      },
    );
  }
  checkFinestGrid(initial, levels);
  const budgets = stepsPerLevel ?? new Array<number>(levels).fill(steps);
  const bad = budgets.find((budget) => !Number.isInteger(budget) || budget < 1);
  if (bad === undefined) return budgets;
  throw new NestkanError('INVALID_ARGUMENT', `a level cannot take ${bad} steps`, {
    fix: 'Use positive whole numbers.',
  });
}

/** Refused before the first level is trained rather than after the last that fits. */
function checkFinestGrid({ intervals }: Network, levels: number): void {
  const widest = Math.max(1, ...intervals);
  const finest = widest * 2 ** (levels - 1);
  if (finest <= MAX_INTERVALS) return;
  const most = 1 + Math.floor(Math.log2(MAX_INTERVALS / widest));
  throw new NestkanError(
    'INTERVALS_OUT_OF_RANGE',
    `${levels} levels from ${widest} intervals end at ${finest}, a grid has at most ${MAX_INTERVALS}`,
    { fix: `Use at most ${most} levels, or fewer intervals to begin with.`, where: { levels, intervals: widest } },
  );
}
