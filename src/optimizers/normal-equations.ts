import type { Backend, DeviceBuffer, Dispatch, Recording } from '../backend/backend.ts';
import { dispatch } from '../backend/dispatch.ts';
import { advanceCounter } from '../kernels/counter.ts';
import { normalMatrix } from '../kernels/normal-equations.ts';
import { fill } from '../kernels/vectors.ts';
import { factorise, prepareFactors, solveFactorised } from './cholesky.ts';
import {
  type GaussNewtonModel,
  type GaussNewtonSource,
  type GaussNewtonStep,
  ROOM,
  rowBuffers,
} from './gauss-newton.ts';
import { Memory } from './memory.ts';
import type { LeastSquares, ResidualBlock } from './objective.ts';

export interface NormalEquationsOptions {
  /** Elements of the compact rows of a block that are kept at a time, one sample's at least. Default 4 Mi. */
  readonly room?: number;
}

/** {@link GaussNewtonModel} with its matrix. */
export interface QuadraticModel extends GaussNewtonModel {
  /** Places in the flat vector that any residual depends on; H and g are about these alone. */
  readonly active: Int32Array;
  /** JᵀWJ [active, active], symmetric. */
  readonly hessian: Float64Array;
  /** JᵀWr [active], half the loss's gradient. */
  readonly gradient: Float64Array;
}

/** Assembles JᵀWJ, JᵀWr and rᵀWr from compact rows, a chunk of samples at a time. */
export class NormalEquations implements GaussNewtonSource {
  readonly #backend: Backend;
  /** Of the flat vector, and one more row and column for the residuals. */
  readonly #size: number;
  readonly #memory: Memory;
  #matrix!: DeviceBuffer;
  #rest!: DeviceBuffer;
  #loss!: DeviceBuffer;
  #counter!: DeviceBuffer;
  #factor = new Float64Array(0);
  #sweep!: Recording;
  #blocks!: readonly { readonly recording: Recording; readonly chunks: number }[];

  private constructor(backend: Backend, length: number) {
    this.#backend = backend;
    this.#size = length + 1;
    this.#memory = new Memory(backend);
  }

  static async open(
    backend: Backend,
    length: number,
    leastSquares: LeastSquares,
    { room = ROOM }: NormalEquationsOptions = {},
  ): Promise<NormalEquations> {
    await prepareFactors();
    const equations = new NormalEquations(backend, length);
    await equations.#memory.orRelease(equations.#record(leastSquares, room));
    return equations;
  }

  async #record({ evaluate, loss, blocks }: LeastSquares, room: number): Promise<void> {
    const backend = this.#backend;
    const memory = this.#memory;
    this.#matrix = memory.allocate(this.#size ** 2, { label: 'normal matrix' });
    this.#rest = memory.allocate(this.#size ** 2, { label: 'rest of the normal matrix' });
    this.#counter = memory.allocate(1, { type: 'uint', label: 'chunk counter' });
    this.#loss = loss;
    const clear = [this.#matrix, this.#rest].map((target) =>
      dispatch(fill, { target }, { count: target.length, value: 0 }),
    );
    const sweeps = blocks.flatMap(({ sweep }) => sweep);
    this.#sweep = await backend.record([...clear, ...evaluate, ...sweeps], 'adjoints');
    this.#blocks = await Promise.all(
      blocks.map(async (block) => {
        const { dispatches, chunks } = this.#assembly(block, room);
        return { recording: await backend.record(dispatches, 'normal matrix'), chunks };
      }),
    );
  }

  async assemble(): Promise<QuadraticModel> {
    const backend = this.#backend;
    backend.run(this.#sweep);
    for (const { recording, chunks } of this.#blocks) {
      backend.write(this.#counter, [0]);
      backend.run(recording, chunks);
    }
    const [matrix, rest, [told]] = await backend.read([this.#matrix, this.#rest, this.#loss]);
    for (let index = 0; index < matrix.length; index++) matrix[index] += rest[index];
    return this.#model(matrix, told);
  }

  close(): void {
    this.#memory.release();
  }

  #assembly(block: ResidualBlock, room: number): { dispatches: Dispatch[]; chunks: number } {
    const { weights, factor } = block;
    const [counter, size] = [this.#counter, this.#size];
    const { values, columns, constants, chunks, write } = rowBuffers(this.#memory, block, { counter, size, room });
    const buffers = { values, columns, weights, counter, matrix: this.#matrix, rest: this.#rest };
    const dispatches = [
      ...write,
      dispatch(normalMatrix, buffers, { ...constants, tiles: 1, factor }),
      dispatch(advanceCounter, { counter }, {}),
    ];
    return { dispatches, chunks };
  }

  /** The symmetric matrix without its empty rows and columns. */
  #model(matrix: Float64Array, told: number): QuadraticModel {
    const size = this.#size;
    const last = size - 1;
    const active = Int32Array.from({ length: last }, (_, index) => index).filter(
      (index) => matrix[index * size + index] !== 0,
    );
    const count = active.length;
    const hessian = new Float64Array(count * count);
    const gradient = new Float64Array(count);
    for (let i = 0; i < count; i++) {
      const row = active[i];
      gradient[i] = matrix[row * size + last] + matrix[last * size + row];
      for (let j = 0; j < i; j++) {
        const column = active[j];
        const value = matrix[row * size + column] + matrix[column * size + row];
        hessian[i * count + j] = value;
        hessian[j * count + i] = value;
      }
      hessian[i * count + i] = matrix[row * size + row];
    }
    let scale = 0;
    for (let i = 0; i < count; i++) {
      const entry = hessian[i * (count + 1)];
      // Written so that a NaN is kept.
      if (!(entry <= scale)) scale = entry;
    }
    const model = { loss: matrix[last * size + last], told, scale, active, hessian, gradient };
    return { ...model, step: async (damping) => this.#step(model, damping) };
  }

  #step(model: Omit<QuadraticModel, 'step'>, damping: number): GaussNewtonStep | undefined {
    const { hessian, gradient, active } = model;
    const size = active.length;
    if (this.#factor.length < hessian.length) this.#factor = new Float64Array(hessian.length);
    if (!factorise(hessian, size, damping, this.#factor)) return undefined;
    const step = gradient.map((value) => -value);
    solveFactorised(this.#factor, size, step);
    const change = new Float64Array(this.#size - 1);
    let predicted = 0;
    for (let i = 0; i < size; i++) {
      change[active[i]] = step[i];
      // H δ = −g − λδ
      predicted += step[i] * (damping * step[i] - gradient[i]);
    }
    return { change, predicted, evaluations: 0 };
  }
}
