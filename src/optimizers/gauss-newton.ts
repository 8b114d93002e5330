/** What Levenberg–Marquardt needs to know of a least-squares loss, however its linear equations are solved. */
import type { DeviceBuffer, Dispatch } from '../backend/backend.ts';
import { rowElements } from '../kernels/jacobian-rows.ts';
import { ceilDiv } from '../kernels/kernel.ts';
import type { Memory } from './memory.ts';
import type { ResidualBlock } from './objective.ts';

/** The quadratic model F(δ) ≈ loss + 2 gᵀδ + δᵀHδ at a point, H = JᵀWJ, g = JᵀWr. */
export interface GaussNewtonModel {
  /** rᵀWr */
  readonly loss: number;
  /** The same as the objective tells it. */
  readonly told: number;
  /** Largest diagonal entry of H. */
  readonly scale: number;
  /**
   * Solves (H + damping · 1) δ = −g; undefined where rounding has made the matrix indefinite: raise the damping. The
   * variables must be as they were at the assembly.
   */
  step(damping: number): Promise<GaussNewtonStep | undefined>;
}

export interface GaussNewtonStep {
  /** δ, as long as the flat vector. */
  readonly change: Float64Array;
  /** −2 gᵀδ − δᵀHδ. */
  readonly predicted: number;
  /** What solving took, in evaluations of loss and gradient. */
  readonly evaluations: number;
}

export interface GaussNewtonSource {
  /** The model at the present values of the variables. */
  assemble(): Promise<GaussNewtonModel>;
  close(): void;
}

/** How many parameters residuals depend on; the flat vector may have gaps. */
export function parameterCount(blocks: readonly ResidualBlock[]): number {
  const sizes = new Map<number, number>();
  for (const { column, inputs, coefficients, outputs } of blocks.flatMap(({ edges }) => edges)) {
    sizes.set(column, Math.max(sizes.get(column) ?? 0, inputs * coefficients * outputs));
  }
  return [...sizes.values()].reduce((sum, size) => sum + size, 0);
}

/** Memory for the compact rows of a block, a chunk of samples at a time. */
export interface RowBuffers {
  readonly values: DeviceBuffer;
  readonly columns: DeviceBuffer;
  readonly chunks: number;
  readonly constants: {
    readonly samples: number;
    readonly traces: number;
    readonly chunk: number;
    readonly slots: number;
    readonly size: number;
  };
  /** Fills them. */
  readonly write: readonly Dispatch[];
}

/** Elements of the compact rows that are kept at a time. */
export const ROOM = 2 ** 22;

/** @param size of the flat vector and one more, for the residuals */
export function rowBuffers(
  memory: Memory,
  block: ResidualBlock,
  { counter, size, room }: { readonly counter: DeviceBuffer; readonly size: number; readonly room: number },
): RowBuffers {
  const { samples, traces, slots } = block;
  const most = Math.max(1, Math.floor(room / (traces * slots)));
  const chunks = ceilDiv(samples, most);
  const chunk = ceilDiv(samples, chunks);
  const elements = rowElements({ traces, chunk, slots });
  const values = memory.allocate(elements, { label: 'Jacobian rows' });
  const columns = memory.allocate(elements, { type: 'uint', label: 'Jacobian columns' });
  const write = block.rows({ values, columns, counter, chunk, residualColumn: size - 1 });
  return { values, columns, chunks, constants: { samples, traces, chunk, slots, size }, write };
}
