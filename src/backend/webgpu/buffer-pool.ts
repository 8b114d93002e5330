import { NestkanError } from '../../errors.ts';
import type { Counters } from '../backend.ts';
import type { DeviceMonitor } from './monitor.ts';

/** GPUBufferUsage and GPUMapMode are not global everywhere (Node), so their values stand here. */
export const USAGE = { mapRead: 0x1, copySource: 0x4, copyTarget: 0x8, storage: 0x80, queryResolve: 0x200 } as const;

const SMALLEST_BYTES = 256;
/** Released memory beyond this goes back to the device: levels of a hierarchy leave buffers that nobody asks for again. */
const MAX_FREE_BYTES = 256 * 2 ** 20;

/** One device buffer. Its size is a size class, at least what was asked for. */
export interface Allocation {
  readonly buffer: GPUBuffer;
  readonly bytes: number;
}

/** Four classes per power of two: at most a quarter of a buffer is wasted. */
export function sizeClass(bytes: number): number {
  if (bytes <= SMALLEST_BYTES) return SMALLEST_BYTES;
  const step = 2 ** Math.floor(Math.log2(bytes - 1)) / 4;
  return Math.ceil(bytes / step) * step;
}

/** Device buffers by size class, kept for reuse: garbage collection does not free device memory in time. */
export class BufferPool {
  readonly #monitor: DeviceMonitor;
  readonly #counters: Counters;
  readonly #usage: number;
  readonly #free = new Map<number, Allocation[]>();
  readonly #all = new Set<Allocation>();
  #freeBytes = 0;

  constructor(monitor: DeviceMonitor, counters: Counters, usage: number) {
    this.#monitor = monitor;
    this.#counters = counters;
    this.#usage = usage;
  }

  /** Memory of at least `bytes`, with whatever it last held if `reused`, otherwise zero. */
  acquire(bytes: number, label: string): { allocation: Allocation; reused: boolean } {
    const limit = this.#monitor.device.limits.maxBufferSize;
    if (bytes > limit) throw tooLarge(label, bytes, limit);
    const size = Math.min(sizeClass(bytes), limit - (limit % 4));
    const allocation = this.#free.get(size)?.pop();
    if (allocation === undefined) return { allocation: this.#create(size, label), reused: false };
    this.#freeBytes -= size;
    return { allocation, reused: true };
  }

  release(allocation: Allocation): void {
    const { bytes } = allocation;
    if (this.#freeBytes + bytes > MAX_FREE_BYTES) {
      this.discard(allocation);
      return;
    }
    this.#freeBytes += bytes;
    const sameSize = this.#free.get(bytes);
    if (sameSize) sameSize.push(allocation);
    else this.#free.set(bytes, [allocation]);
  }

  /** Gives the memory of an acquired buffer back to the device. */
  discard(allocation: Allocation): void {
    if (!this.#all.delete(allocation)) return;
    allocation.buffer.destroy();
    this.#counters.bytes -= allocation.bytes;
  }

  destroy(): void {
    for (const allocation of [...this.#all]) this.discard(allocation);
    this.#free.clear();
    this.#freeBytes = 0;
  }

  #create(bytes: number, label: string): Allocation {
    const allocation = { buffer: this.#monitor.createBuffer({ size: bytes, usage: this.#usage, label }), bytes };
    this.#all.add(allocation);
    this.#counters.buffers++;
    this.#counters.bytes += bytes;
    return allocation;
  }
}

/** BUFFER_TOO_LARGE for `what`, in numbers a person can compare. */
export function tooLarge(what: string, bytes: number, limit: number): NestkanError {
  const megabytes = (size: number) => `${(size / 2 ** 20).toFixed(1)} MiB`;
  return new NestkanError(
    'BUFFER_TOO_LARGE',
    `${what} takes ${megabytes(bytes)}, this device allows ${megabytes(limit)}`,
    {
      fix: 'Use mini-batches, fewer rows or narrower layers, or device "cpu".',
      where: { bytes, limit },
    },
  );
}
