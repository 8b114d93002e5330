import type { Backend, DeviceBuffer } from '../backend/backend.ts';

/** Buffers that are given back together. */
export class Memory {
  readonly #backend: Backend;
  readonly #buffers: DeviceBuffer[] = [];

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  /** As {@link Backend.allocate}. */
  allocate(...request: Parameters<Backend['allocate']>): DeviceBuffer {
    const buffer = this.#backend.allocate(...request);
    this.#buffers.push(buffer);
    return buffer;
  }

  /** Hands on what `filled` resolves to; where it rejects, everything is given back. */
  async orRelease<T>(filled: Promise<T>): Promise<T> {
    try {
      return await filled;
    } catch (error) {
      this.release();
      throw error;
    }
  }

  release(): void {
    for (const buffer of this.#buffers) this.#backend.release(buffer);
    this.#buffers.length = 0;
  }
}
