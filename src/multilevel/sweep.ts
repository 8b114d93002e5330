import { type Rows, toMatrix } from '../arrays.ts';
import type { Backend } from '../backend/backend.ts';
import { NestkanError } from '../errors.ts';
import { Kan, type KanOptions } from '../models/kan.ts';
import { adam, adamDefaults } from '../optimizers/adam.ts';
import { learningRates } from '../optimizers/schedule.ts';
import { secondsSince, type TrainingHistory } from './history.ts';
import { checkOptions, type TrainOptions } from './options.ts';
import type { Problem } from './problem.ts';
import { regression } from './regression.ts';
import { type SweepData, SweepLevel } from './sweep-level.ts';
import { trainMultilevel } from './train.ts';

/** One network of a sweep: what it has of its own. */
export interface SweepMember {
  /** Seed of the initial coefficients. Default: its number in the sweep. */
  readonly seed?: number;
  /** Of Adam, at its highest. Default 0.02. */
  readonly learningRate?: number;
  /** [rows, outputs], in place of the common ones; for all members or for none. */
  readonly targets?: Rows;
}

export interface SweepOptions
  extends Pick<TrainOptions, 'levels' | 'steps' | 'validationInterval' | 'patience' | 'signal'> {
  /** The networks to be trained, all of one shape. */
  readonly members: readonly SweepMember[];
  /** [rows, inputs], in the networks' coordinates. */
  readonly inputs: Rows;
  /** [rows, outputs]; not needed where every member has its own. */
  readonly targets?: Rows;
  /** Rows that training does not see: every member keeps the parameters that fit them best, and stops on its own. */
  readonly validation?: { readonly inputs: Rows; readonly targets: Rows };
  readonly onProgress?: (progress: SweepProgress) => void;
}

export interface SweepProgress {
  /** Zero-based level, and how many there are. */
  readonly level: number;
  readonly levels: number;
  /** Steps of this level. */
  readonly steps: number;
  readonly budget: number;
  /** The last loss of every member that is known. */
  readonly losses: readonly number[];
}

/** What became of one network. */
export interface SweepResult {
  readonly seed: number;
  readonly learningRate: number;
  /** Belongs to the caller. */
  readonly model: Kan;
  /** Mean squared errors at the end of every level. */
  readonly levels: readonly { readonly trainLoss: number; readonly validationLoss?: number; readonly steps: number }[];
  /** `diverged`: its loss stopped being finite; the model is then as it was at the beginning of that level. */
  readonly outcome: 'completed' | 'early-stopping' | 'diverged' | 'aborted';
}

export interface Sweep {
  readonly members: readonly SweepResult[];
  /** Number of the member with the least validation loss, or training loss where there are no validation rows. */
  readonly best: number;
  readonly seconds: number;
}

/**
 * Trains many networks of one shape at once, coarse to fine, by Adam on the full batch: other seeds, learning rates or
 * targets. They are one more dimension of the kernels, so that on a GPU many small networks cost little more than one.
 *
 * ```ts
 * const members = Array.from({ length: 16 }, (_, seed) => ({ seed }));
 * const { members: trained, best } = await sweep(backend, { widths: [2, 5, 1] }, { members, inputs, targets });
 * console.log(trained[best].levels.at(-1).trainLoss);
 * ```
 *
 * @throws NestkanError INVALID_ARGUMENT, those of Kan.create and regression; NON_FINITE_TRAINING where every member diverged
 */
export async function sweep(backend: Backend, architecture: KanOptions, options: SweepOptions): Promise<Sweep> {
  const start = performance.now();
  const { members, validation } = options;
  checkSweep(options);
  const inputs = toMatrix(options.inputs, 'inputs');
  const isCommon = members.every(({ targets }) => targets === undefined);
  const targets = isCommon
    ? [toMatrix(options.targets!, 'targets')]
    : members.map((member) => toMatrix(member.targets!, 'targets'));
  const problems = targets.map((rows) => regression({ inputs, targets: rows }));
  const held = validation && regression(validation);
  const running: Running[] = [];
  try {
    for (const [number, { seed = number, learningRate = adamDefaults.learningRate }] of members.entries()) {
      const model = Kan.create(backend, { ...architecture, seed });
      running.push({ seed, learningRate, model, levels: [], outcome: 'completed' });
    }
    // Widths and numbers are checked before anything is trained.
    for (const problem of held ? [...problems, held] : problems) problem.monitor(running[0].model).dispose();
    const heldRows = validation && {
      inputs: toMatrix(validation.inputs, 'inputs'),
      targets: [toMatrix(validation.targets, 'targets')],
    };
    const isNarrow = await trainTogether(running, { inputs, targets }, heldRows, options);
    if (!isNarrow) await trainApart(running, problems, held, options);
    return { members: running, best: bestOf(running), seconds: secondsSince(start) };
  } catch (error) {
    for (const { model } of running) model.dispose();
    throw error;
  }
}

interface Running extends SweepResult {
  model: Kan;
  readonly levels: { trainLoss: number; validationLoss?: number; steps: number }[];
  outcome: SweepResult['outcome'];
}

/** The options, with what they leave open filled in. */
function settingsOf({
  levels = 4,
  steps = 200,
  validationInterval = 25,
  patience = Number.POSITIVE_INFINITY,
  signal,
  onProgress,
}: SweepOptions) {
  return { levels, steps, validationInterval, patience, signal, onProgress };
}

/** False where the networks are not of the kind that one kernel trains. */
async function trainTogether(
  running: readonly Running[],
  data: SweepData,
  validation: SweepData | undefined,
  options: SweepOptions,
): Promise<boolean> {
  const { levels, steps } = settingsOf(options);
  const rates = running.map(({ learningRate }) => learningRate);
  for (let level = 0; level < levels; level++) {
    if (level > 0) for (const member of running) await refine(member);
    const models = running.map(({ model }) => model);
    const training = await SweepLevel.open(models, data, { rates, steps, validation });
    if (!training) return false;
    try {
      await trainLevel(training, running, level, validation !== undefined, options);
    } finally {
      training.close();
    }
    if (options.signal?.aborted) break;
  }
  return true;
}

async function refine(member: Running): Promise<void> {
  const coarse = member.model;
  member.model = await coarse.refine();
  coarse.dispose();
}

async function trainLevel(
  training: SweepLevel,
  running: readonly Running[],
  level: number,
  isValidated: boolean,
  options: SweepOptions,
): Promise<void> {
  const { levels, steps, validationInterval, patience, signal, onProgress } = settingsOf(options);
  const members = running.map(() => ({ best: Number.POSITIVE_INFINITY, looks: 0, steps, failed: false }));
  const isDone = (number: number) => members[number].failed || members[number].looks >= patience;
  const look = async (step: number) => {
    if (!isValidated) return;
    for (const [number, loss] of (await training.losses('validation')).entries()) {
      const member = members[number];
      if (isDone(number)) continue;
      member.looks++;
      if (loss < member.best) {
        Object.assign(member, { best: loss, looks: 0 });
        training.keep(number);
      }
      if (isDone(number)) member.steps = step;
    }
  };
  let step = 0;
  await look(0);
  while (step < steps && !signal?.aborted && !running.every((_, number) => isDone(number))) {
    const next = isValidated ? validationInterval - (step % validationInterval) : training.chunk;
    const count = Math.min(training.chunk, next, steps - step);
    const losses = await training.advance(count, step);
    step += count;
    losses.forEach((loss, number) => {
      if (!Number.isFinite(loss)) members[number].failed = true;
    });
    if (step % validationInterval === 0 || step === steps) await look(step);
    onProgress?.({ level, levels, steps: step, budget: steps, losses });
  }
  const last = await training.losses('train');
  if (!isValidated) {
    last.forEach((loss, number) => {
      if (!Number.isFinite(loss)) members[number].failed = true;
      else training.keep(number);
    });
  }
  // Of a member that diverged, what it came with or what fitted the validation rows best.
  await training.restoreBest();
  const trainLosses = await training.losses('train');
  await training.store();
  running.forEach((member, number) => {
    const { best, failed, looks, steps: own } = members[number];
    const validationLoss = isValidated ? best : undefined;
    member.levels.push({ trainLoss: trainLosses[number], validationLoss, steps: Math.min(own, step) });
    // Once it has diverged its losses say nothing of its seed and rate.
    if (failed || member.outcome === 'diverged') member.outcome = 'diverged';
    else if (signal?.aborted) member.outcome = 'aborted';
    else member.outcome = looks >= patience ? 'early-stopping' : 'completed';
  });
}

/** One after the other, by the same optimizer. */
async function trainApart(
  running: readonly Running[],
  problems: readonly Problem[],
  validation: Problem | undefined,
  options: SweepOptions,
): Promise<void> {
  const { levels, steps, validationInterval, patience, signal, onProgress } = settingsOf(options);
  const losses = running.map(() => Number.NaN);
  for (const [number, member] of running.entries()) {
    const initial = member.model;
    try {
      const { model, history } = await trainMultilevel(initial, problems[number % problems.length], {
        ...{ levels, steps, validation, validationInterval, patience, signal },
        optimizer: adam({ learningRate: member.learningRate }),
        onProgress(progress) {
          losses[number] = progress.loss;
          onProgress?.({ level: progress.level, levels, steps: progress.evaluations, budget: steps, losses });
        },
      });
      member.model = model;
      member.outcome = history.stopped === 'tolerance' ? 'completed' : history.stopped;
      for (const { trainLoss, validationLoss, steps } of history.levels) {
        member.levels.push({ trainLoss, validationLoss, steps });
      }
    } catch (error) {
      if (!(error instanceof NestkanError) || error.code !== 'NON_FINITE_TRAINING') throw error;
      const { model, history } = error.where as { model: Kan; history: TrainingHistory };
      member.model = model;
      member.outcome = 'diverged';
      for (const { trainLoss, validationLoss, steps } of history.levels) {
        member.levels.push({ trainLoss, validationLoss, steps });
      }
    }
    initial.dispose();
  }
}

/** @throws NestkanError NON_FINITE_TRAINING where there is none to choose */
function bestOf(running: readonly Running[]): number {
  let best = -1;
  let least = Number.POSITIVE_INFINITY;
  running.forEach(({ levels, outcome }, number) => {
    const last = levels[levels.length - 1];
    const loss = last === undefined ? Number.NaN : (last.validationLoss ?? last.trainLoss);
    if (outcome === 'diverged' || !(loss < least)) return;
    [best, least] = [number, loss];
  });
  if (best >= 0) return best;
  throw new NestkanError('NON_FINITE_TRAINING', `all ${running.length} networks of the sweep diverged`, {
    fix: 'Lower the learning rates, or check the data for extreme values.',
  });
}

function checkSweep(options: SweepOptions): void {
  const { members, targets } = options;
  const { levels, steps, validationInterval, patience } = settingsOf(options);
  checkOptions({ validationInterval, patience });
  const own = members.filter((member) => member.targets !== undefined).length;
  const problem =
    (members.length === 0 && ['a sweep of no networks', 'Give at least one member.']) ||
    (own > 0 && own < members.length && [`${own} of ${members.length} members have targets`, 'Give all or none.']) ||
    (own === 0 && targets === undefined && ['there are no targets', 'Give targets, or every member its own.']) ||
    ([levels, steps].some((count) => !Number.isInteger(count) || count < 1) && [
      `levels is ${levels}, steps ${steps}`,
      'Use positive whole numbers.',
    ]);
  if (problem) throw new NestkanError('INVALID_ARGUMENT', problem[0], { fix: problem[1] });
  for (const { learningRate = adamDefaults.learningRate } of members)
    learningRates(learningRate, { type: 'cosine' }, 1);
}
