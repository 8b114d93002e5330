import type { Objective } from './objective.ts';

/** What happened during one call of {@link OptimizerRun.advance}. */
export interface Advance {
  /** Losses seen, oldest first: of every Adam step, of every accepted L-BFGS iterate. */
  readonly losses: Float64Array;
  /** Evaluations of this call after which each loss was known. */
  readonly lossEvaluations: Float64Array;
  /** Parameter updates made. */
  readonly steps: number;
  /** Loss-and-gradient evaluations spent. */
  readonly evaluations: number;
  /** Set when going on is pointless: converged, or no step length decreases the loss. */
  readonly finished?: 'converged' | 'stalled';
}

/** One optimizer at work on one objective. */
export interface OptimizerRun {
  /** Calls of {@link advance} that may be under way at once; losses of the first arrive while the next are computed. */
  readonly depth: number;
  /** Set by optimizers that choose among others: which it is, and why. */
  readonly choice?: { readonly name: string; readonly reason: string };
  /**
   * Spends about `evaluations`: fewer where a chunk ends, more where a line search has to be finished. However a budget
   * is cut into calls, the iterates are the same.
   *
   * @throws NestkanError NON_FINITE_TRAINING with `where: { step }` of this run; the variables are then as they were
   * after the last finite step.
   */
  advance(evaluations: number): Promise<Advance>;
  dispose(): void;
}

/** A recipe; `start` gives a run with fresh state, as every level of a hierarchy wants it. */
export interface Optimizer {
  readonly name: string;
  /**
   * @param evaluations the whole budget of the run, on which schedules depend
   * @throws NestkanError OPTIMIZER_UNSUITABLE where this optimizer cannot work on `objective`
   */
  start(objective: Objective, evaluations: number): Promise<OptimizerRun>;
}
