import { NestkanError } from '../errors.ts';
import { adam } from './adam.ts';
import type { AdamOptions } from './adam-run.ts';
import { lbfgs } from './lbfgs.ts';
import type { LbfgsOptions } from './lbfgs-run.ts';
import type { Objective } from './objective.ts';
import type { Advance, Optimizer, OptimizerRun } from './optimizer.ts';
import { Snapshot } from './snapshot.ts';
import { checkSuitable } from './suitable.ts';

export interface AdamThenLbfgsOptions {
  /** Share of the evaluations that Adam gets, 0 to 1. Default 0.4. */
  readonly adamShare?: number;
  readonly adam?: AdamOptions;
  readonly lbfgs?: LbfgsOptions;
}

/**
 * Adam to find a basin, then L-BFGS for the digits.
 *
 * Where Adam ends higher than it began, as its steps may on a grid that is already well trained, L-BFGS starts from where
 * Adam did.
 */
export function adamThenLbfgs({ adamShare = 0.4, ...options }: AdamThenLbfgsOptions = {}): Optimizer {
  if (!(adamShare >= 0 && adamShare <= 1)) {
    throw new NestkanError('INVALID_ARGUMENT', `Adam's share is ${adamShare}`, { fix: 'Use a number from 0 to 1.' });
  }
  const [first, second] = [adam(options.adam), lbfgs(options.lbfgs)];
  return {
    name: 'adam-lbfgs',
    async start(objective, evaluations) {
      const share = Math.round(adamShare * evaluations);
      if (share < evaluations) checkSuitable('L-BFGS', objective);
      const run = new SequenceRun(objective, [
        { optimizer: first, evaluations: share },
        { optimizer: second, evaluations: evaluations - share },
      ]);
      await run.begin();
      return run;
    },
  };
}

interface Phase {
  readonly optimizer: Optimizer;
  readonly evaluations: number;
}

class SequenceRun implements OptimizerRun {
  readonly depth = 1;
  readonly #objective: Objective;
  readonly #phases: Phase[];
  #run!: OptimizerRun;
  #left = 0;
  /** Steps of the phases before this one. */
  #steps = 0;
  #stepsOfPhase = 0;
  /** The variables at the start of the phase, and the losses it began and went on with. */
  #start?: Snapshot;
  #firstLoss = Number.NaN;
  #lastLoss = Number.NaN;

  constructor(objective: Objective, phases: readonly Phase[]) {
    this.#objective = objective;
    this.#phases = phases.filter((phase) => phase.evaluations > 0);
  }

  /** Opens the next phase. */
  async begin(): Promise<void> {
    const phase = this.#phases.shift()!;
    this.#left = phase.evaluations;
    this.#firstLoss = Number.NaN;
    const { backend, variables } = this.#objective;
    this.#start ??= await Snapshot.open(backend, variables.values);
    this.#start.keep();
    this.#run = await phase.optimizer.start(this.#objective, phase.evaluations);
  }

  async advance(evaluations: number): Promise<Advance> {
    const advance = await this.#countingSteps(this.#run.advance(Math.min(evaluations, this.#left)));
    this.#left -= advance.evaluations;
    this.#stepsOfPhase += advance.steps;
    const { losses } = advance;
    if (Number.isNaN(this.#firstLoss)) this.#firstLoss = losses[0] ?? Number.NaN;
    this.#lastLoss = losses[losses.length - 1] ?? this.#lastLoss;
    if ((this.#left > 0 && !advance.finished) || this.#phases.length === 0) return advance;
    this.#run.dispose();
    if (this.#lastLoss > this.#firstLoss) this.#start?.restore();
    this.#steps += this.#stepsOfPhase;
    this.#stepsOfPhase = 0;
    await this.begin();
    return { ...advance, finished: undefined };
  }

  /** A phase counts its own steps; what goes wrong is to be found by the step of the whole run. */
  async #countingSteps(advance: Promise<Advance>): Promise<Advance> {
    try {
      return await advance;
    } catch (error) {
      if (error instanceof NestkanError && typeof error.where.step === 'number') error.where.step += this.#steps;
      throw error;
    }
  }

  dispose(): void {
    this.#run.dispose();
    this.#start?.close();
  }
}
