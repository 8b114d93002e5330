import type { Backend, DeviceBuffer, Recording } from '../backend/backend.ts';
import { dispatch } from '../backend/dispatch.ts';
import { copy } from '../kernels/vectors.ts';
import type { Variables } from './objective.ts';

/** A copy of a model's parameters on its device. */
export class Snapshot {
  readonly #backend: Backend;
  readonly #copy: DeviceBuffer;
  readonly #keep: Recording;
  readonly #restore: Recording;

  private constructor(backend: Backend, copy: DeviceBuffer, keep: Recording, restore: Recording) {
    this.#backend = backend;
    this.#copy = copy;
    this.#keep = keep;
    this.#restore = restore;
  }

  static async open(
    backend: Backend,
    { values, length: count }: Pick<Variables, 'values' | 'length'>,
  ): Promise<Snapshot> {
    const held = backend.allocate(count, { label: 'kept parameters' });
    const keep = await backend.record([dispatch(copy, { source: values, target: held }, { count })], 'keep');
    const restore = await backend.record([dispatch(copy, { source: held, target: values }, { count })], 'restore');
    return new Snapshot(backend, held, keep, restore);
  }

  keep(): void {
    this.#backend.run(this.#keep);
  }

  restore(): void {
    this.#backend.run(this.#restore);
  }

  close(): void {
    this.#backend.release(this.#copy);
  }
}
