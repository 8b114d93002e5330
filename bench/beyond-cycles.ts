/**
 * Optimizers made of others: one for every level of a cascade, one after another within a level, and cycles that come
 * back to the spaces of coarser grids, θ = θ₀ + P δ with P the prolongation to the grid that is being trained.
 */
import type { Advance, Objective, Optimizer, OptimizerRun } from '../src/node.ts';
import { type Grids, inVariables, prolongations, type SparseMatrix } from './beyond-maps.ts';

/** Another optimizer on every level, coarse to fine; the last one on all that follow. For one run. */
export function levelByLevel(...optimizers: readonly Optimizer[]): Optimizer {
  let level = 0;
  return {
    name: optimizers.map(({ name }) => name).join(', '),
    start: (objective, budget) => optimizers[Math.min(level++, optimizers.length - 1)].start(objective, budget),
  };
}

/** A part of a level. */
export interface Stage {
  readonly optimizer: Optimizer;
  /** Of the last stage: whatever is left. */
  readonly evaluations: number;
  /** What an evaluation is charged, in evaluations on the grid that is being trained. */
  readonly cost: number;
}

/** Counts the evaluations made, whatever they were charged. */
export interface Tallying extends Optimizer {
  readonly tally: { evaluations: number };
}

/** One stage after another, each with a fresh optimizer; one that ends early leaves its evaluations to the last. */
export function inStages(stagesOf: (objective: Objective, budget: number) => readonly Stage[]): Tallying {
  const tally = { evaluations: 0 };
  return {
    name: 'stages',
    tally,
    start: async (objective, budget) => new StagedRun(objective, stagesOf(objective, budget), budget, tally),
  };
}

/** Fractions of an evaluation add up to whole ones but for this. */
const ROUNDING = 1e-6;

class StagedRun implements OptimizerRun {
  readonly depth = 1;
  readonly #objective: Objective;
  readonly #stages: Stage[];
  readonly #tally: { evaluations: number };
  /** Charged ones. */
  #left: number;
  #run?: OptimizerRun;
  #leftOfStage = 0;

  constructor(objective: Objective, stages: readonly Stage[], budget: number, tally: { evaluations: number }) {
    this.#objective = objective;
    this.#stages = [...stages];
    this.#left = budget;
    this.#tally = tally;
  }

  async advance(evaluations: number): Promise<Advance> {
    const [{ cost }] = this.#stages;
    const run = this.#run ?? (await this.#begin());
    const affordable = Math.max(1, Math.floor(evaluations / cost + ROUNDING));
    const advance = await run.advance(Math.min(affordable, this.#leftOfStage));
    const charged = advance.evaluations * cost;
    this.#tally.evaluations += advance.evaluations;
    this.#leftOfStage -= advance.evaluations;
    this.#left -= charged;
    if (this.#leftOfStage < 1 || advance.finished) this.#end();
    return {
      ...advance,
      lossEvaluations: advance.lossEvaluations.map((count) => count * cost),
      evaluations: charged,
      finished: this.#stages.length === 0 ? 'converged' : undefined,
    };
  }

  async #begin(): Promise<OptimizerRun> {
    const [{ optimizer, evaluations, cost }, ...others] = this.#stages;
    const affordable = Math.max(1, Math.floor(this.#left / cost + ROUNDING));
    this.#leftOfStage = others.length === 0 ? affordable : Math.min(evaluations, affordable);
    this.#run = await optimizer.start(this.#objective, this.#leftOfStage);
    return this.#run;
  }

  #end(): void {
    this.dispose();
    this.#run = undefined;
    this.#stages.shift();
    if (this.#left < 1) this.#stages.length = 0;
  }

  dispose(): void {
    this.#run?.dispose();
  }
}

/** An optimizer in the space that a map spans; on the grid itself where there is none. */
export type InSubspace = (map?: (objective: Objective) => SparseMatrix) => Optimizer;

/** Any that takes a gradient. */
export function bySubspace(optimizer: Optimizer): InSubspace {
  return (map) => (map ? inVariables(optimizer, map) : optimizer);
}

export interface CycleOptions extends Grids {
  readonly optimizer: InSubspace;
  readonly rounds: number;
  /** Coarser grids visited, at most. */
  readonly depth: number;
  /** What an evaluation in a coarser grid's space is charged: as one on the grid being trained, or on the coarser. */
  readonly charge: 'fine' | 'coarse';
}

/** Share of a level's budget that goes to the spaces of coarser grids. */
export const COARSE_SHARE = 1 / 3;

/**
 * Cycles: the grid itself, the coarser ones down and up again, and once more the grid itself. On the coarsest level the
 * optimizer alone.
 */
export function cycles({ optimizer, rounds, depth, charge, ...grids }: CycleOptions): Tallying {
  return inStages((objective, budget) => {
    const maps = prolongations(objective, grids).slice(0, depth);
    const own = { optimizer: optimizer(), cost: 1 };
    if (maps.length === 0) return [{ ...own, evaluations: budget }];
    const down = maps.map((map, index) => {
      const cost = charge === 'fine' ? 1 : 2 ** -(index + 1);
      return { optimizer: optimizer(() => map), cost };
    });
    const coarse = [...down, ...down.slice(0, -1).reverse()];
    const ownEvaluations = Math.round(((1 - COARSE_SHARE) * budget) / (rounds + 1));
    const charged = (COARSE_SHARE * budget) / (rounds * coarse.length);
    const round = [
      { ...own, evaluations: ownEvaluations },
      ...coarse.map((stage) => ({ ...stage, evaluations: Math.round(charged / stage.cost) })),
    ];
    return [...Array.from({ length: rounds }, () => round).flat(), { ...own, evaluations: ownEvaluations }];
  });
}
