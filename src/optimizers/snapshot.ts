import type { Backend, DeviceBuffer, Recording } from '../backend/backend.ts';
import { dispatch } from '../backend/dispatch.ts';
import { copy } from '../kernels/vectors.ts';

/** A copy of a model's parameters, or of what else changes with them, on their device. */
export class Snapshot {
  readonly #backend: Backend;
  readonly #copies: readonly DeviceBuffer[];
  readonly #keep: Recording;
  readonly #restore: Recording;

  private constructor(backend: Backend, copies: readonly DeviceBuffer[], keep: Recording, restore: Recording) {
    this.#backend = backend;
    this.#copies = copies;
    this.#keep = keep;
    this.#restore = restore;
  }

  static async open(backend: Backend, ...vectors: readonly DeviceBuffer[]): Promise<Snapshot> {
    const copies = vectors.map(({ length }) => backend.allocate(length, { label: 'kept parameters' }));
    const transfer = (from: readonly DeviceBuffer[], to: readonly DeviceBuffer[], label: string) =>
      backend.record(
        from.map((source, index) => dispatch(copy, { source, target: to[index] }, { count: source.length })),
        label,
      );
    const keep = await transfer(vectors, copies, 'keep');
    return new Snapshot(backend, copies, keep, await transfer(copies, vectors, 'restore'));
  }

  keep(): void {
    this.#backend.run(this.#keep);
  }

  restore(): void {
    this.#backend.run(this.#restore);
  }

  close(): void {
    for (const buffer of this.#copies) this.#backend.release(buffer);
  }
}
