import type { Backend, DeviceBuffer, Dispatch } from '../backend/backend.ts';
import type { RowTarget } from '../tape/op.ts';
import type { PlacedEdges } from '../tape/tape.ts';

/** The flat vector an optimizer moves, and its gradient. Equal lengths; gaps are zero in both. */
export interface Variables {
  readonly values: DeviceBuffer;
  readonly gradients: DeviceBuffer;
  readonly length: number;
}

/** Rows presented in random order, some at a time. */
export interface MiniBatches {
  /** Steps until every row has been seen once, but for a remainder that fills no batch. */
  readonly stepsPerEpoch: number;
  /** Counts steps on the device; the optimizer advances it. */
  readonly counter: DeviceBuffer;
  /** Puts the rows into the order of that epoch. */
  shuffle(epoch: number): void;
}

/** Where the rows of a {@link ResidualBlock} go. */
export type BlockTarget = Pick<RowTarget, 'values' | 'columns' | 'counter' | 'chunk'> & {
  /** The column of the residual itself. */
  readonly residualColumn: number;
};

/** Residuals, one per sample, of which the loss has factor · Σ_s weights[s] residual[s]². */
export interface ResidualBlock {
  readonly samples: number;
  /** Points that a residual looks at. */
  readonly traces: number;
  /** [samples] */
  readonly weights: DeviceBuffer;
  readonly factor: number;
  /** Entries of a row: those of the Jacobian, and the residual itself as the last. */
  readonly slots: number;
  /** Where in rows and in the flat vector the parameters are. */
  readonly edges: readonly PlacedEdges[];
  /** Fills what {@link rows} reads, after {@link LeastSquares.evaluate}. */
  readonly sweep: readonly Dispatch[];
  /** Writes the compact rows of a chunk of samples (src/kernels/jacobian-rows.ts). */
  rows(target: BlockTarget): Dispatch[];
}

/** A loss that is a sum of squares, as Gauss–Newton methods see it. */
export interface LeastSquares {
  /** Fills the loss and all residuals from the variables, and no gradient. */
  readonly evaluate: readonly Dispatch[];
  /** One number, filled by {@link evaluate}. */
  readonly loss: DeviceBuffer;
  readonly blocks: readonly ResidualBlock[];
}

/** A gradient as a sum of partial ones, which an optimizer may add up in its own kernel. */
export interface TiledGradient {
  /** Fills `partials` [tiles, length] and `losses` [tiles] from the variables. */
  readonly evaluate: readonly Dispatch[];
  readonly partials: DeviceBuffer;
  readonly losses: DeviceBuffer;
  readonly tiles: number;
}

/** Loss and gradient from few kernels: as sums, into a loss of its own and the variables' gradients, or in parts. */
export interface FusedGradient {
  readonly evaluate: readonly Dispatch[];
  readonly loss: DeviceBuffer;
  readonly tiled: TiledGradient;
  dispose(): void;
}

/**
 * A loss as optimizers see it: a dispatch list that fills `loss` and `variables.gradients` from `variables.values`.
 *
 * Optimizers know parameters and objectives, never a model.
 */
export interface Objective {
  readonly backend: Backend;
  readonly variables: Variables;
  /** One number, filled by {@link evaluate}. */
  readonly loss: DeviceBuffer;
  readonly evaluate: readonly Dispatch[];
  /** The same in few kernels, where there are such; what is returned belongs to the caller. */
  fuse?(): Promise<FusedGradient | undefined>;
  /** Where the variables are not the model's own parameters: variables from parameters, before an optimizer starts. */
  readonly enter?: readonly Dispatch[];
  /** The way back: parameters from variables, whenever the model is to be looked at. */
  readonly leave?: readonly Dispatch[];
  /** False where `gradients` are not the derivative of the loss by `values` (mixed geometry and gradient bases). */
  readonly consistentGradient?: boolean;
  readonly miniBatches?: MiniBatches;
  /**
   * What changes the objective itself from step to step, such as attention weights. Adam runs it after every evaluation,
   * Levenberg–Marquardt after every accepted step.
   */
  readonly perStep?: readonly Dispatch[];
  /** What {@link perStep} changes; saved and restored together with the variables. */
  readonly stepState?: readonly DeviceBuffer[];
  /** Names what is not finite at the present values: layer, term …; called once, when training breaks down. */
  diagnose?(): Promise<Record<string, unknown>>;
  /** The loss as a sum of squares; undefined where it is none. */
  leastSquares?(): LeastSquares;
  /** Share of all rows that one evaluation sees, for counting work. Default 1. */
  readonly epochFraction?: number;
  dispose(): void;
}
