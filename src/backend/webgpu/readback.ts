import type { Counters, ElementType } from '../backend.ts';
import { BufferPool, USAGE } from './buffer-pool.ts';
import type { DeviceMonitor } from './monitor.ts';

/** GPUMapMode.READ, which is not global everywhere. */
const MAP_READ = 0x1;

/** A range to copy; offset and length in elements of four bytes. */
export interface ReadRange {
  readonly buffer: GPUBuffer;
  readonly offset: number;
  readonly length: number;
  readonly type: ElementType;
}

/** Copies device memory to the host through kept staging buffers: a fresh one makes reading a number four times slower. */
export class Readback {
  readonly #monitor: DeviceMonitor;
  readonly #counters: Counters;
  readonly #staging: BufferPool;

  constructor(monitor: DeviceMonitor, counters: Counters) {
    this.#monitor = monitor;
    this.#counters = counters;
    this.#staging = new BufferPool(monitor, counters, USAGE.mapRead | USAGE.copyTarget);
  }

  /** All ranges in one copy and one wait. */
  async read(ranges: readonly ReadRange[]): Promise<Float64Array[]> {
    const bytes = 4 * ranges.reduce((sum, { length }) => sum + length, 0);
    if (bytes === 0) return [];
    const { allocation } = this.#staging.acquire(bytes, 'what is read at once');
    const { buffer } = allocation;
    try {
      this.#copy(ranges, buffer);
      await buffer.mapAsync(MAP_READ, 0, bytes);
      // Commands that the device refused leave a buffer that maps all the same.
      this.#monitor.check();
      const mapped = buffer.getMappedRange(0, bytes);
      const values = convert(ranges, mapped);
      buffer.unmap();
      this.#staging.release(allocation);
      return values;
    } catch (cause) {
      this.#staging.discard(allocation);
      throw await this.#monitor.explain(cause);
    }
  }

  destroy(): void {
    this.#staging.destroy();
  }

  #copy(ranges: readonly ReadRange[], staging: GPUBuffer): void {
    const { device } = this.#monitor;
    const encoder = device.createCommandEncoder({ label: 'readback' });
    let target = 0;
    for (const { buffer, offset, length } of ranges) {
      encoder.copyBufferToBuffer(buffer, 4 * offset, staging, target, 4 * length);
      target += 4 * length;
    }
    device.queue.submit([encoder.finish()]);
    this.#counters.submits++;
    this.#counters.readbacks++;
  }
}

function convert(ranges: readonly ReadRange[], mapped: ArrayBuffer): Float64Array[] {
  let start = 0;
  return ranges.map(({ length, type }) => {
    const view = type === 'uint' ? new Uint32Array(mapped, start, length) : new Float32Array(mapped, start, length);
    start += 4 * length;
    return new Float64Array(view);
  });
}
