import type { Recording } from '../backend/backend.ts';
import { NestkanError } from '../errors.ts';
import type { Network } from '../models/network.ts';
import { automatic } from '../optimizers/automatic.ts';
import type { Objective } from '../optimizers/objective.ts';
import type { Advance, OptimizerRun } from '../optimizers/optimizer.ts';
import { Snapshot } from '../optimizers/snapshot.ts';
import { secondsSince, type TrainingLog } from './history.ts';
import type { TrainOptions } from './options.ts';
import type { Problem } from './problem.ts';
import { Validation, Watch } from './watch.ts';

/** Evaluations are asked for in pieces of about this many seconds, so that signals and progress are attended to. */
const PIECE_SECONDS = 0.1;
const FIRST_PIECE = 8;

/** Where a level stands in its hierarchy, and the evaluations it may spend. */
export interface LevelPlan {
  readonly level: number;
  readonly levels: number;
  readonly budget: number;
}

/** Training on one grid: an optimizer at work, watched. */
export class LevelTraining {
  readonly #model: Network;
  readonly #options: TrainOptions;
  readonly #plan: LevelPlan;
  readonly #log: TrainingLog;
  readonly #objective: Objective;
  readonly #train: Watch;
  readonly #validation?: Validation;
  /** The parameters that the level started from. */
  readonly #entry: Snapshot;
  readonly #leave: Recording;
  readonly #run: OptimizerRun;
  /** Its name. */
  readonly #optimizer: string;
  readonly #workPerEvaluation: number;
  readonly #start = performance.now();
  #piece = FIRST_PIECE;
  #spent = 0;
  #steps = 0;
  #ended = false;

  private constructor(
    [model, options, plan, log]: [Network, TrainOptions, LevelPlan, TrainingLog],
    [objective, train, validation, entry, leave, run, optimizer]: [
      Objective,
      Watch,
      Validation | undefined,
      Snapshot,
      Recording,
      OptimizerRun,
      string,
    ],
  ) {
    this.#model = model;
    this.#options = options;
    this.#plan = plan;
    this.#log = log;
    this.#objective = objective;
    this.#train = train;
    this.#validation = validation;
    this.#entry = entry;
    this.#leave = leave;
    this.#run = run;
    this.#optimizer = optimizer;
    this.#workPerEvaluation = (model.intervals[0] ?? options.workPerEpoch ?? 1) * (objective.epochFraction ?? 1);
  }

  static async open(
    model: Network,
    problem: Problem,
    options: TrainOptions,
    plan: LevelPlan,
    log: TrainingLog,
  ): Promise<LevelTraining> {
    const { backend } = model;
    const { optimizer = automatic() } = options;
    const opened: (() => void)[] = [];
    try {
      const train = await Watch.open(problem, model);
      opened.push(() => train.close());
      const validation = options.validation && (await Validation.open(options.validation, model));
      opened.push(() => validation?.close());
      const entry = await Snapshot.open(backend, model.parameters.values);
      opened.push(() => entry.close());
      entry.keep();
      const objective = problem.bind(model);
      opened.push(() => objective.dispose());
      const leave = await backend.record(objective.leave ?? [], 'leave coordinates');
      backend.run(await backend.record(objective.enter ?? [], 'enter coordinates'));
      const run = await optimizer.start(objective, plan.budget);
      const parts = [objective, train, validation, entry, leave, run, optimizer.name] as const;
      return new LevelTraining([model, options, plan, log], [...parts]);
    } catch (error) {
      for (const close of opened) close();
      throw error;
    }
  }

  /** Spends the budget and appends to the log. Afterwards the model holds the best parameters found. */
  async run(): Promise<void> {
    const { backend } = this.#model;
    this.#log.beginLevel();
    try {
      if (this.#validation) await this.#validate(this.#validation);
      while (!this.#ended && this.#spent < this.#plan.budget) {
        await this.#spend(this.#nextStop());
        if (this.#validation) await this.#validate(this.#validation);
      }
      backend.run(this.#leave);
      this.#validation?.restoreBest();
      await this.#finish();
    } catch (error) {
      if (error instanceof NestkanError && error.code === 'NON_FINITE_TRAINING') {
        backend.run(this.#leave);
        // A last step may leave finite parameters whose loss overflows.
        if (!Number.isFinite(await this.#train.loss())) this.#entry.restore();
        Object.assign(error.where, { level: this.#plan.level });
      }
      throw error;
    } finally {
      this.#close();
    }
  }

  /** Looks at validation data fall on fixed evaluations, whatever the pieces, so that runs are reproducible. */
  #nextStop(): number {
    const { validationInterval = 25 } = this.#options;
    if (!this.#validation) return this.#plan.budget;
    return Math.min(this.#plan.budget, (Math.floor(this.#spent / validationInterval) + 1) * validationInterval);
  }

  /** Keeps up to `depth` pieces under way until `goal` evaluations of this level are spent. */
  async #spend(goal: number): Promise<void> {
    const pending: Promise<Advance>[] = [];
    const asked: number[] = [];
    let queued = this.#spent;
    try {
      while (pending.length > 0 || (queued < goal && !this.#ended)) {
        // Asking is part of what is timed: the CPU computes while it is asked.
        const start = performance.now();
        while (pending.length < this.#run.depth && queued < goal && !this.#ended) {
          const piece = Math.min(this.#piece, goal - queued);
          pending.push(this.#run.advance(piece));
          asked.push(piece);
          queued += piece;
        }
        const advance = await pending[0];
        pending.shift();
        queued += advance.evaluations - asked.shift()!;
        this.#settle(advance);
        if (secondsSince(start) < PIECE_SECONDS / 2) this.#piece *= 2;
        if (secondsSince(start) > PIECE_SECONDS) this.#piece = Math.max(1, Math.floor(this.#piece / 2));
      }
    } finally {
      await Promise.allSettled(pending);
    }
  }

  #settle(advance: Advance): void {
    const { evaluations, steps, finished } = advance;
    const { signal, tolerance, onProgress } = this.#options;
    const log = this.#log;
    log.addLosses(this.#plan.level, advance, this.#workPerEvaluation);
    this.#spent += evaluations;
    this.#steps += steps;
    if (finished) this.#ended = true;
    if (tolerance !== undefined && log.lastLoss <= tolerance) this.#stop('tolerance');
    if (signal?.aborted) this.#stop('aborted');
    const { intervals } = this.#model;
    onProgress?.({ ...this.#plan, intervals, evaluations: this.#spent, work: log.work, loss: log.lastLoss });
  }

  async #validate(validation: Validation): Promise<void> {
    this.#model.backend.run(this.#leave);
    this.#log.addValidation(this.#plan.level, await validation.look());
    const { patience = Number.POSITIVE_INFINITY } = this.#options;
    if (validation.looksSinceBest >= patience && !this.#ended) this.#stop('early-stopping');
  }

  #stop(reason: TrainingLog['stopped']): void {
    this.#ended = true;
    this.#log.stopped = reason;
  }

  async #finish(): Promise<void> {
    const trainLoss = await this.#train.loss();
    if (!Number.isFinite(trainLoss)) {
      throw new NestkanError('NON_FINITE_TRAINING', 'the loss is not finite at the end of a level', {
        fix: 'Lower the learning rate, or check the data for extreme values.',
        where: { step: this.#steps },
      });
    }
    this.#log.levels.push({
      intervals: this.#model.intervals,
      parameters: this.#model.parameterCount,
      optimizer: this.#run.choice?.name ?? this.#optimizer,
      reason: this.#run.choice?.reason,
      steps: this.#steps,
      evaluations: this.#spent,
      work: this.#spent * this.#workPerEvaluation,
      trainLoss,
      validationLoss: this.#validation?.best,
      watched: await this.#watched(),
      seconds: secondsSince(this.#start),
    });
  }

  async #watched(): Promise<Record<string, number> | undefined> {
    const { watch = {}, measure } = this.#options;
    const figures: Record<string, number> = { ...(await measure?.(this.#model)) };
    for (const [name, problem] of Object.entries(watch)) {
      const figure = await Watch.open(problem, this.#model);
      try {
        figures[name] = await figure.loss();
      } finally {
        figure.close();
      }
    }
    return Object.keys(figures).length > 0 ? figures : undefined;
  }

  #close(): void {
    this.#run.dispose();
    this.#objective.dispose();
    this.#train.close();
    this.#validation?.close();
    this.#entry.close();
  }
}
