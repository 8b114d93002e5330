import { NestkanError } from '../../errors.ts';
import type { HostArray, Kernel } from '../../kernels/kernel.ts';
import type { Backend, Counters, DeviceBuffer, Dispatch, ElementType, KernelTiming, Recording } from '../backend.ts';
import {
  checkLength,
  checkTimes,
  checkView,
  checkWrite,
  kernelTiming,
  type MemoryRange,
  mismatch,
  releaseError,
  validateDispatch,
} from '../validate.ts';

/** Long runs give the event loop a turn this often, so that timers and abort signals are seen. */
const YIELD_SECONDS = 0.03;

class CpuBuffer implements DeviceBuffer {
  readonly owner: CpuBackend;
  readonly array: HostArray;
  readonly type: ElementType;

  constructor(owner: CpuBackend, array: HostArray) {
    this.owner = owner;
    this.array = array;
    this.type = array instanceof Uint32Array ? 'uint' : 'float';
  }

  get length(): number {
    return this.array.length;
  }

  view(offset: number, length: number): CpuBuffer {
    checkView(this, offset, length, this.owner.alignment);
    return new CpuBuffer(this.owner, this.array.subarray(offset, offset + length) as HostArray);
  }
}

interface CpuRecording extends Recording {
  readonly owner: CpuBackend;
  readonly steps: readonly (() => void)[];
}

/** Threads that run kernels' references together with the calling one; src/node has an implementation. */
export interface Threads {
  /** The calling one included. */
  readonly count: number;
  /** Zeros that all of them see. */
  allocate(length: number, type: ElementType): HostArray;
  /** Takes such an array back: kernels that {@link share} was given on it will not be run again. */
  release(array: HostArray): void;
  /** A function that runs a kernel on all threads and returns when it is done, or undefined where that gains nothing. */
  share(
    kernel: Kernel,
    buffers: Readonly<Record<string, HostArray>>,
    constants: Readonly<Record<string, number>>,
  ): (() => void) | undefined;
  close(): void;
}

function hostArray(length: number, type: ElementType): HostArray {
  return type === 'uint' ? new Uint32Array(length) : new Float64Array(length);
}

/** Runs the kernels' float64 references, in order, on the calling thread and on `threads`. */
export class CpuBackend implements Backend {
  readonly name = 'cpu';
  readonly precision = 'float64';
  readonly adapter: string;
  readonly alignment = 64;
  readonly parallelism = 1;
  readonly counters: Counters = {
    buffers: 0,
    bindGroups: 0,
    pipelines: 0,
    submits: 0,
    dispatches: 0,
    readbacks: 0,
    bytes: 0,
  };
  #destroyed = false;
  readonly #live = new WeakSet<HostArray>();
  readonly #threads?: Threads;
  #lastYield = performance.now();

  constructor(threads?: Threads) {
    this.#threads = threads;
    this.adapter = `JavaScript, float64${threads ? `, ${threads.count} threads` : ''}`;
  }

  allocate(length: number, { type = 'float' }: { type?: ElementType; label?: string } = {}): DeviceBuffer {
    this.#check();
    checkLength(length);
    this.counters.buffers++;
    try {
      const array = this.#threads?.allocate(length, type) ?? hostArray(length, type);
      this.counters.bytes += array.byteLength;
      this.#live.add(array);
      return new CpuBuffer(this, array);
    } catch (cause) {
      throw new NestkanError('OUT_OF_MEMORY', `no memory for ${length} numbers`, {
        fix: 'Use fewer rows, narrower layers or mini-batches.',
        cause,
      });
    }
  }

  release(buffer: DeviceBuffer): void {
    this.#check();
    const array = this.#array(buffer);
    if (!this.#live.delete(array)) throw releaseError();
    this.counters.bytes -= array.byteLength;
    this.#threads?.release(array);
  }

  write(buffer: DeviceBuffer, data: ArrayLike<number>): void {
    this.#check();
    checkWrite(buffer, data);
    this.#array(buffer).set(data);
  }

  async read(buffers: readonly DeviceBuffer[]): Promise<Float64Array[]> {
    this.#check();
    this.counters.readbacks++;
    // Copied at the call, as a device would: what is run while this waits must not show.
    const copies = buffers.map((buffer) => new Float64Array(this.#array(buffer)));
    await this.finish();
    return copies;
  }

  async record(dispatches: readonly Dispatch[], label = 'recording'): Promise<Recording> {
    this.#check();
    await Promise.all(dispatches.map(({ kernel }) => kernel.prepare?.()));
    const steps = dispatches.map((dispatch) => {
      validateDispatch(dispatch, (buffer) => this.#locate(buffer));
      const { kernel, constants } = dispatch;
      const arrays: Record<string, HostArray> = {};
      for (const name of Object.keys(kernel.bindings)) arrays[name] = this.#array(dispatch.buffers[name]);
      return this.#threads?.share(kernel, arrays, constants) ?? (() => kernel.reference(arrays, constants));
    });
    const recording: CpuRecording = { owner: this, label, dispatches: [...dispatches], steps };
    return recording;
  }

  run(recording: Recording, times = 1): void {
    this.#check();
    checkTimes(times);
    const { steps } = this.#ownRecording(recording);
    for (let time = 0; time < times; time++) {
      for (const step of steps) step();
    }
    this.counters.submits++;
    this.counters.dispatches += times * steps.length;
  }

  async finish(): Promise<void> {
    this.#check();
    if (performance.now() - this.#lastYield < 1000 * YIELD_SECONDS) return;
    await new Promise((resolve) => setTimeout(resolve, 0));
    this.#lastYield = performance.now();
  }

  async profile(recording: Recording, repetitions = 10): Promise<KernelTiming[]> {
    this.#check();
    checkTimes(repetitions);
    const { steps, dispatches } = this.#ownRecording(recording);
    const seconds: number[][] = steps.map(() => []);
    for (let repetition = 0; repetition < repetitions; repetition++) {
      steps.forEach((step, index) => {
        const start = performance.now();
        step();
        seconds[index].push((performance.now() - start) / 1000);
      });
    }
    return dispatches.map((dispatch, index) => kernelTiming(dispatch, seconds[index]));
  }

  destroy(): void {
    this.#destroyed = true;
    this.counters.bytes = 0;
    this.#threads?.close();
  }

  #array(buffer: DeviceBuffer): HostArray {
    if (buffer instanceof CpuBuffer && buffer.owner === this) return buffer.array;
    throw mismatch('buffer');
  }

  #ownRecording(recording: Recording): CpuRecording {
    const own = recording as CpuRecording;
    if (own.owner === this) return own;
    throw mismatch('recording');
  }

  #locate(buffer: DeviceBuffer): MemoryRange {
    const { buffer: memory, byteOffset, byteLength } = this.#array(buffer);
    return { memory, start: byteOffset, end: byteOffset + byteLength };
  }

  #check(): void {
    if (!this.#destroyed) return;
    throw new NestkanError('BACKEND_DESTROYED', 'this backend was destroyed', { fix: 'Open a new one.' });
  }
}
