import type { Backend, DeviceBuffer, Recording } from '../backend/backend.ts';
import { dispatch } from '../backend/dispatch.ts';
import { advanceCounter } from '../kernels/counter.ts';
import { edgeBlocks, rowCombination, rowProducts } from '../kernels/row-products.ts';
import { fill } from '../kernels/vectors.ts';
import type { PlacedEdges } from '../tape/tape.ts';
import {
  type GaussNewtonModel,
  type GaussNewtonSource,
  type GaussNewtonStep,
  ROOM,
  type RowBuffers,
  rowBuffers,
} from './gauss-newton.ts';
import { Memory } from './memory.ts';
import type { LeastSquares } from './objective.ts';

export interface ConjugateGradientOptions {
  /** Most products with JᵀWJ per step. Default 60. */
  readonly iterations?: number;
  /** Residual, relative to the right-hand side, at which the equations count as solved. Default 1e-3. */
  readonly tolerance?: number;
}

/** Partial sums on a device; on the CPU one thread makes them all. */
const DEVICE_TILES = 16;

/**
 * Gauss–Newton steps without a matrix: conjugate gradients on products with compact rows, preconditioned by every
 * edge's own block of JᵀWJ, which is banded.
 *
 * Source: docs/mathematics.md, "Gauss–Newton on local support".
 */
export class MatrixFree implements GaussNewtonSource {
  readonly #backend: Backend;
  readonly #options: Required<ConjugateGradientOptions>;
  readonly #edges: readonly PlacedEdges[];
  readonly #size: number;
  readonly #tiles: number;
  readonly #bands: number;
  readonly #memory: Memory;
  #vector!: DeviceBuffer;
  #sums!: DeviceBuffer;
  #blocks!: DeviceBuffer;
  #counter!: DeviceBuffer;
  #loss!: DeviceBuffer;
  #prepare!: Recording;
  #clear!: Recording;
  #passes!: readonly { readonly chunks: number; readonly gradient: Recording; readonly product: Recording }[];

  private constructor(
    backend: Backend,
    length: number,
    { blocks }: LeastSquares,
    options: Required<ConjugateGradientOptions>,
  ) {
    this.#backend = backend;
    this.#options = options;
    this.#edges = widest(blocks.flatMap(({ edges }) => edges));
    this.#size = length + 1;
    this.#tiles = backend.name === 'cpu' ? 1 : DEVICE_TILES;
    this.#bands = Math.max(...this.#edges.map(({ width }) => width));
    this.#memory = new Memory(backend);
  }

  static async open(
    backend: Backend,
    length: number,
    leastSquares: LeastSquares,
    { iterations = 60, tolerance = 1e-3, room = ROOM }: ConjugateGradientOptions & { readonly room?: number } = {},
  ): Promise<MatrixFree> {
    const source = new MatrixFree(backend, length, leastSquares, { iterations, tolerance });
    await source.#memory.orRelease(source.#record(leastSquares, room));
    return source;
  }

  async #record({ evaluate, loss, blocks }: LeastSquares, room: number): Promise<void> {
    const backend = this.#backend;
    const memory = this.#memory;
    this.#vector = memory.allocate(this.#size, { label: 'Gauss–Newton vector' });
    this.#sums = memory.allocate(this.#tiles * this.#size, { label: 'Gauss–Newton sums' });
    this.#blocks = memory.allocate(this.#size * this.#bands, { label: 'edge blocks' });
    this.#counter = memory.allocate(1, { type: 'uint', label: 'chunk counter' });
    this.#loss = loss;
    const cleared = (target: DeviceBuffer) => dispatch(fill, { target }, { count: target.length, value: 0 });
    this.#clear = await backend.record([cleared(this.#sums)], 'clear');
    const sweeps = blocks.flatMap(({ sweep }) => sweep);
    this.#prepare = await backend.record([cleared(this.#blocks), ...evaluate, ...sweeps], 'adjoints');
    const [vector, sums, counter] = [this.#vector, this.#sums, this.#counter];
    this.#passes = await Promise.all(
      blocks.map(async (block) => {
        const { weights, factor, edges } = block;
        const rows = rowBuffers(memory, block, { counter, size: this.#size, room });
        const { values, columns, constants, chunks, write } = rows;
        const products = memory.allocate(constants.chunk, { label: 'row products' });
        const multiply = [
          dispatch(rowProducts, { values, columns, weights, counter, vector, products }, { ...constants, factor }),
          dispatch(
            rowCombination,
            { values, columns, factors: products, counter, sums },
            { ...constants, tiles: this.#tiles },
          ),
          dispatch(advanceCounter, { counter }, {}),
        ];
        const preconditioner = edges.map((placed) => this.#edgeBlocks(rows, placed, weights, factor));
        return {
          chunks,
          gradient: await backend.record([...write, ...preconditioner, ...multiply], 'Gauss–Newton gradient'),
          product: await backend.record([...(chunks > 1 ? write : []), ...multiply], 'Gauss–Newton product'),
        };
      }),
    );
  }

  #edgeBlocks({ values, columns, constants }: RowBuffers, edges: PlacedEdges, weights: DeviceBuffer, factor: number) {
    const { slot, inputs, width, outputs } = edges;
    return dispatch(
      edgeBlocks,
      { values, columns, weights, counter: this.#counter, blocks: this.#blocks },
      { ...constants, slot, inputs, width, outputs, bands: this.#bands, factor },
    );
  }

  async assemble(): Promise<GaussNewtonModel> {
    const backend = this.#backend;
    const last = this.#size - 1;
    const residuals = new Float64Array(this.#size);
    residuals[last] = 1;
    backend.run(this.#prepare);
    const [gradient, blocks, [told]] = await this.#multiply(residuals, 'gradient', [this.#blocks, this.#loss]);
    const loss = gradient[last];
    gradient[last] = 0;
    let scale = 0;
    for (let index = 0; index < blocks.length; index += this.#bands) {
      // Written so that a NaN is kept.
      if (!(blocks[index] <= scale)) scale = blocks[index];
    }
    return { loss, told, scale, step: (damping) => this.#step(gradient, blocks, damping) };
  }

  /** (JᵀWJ with the residuals as one more column) · vector, [size], and what `others` then hold. */
  async #multiply(
    vector: Float64Array,
    pass: 'gradient' | 'product',
    others: readonly DeviceBuffer[] = [],
  ): Promise<Float64Array[]> {
    const backend = this.#backend;
    backend.write(this.#vector, vector);
    backend.run(this.#clear);
    for (const { chunks, [pass]: recording } of this.#passes) {
      backend.write(this.#counter, [0]);
      backend.run(recording, chunks);
    }
    const [sums, ...rest] = await backend.read([this.#sums, ...others]);
    const total = sums.slice(0, this.#size);
    for (let index = this.#size; index < sums.length; index++) total[index % this.#size] += sums[index];
    return [total, ...rest];
  }

  /** Conjugate gradients from 0. Source: Nocedal and Wright, Numerical Optimization, algorithm 5.3. */
  async #step(gradient: Float64Array, blocks: Float64Array, damping: number): Promise<GaussNewtonStep | undefined> {
    const size = this.#size;
    // Chunks are made again from what an evaluation elsewhere has overwritten.
    if (this.#passes.some(({ chunks }) => chunks > 1)) this.#backend.run(this.#prepare);
    const precondition = preconditioner(this.#edges, blocks, this.#bands, damping);
    const change = new Float64Array(size);
    const residual = gradient.map((value) => -value);
    const first = norm(residual);
    let scaled = precondition(residual);
    let direction = scaled.slice();
    let energy = dot(residual, scaled);
    let products = 0;
    while (products < this.#options.iterations && norm(residual) > this.#options.tolerance * first) {
      const [product] = await this.#multiply(direction, 'product');
      products++;
      product[size - 1] = 0;
      for (let i = 0; i < size; i++) product[i] += damping * direction[i];
      const curvature = dot(direction, product);
      if (!(curvature > 0)) return undefined;
      const length = energy / curvature;
      for (let i = 0; i < size; i++) {
        change[i] += length * direction[i];
        residual[i] -= length * product[i];
      }
      scaled = precondition(residual);
      const next = dot(residual, scaled);
      const ratio = next / energy;
      energy = next;
      direction = direction.map((value, i) => scaled[i] + ratio * value);
    }
    // H δ = −g − λδ − residual
    let predicted = 0;
    for (let i = 0; i < size; i++) {
      predicted += change[i] * (residual[i] + damping * change[i] - gradient[i]);
    }
    return {
      change: change.subarray(0, size - 1),
      predicted,
      // On plain layers a product takes as long as one; on jets a third of that.
      evaluations: products,
    };
  }

  close(): void {
    this.#memory.release();
  }
}

/** Of the layouts that blocks give a parameter tensor the one that says most about it. */
function widest(edges: readonly PlacedEdges[]): PlacedEdges[] {
  const byColumn = new Map<number, PlacedEdges>();
  for (const edge of edges) {
    const other = byColumn.get(edge.column);
    if (other === undefined || edge.width > other.width) byColumn.set(edge.column, edge);
  }
  return [...byColumn.values()];
}

/** Solves with the edges' own blocks of JᵀWJ + damping · 1, by banded Cholesky factors. */
function preconditioner(
  edges: readonly PlacedEdges[],
  blocks: Float64Array,
  bands: number,
  damping: number,
): (vector: Float64Array) => Float64Array {
  const factors = blocks.slice();
  eachEdge(edges, (first, count, stride, width) => {
    for (let k = 0; k < count; k++) {
      const at = (first + k * stride) * bands;
      factors[at] += damping;
      for (let m = 0; m < width && k + m < count; m++) {
        let value = factors[at + m];
        for (let j = 1; j + m < width && j <= k; j++) {
          const before = (first + (k - j) * stride) * bands;
          value -= factors[before + j] * factors[before + j + m];
        }
        // Rounding may leave nothing of a block that hardly matters; any positive number will do for a preconditioner.
        factors[at + m] = m === 0 ? Math.sqrt(value > 0 ? value : damping) : value / factors[at];
      }
    }
  });
  return (vector) => {
    const result = vector.slice();
    eachEdge(edges, (first, count, stride, width) => {
      for (let k = 0; k < count; k++) {
        let value = result[first + k * stride];
        for (let j = 1; j < width && j <= k; j++) {
          const before = first + (k - j) * stride;
          value -= factors[before * bands + j] * result[before];
        }
        result[first + k * stride] = value / factors[(first + k * stride) * bands];
      }
      for (let k = count - 1; k >= 0; k--) {
        const at = first + k * stride;
        let value = result[at];
        for (let j = 1; j < width && k + j < count; j++) value -= factors[at * bands + j] * result[at + j * stride];
        result[at] = value / factors[at * bands];
      }
    });
    return result;
  };
}

/** Calls `visit` with the place of every edge's first coefficient, their number, and the distance from one to the next. */
function eachEdge(
  edges: readonly PlacedEdges[],
  visit: (first: number, count: number, stride: number, width: number) => void,
): void {
  for (const { column, inputs, coefficients, outputs, width } of edges) {
    for (let p = 0; p < inputs; p++) {
      for (let q = 0; q < outputs; q++) visit(column + p * coefficients * outputs + q, coefficients, outputs, width);
    }
  }
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

function norm(vector: Float64Array): number {
  return Math.sqrt(dot(vector, vector));
}
