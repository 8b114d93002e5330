/**
 * What training needs from a device: buffers, and lists of kernel dispatches that are recorded once and replayed.
 *
 * A backend runs kernels; it knows no tensor, no model and no optimizer.
 */
import type { Kernel } from '../kernels/kernel.ts';

export type ElementType = 'float' | 'uint';

/** A range of device memory. Equal handles are the same memory; views share their parent's memory and lifetime. */
export interface DeviceBuffer {
  readonly length: number;
  readonly type: ElementType;
  /** A range of this buffer; `offset` must be a multiple of {@link Backend.alignment}. */
  view(offset: number, length: number): DeviceBuffer;
}

/** One kernel applied to buffers. Buffers are named as in the kernel's bindings. */
export interface Dispatch {
  readonly kernel: Kernel;
  readonly buffers: Readonly<Record<string, DeviceBuffer>>;
  readonly constants: Readonly<Record<string, number>>;
}

/** A validated, compiled dispatch list. Replaying it creates no device object and reads nothing back. */
export interface Recording {
  readonly label: string;
  readonly dispatches: readonly Dispatch[];
}

/** Running totals of what a backend has done, so that overhead can be asserted in a test. */
export interface Counters {
  buffers: number;
  bindGroups: number;
  pipelines: number;
  submits: number;
  dispatches: number;
  readbacks: number;
  /** Bytes held at this moment, pooled buffers included. */
  bytes: number;
}

export interface KernelTiming {
  readonly kernel: string;
  readonly constants: Readonly<Record<string, number>>;
  /** Seconds, one entry per repetition. */
  readonly seconds: readonly number[];
  /** Bytes that the bindings say must at least be moved: each element once per read and once per write. */
  readonly bytes: number;
  readonly flops: number;
}

export interface Backend {
  readonly name: 'cpu' | 'webgpu';
  readonly precision: 'float64' | 'float32';
  /** Human-readable name of the device. */
  readonly adapter: string;
  /** Offsets of views are multiples of this many elements (64 on WebGPU, 64 on the CPU for the same layout). */
  readonly alignment: number;
  /** About how many workgroups keep the device busy: what a kernel's work is worth being split into. */
  readonly parallelism: number;
  readonly counters: Readonly<Counters>;

  /** Zero-filled memory, from a pool. Throws BUFFER_TOO_LARGE before the device would. */
  allocate(length: number, options?: { type?: ElementType; label?: string }): DeviceBuffer;
  /** Returns memory to the pool. The caller vouches that no recording that uses it will be run again. */
  release(buffer: DeviceBuffer): void;
  /** Copies host numbers into the start of `buffer`, ordered before everything that is run later. */
  write(buffer: DeviceBuffer, data: ArrayLike<number>): void;
  /** Waits for what was run before and returns the contents of all buffers, in one readback. */
  read(buffers: readonly DeviceBuffer[]): Promise<Float64Array[]>;

  /** Checks binding names, lengths and constants, compiles pipelines, makes bind groups. */
  record(dispatches: readonly Dispatch[], label?: string): Promise<Recording>;
  /** Enqueues `times` replays; returns without waiting. The dispatches of one replay run in order. */
  run(recording: Recording, times?: number): void;
  /** Resolves when everything enqueued has been executed. Rejects with DEVICE_LOST or DEVICE_ERROR. */
  finish(): Promise<void>;
  /** Runs every dispatch `repetitions` times on its own, timed on the device. */
  profile(recording: Recording, repetitions?: number): Promise<KernelTiming[]>;
  /** Frees everything. Any later call throws BACKEND_DESTROYED. */
  destroy(): void;
}
