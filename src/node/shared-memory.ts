/** Memory that several threads see, kept for reuse: the garbage collector does not count it and would not free it in time. */
import { sizeClass } from '../backend/webgpu/buffer-pool.ts';

/** Released memory beyond this is left to the garbage collector. */
const MAX_FREE_BYTES = 256 * 2 ** 20;

export class SharedMemory {
  readonly #free = new Map<number, ArrayBufferLike[]>();
  #freeBytes = 0;

  /** Zeros. */
  allocate(length: number, type: 'float' | 'uint'): Float64Array | Uint32Array {
    const bytes = sizeClass(length * (type === 'uint' ? 4 : 8));
    const reused = this.#free.get(bytes)?.pop();
    const memory = reused ?? new SharedArrayBuffer(bytes);
    const array = type === 'uint' ? new Uint32Array(memory, 0, length) : new Float64Array(memory, 0, length);
    if (reused === undefined) return array;
    this.#freeBytes -= bytes;
    return array.fill(0);
  }

  release(memory: ArrayBufferLike): void {
    const bytes = memory.byteLength;
    if (this.#freeBytes + bytes > MAX_FREE_BYTES) return;
    this.#freeBytes += bytes;
    const sameSize = this.#free.get(bytes);
    if (sameSize) sameSize.push(memory);
    else this.#free.set(bytes, [memory]);
  }
}
