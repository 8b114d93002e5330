import type { Advance } from '../optimizers/optimizer.ts';

/** What one level of a hierarchy did. */
export interface LevelRecord {
  /** Intervals of every grid layer, first to last; empty for an MLP. */
  readonly intervals: readonly number[];
  readonly parameters: number;
  /** Name of the optimizer; for one that chooses, of its choice. */
  readonly optimizer: string;
  /** Why that one was chosen. */
  readonly reason?: string;
  /** Parameter updates. */
  readonly steps: number;
  /** Loss-and-gradient evaluations. */
  readonly evaluations: number;
  /** Evaluations in epochs, times the intervals of the first grid layer: the paper's unit of work. */
  readonly work: number;
  /** Figure of merit on the training data at the end of the level, penalties left out. */
  readonly trainLoss: number;
  readonly validationLoss?: number;
  /** What `watch` asked for, by name. */
  readonly watched?: Readonly<Record<string, number>>;
  readonly seconds: number;
}

export interface CurvePoint {
  readonly level: number;
  /** Cumulated over all levels. */
  readonly evaluations: number;
  readonly work: number;
  /** The objective, penalties included. */
  readonly loss: number;
}

export interface ValidationPoint {
  readonly level: number;
  readonly evaluations: number;
  readonly work: number;
  readonly loss: number;
}

/** Why training ended: the budget of the last level was spent, or what came before that. */
export type StopReason = 'completed' | 'tolerance' | 'early-stopping' | 'aborted';

/** Everything that was measured during multilevel training. */
export interface TrainingHistory {
  readonly levels: readonly LevelRecord[];
  readonly curve: readonly CurvePoint[];
  readonly validation: readonly ValidationPoint[];
  readonly work: number;
  readonly evaluations: number;
  readonly seconds: number;
  readonly stopped: StopReason;
}

/** A history being written. */
export class TrainingLog {
  readonly levels: LevelRecord[] = [];
  readonly curve: CurvePoint[] = [];
  readonly validation: ValidationPoint[] = [];
  readonly #start = performance.now();
  #levelStart = { evaluations: 0, work: 0 };
  work = 0;
  evaluations = 0;
  stopped: StopReason = 'completed';

  /** Why an earlier level ended early is no reason why training ends. */
  beginLevel(): void {
    this.stopped = 'completed';
    this.#levelStart = { evaluations: this.evaluations, work: this.work };
  }

  /** Appends what an optimizer did on a level where one evaluation costs `workPerEvaluation`. */
  addLosses(level: number, { losses, lossEvaluations, evaluations }: Advance, workPerEvaluation: number): void {
    // One product instead of a sum over pieces, whose rounding would depend on how a run was cut.
    const start = this.#levelStart;
    const workAt = (total: number) => start.work + (total - start.evaluations) * workPerEvaluation;
    losses.forEach((loss, index) => {
      const total = this.evaluations + lossEvaluations[index];
      this.curve.push({ level, evaluations: total, work: workAt(total), loss });
    });
    this.evaluations += evaluations;
    this.work = workAt(this.evaluations);
  }

  addValidation(level: number, loss: number): void {
    this.validation.push({ level, evaluations: this.evaluations, work: this.work, loss });
  }

  get lastLoss(): number {
    return this.curve.length === 0 ? Number.NaN : this.curve[this.curve.length - 1].loss;
  }

  history(): TrainingHistory {
    const { levels, curve, validation, work, evaluations, stopped } = this;
    return { levels, curve, validation, work, evaluations, stopped, seconds: secondsSince(this.#start) };
  }
}

export function secondsSince(start: number): number {
  return (performance.now() - start) / 1000;
}
