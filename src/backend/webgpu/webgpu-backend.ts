import { NestkanError } from '../../errors.ts';
import type { Grid } from '../../kernels/kernel.ts';
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
import { type Allocation, BufferPool, tooLarge, USAGE } from './buffer-pool.ts';
import { adapterName, isSoftware } from './device.ts';
import { toDevice } from './host-data.ts';
import { DeviceMonitor } from './monitor.ts';
import { PipelineCache } from './pipelines.ts';
import { timePasses } from './profiler.ts';
import { Readback } from './readback.ts';

/** Elements of four bytes in WebGPU's guaranteed minStorageBufferOffsetAlignment of 256 bytes. */
const ALIGNMENT = 64;
/** Enough to make the cost of a submit disappear, little enough that no driver thinks the device hangs. */
const DISPATCHES_PER_SUBMIT = 512;

/** Workgroups in flight that keep processors busy: a few per core of a processor, or per multiprocessor of a large GPU. */
const SOFTWARE_WORKGROUPS = 16;
const HARDWARE_WORKGROUPS = 512;

class WebGpuBuffer implements DeviceBuffer {
  readonly owner: WebGpuBackend;
  readonly allocation: Allocation;
  readonly offset: number;
  readonly length: number;
  readonly type: ElementType;

  constructor(owner: WebGpuBackend, allocation: Allocation, offset: number, length: number, type: ElementType) {
    this.owner = owner;
    this.allocation = allocation;
    this.offset = offset;
    this.length = length;
    this.type = type;
  }

  view(offset: number, length: number): WebGpuBuffer {
    checkView(this, offset, length, ALIGNMENT);
    return new WebGpuBuffer(this.owner, this.allocation, this.offset + offset, length, this.type);
  }
}

interface Step {
  readonly pipeline: GPUComputePipeline;
  readonly bindGroup: GPUBindGroup;
  readonly grid: Grid;
}

interface WebGpuRecording extends Recording {
  readonly owner: WebGpuBackend;
  readonly steps: readonly Step[];
}

export interface WebGpuBackendOptions {
  /** Whether destroying the backend destroys the device; off for a device that belongs to the caller. */
  ownsDevice?: boolean;
  /** The object that the device came from. Dawn crashes if it is collected before the device, so it is kept here. */
  gpu?: GPU;
}

/** Runs the kernels' WGSL, in float32, on a WebGPU device. */
export class WebGpuBackend implements Backend {
  readonly name = 'webgpu';
  readonly precision = 'float32';
  readonly adapter: string;
  readonly alignment = ALIGNMENT;
  readonly parallelism: number;
  readonly counters: Counters = {
    buffers: 0,
    bindGroups: 0,
    pipelines: 0,
    submits: 0,
    dispatches: 0,
    readbacks: 0,
    bytes: 0,
  };
  readonly device: GPUDevice;
  readonly options: Readonly<WebGpuBackendOptions>;
  readonly #monitor: DeviceMonitor;
  readonly #pool: BufferPool;
  readonly #readback: Readback;
  readonly #pipelines: PipelineCache;
  /** What allocate has handed out; the value is the number of bytes in use. */
  readonly #live = new Map<Allocation, number>();
  /** Reused memory that must be zero before anything else touches it. */
  readonly #toClear = new Set<Allocation>();
  #destroyed = false;

  constructor(device: GPUDevice, options: WebGpuBackendOptions = {}) {
    this.device = device;
    this.options = options;
    this.adapter = adapterName(device.adapterInfo);
    this.parallelism = isSoftware({ info: device.adapterInfo }) ? SOFTWARE_WORKGROUPS : HARDWARE_WORKGROUPS;
    this.#monitor = new DeviceMonitor(device);
    this.#pool = new BufferPool(this.#monitor, this.counters, USAGE.storage | USAGE.copySource | USAGE.copyTarget);
    this.#readback = new Readback(this.#monitor, this.counters);
    this.#pipelines = new PipelineCache(device, this.counters);
  }

  allocate(
    length: number,
    { type = 'float', label = 'a buffer' }: { type?: ElementType; label?: string } = {},
  ): DeviceBuffer {
    this.#monitor.check();
    checkLength(length);
    const { allocation, reused } = this.#pool.acquire(4 * length, label);
    this.#live.set(allocation, 4 * length);
    if (reused) this.#toClear.add(allocation);
    return new WebGpuBuffer(this, allocation, 0, length, type);
  }

  release(buffer: DeviceBuffer): void {
    this.#monitor.check();
    const { allocation, offset, length } = this.#own(buffer);
    const whole = offset === 0 && 4 * length === this.#live.get(allocation);
    if (!whole || !this.#live.delete(allocation)) throw releaseError();
    this.#toClear.delete(allocation);
    this.#pool.release(allocation);
  }

  write(buffer: DeviceBuffer, data: ArrayLike<number>): void {
    this.#monitor.check();
    checkWrite(buffer, data);
    const { allocation, offset, type } = this.#use(buffer);
    this.#clearReused();
    this.device.queue.writeBuffer(allocation.buffer, 4 * offset, toDevice(data, type));
  }

  async read(buffers: readonly DeviceBuffer[]): Promise<Float64Array[]> {
    this.#monitor.check();
    const ranges = buffers.map((buffer) => {
      const { allocation, offset, length, type } = this.#use(buffer);
      return { buffer: allocation.buffer, offset, length, type };
    });
    this.#clearReused();
    return this.#readback.read(ranges);
  }

  async record(dispatches: readonly Dispatch[], label = 'recording'): Promise<Recording> {
    this.#monitor.check();
    for (const dispatch of dispatches) {
      validateDispatch(dispatch, (buffer) => this.#locate(buffer));
      this.#checkBindingSizes(dispatch);
    }
    const compiled = await Promise.all(
      dispatches.map(({ kernel, constants }) => this.#pipelines.get(kernel, constants)),
    ).catch(async (cause) => {
      throw await this.#monitor.explain(cause);
    });
    this.#monitor.check();
    const steps = await this.#monitor.validated(() =>
      dispatches.map((dispatch, index) => ({
        pipeline: compiled[index].pipeline,
        bindGroup: this.#bindGroup(dispatch, compiled[index].layout),
        grid: dispatch.kernel.workgroups(dispatch.constants),
      })),
    );
    const recording: WebGpuRecording = { owner: this, label, dispatches: [...dispatches], steps };
    return recording;
  }

  run(recording: Recording, times = 1): void {
    this.#monitor.check();
    checkTimes(times);
    const { label, steps } = this.#ownRecording(recording);
    if (steps.length === 0) return;
    this.#clearReused();
    const replaysPerSubmit = Math.max(1, Math.floor(DISPATCHES_PER_SUBMIT / steps.length));
    for (let left = times; left > 0; left -= replaysPerSubmit) {
      const encoder = this.device.createCommandEncoder({ label });
      for (let replay = Math.min(left, replaysPerSubmit); replay > 0; replay--) encodePass(encoder, steps, { label });
      this.#submit(encoder);
    }
    this.counters.dispatches += times * steps.length;
  }

  async finish(): Promise<void> {
    this.#monitor.check();
    try {
      await Promise.race([this.device.queue.onSubmittedWorkDone(), this.#monitor.lost]);
    } catch (cause) {
      throw await this.#monitor.explain(cause);
    }
    this.#monitor.check();
  }

  async profile(recording: Recording, repetitions = 10): Promise<KernelTiming[]> {
    this.#monitor.check();
    checkTimes(repetitions);
    const { steps, dispatches } = this.#ownRecording(recording);
    this.#clearReused();
    const passes = steps.map(
      (step) => (encoder: GPUCommandEncoder, timestampWrites?: GPUComputePassTimestampWrites) => {
        encodePass(encoder, [step], { timestampWrites });
      },
    );
    const seconds = await timePasses(this.#monitor, this.counters, passes, repetitions);
    this.counters.dispatches += repetitions * steps.length;
    return dispatches.map((dispatch, index) => kernelTiming(dispatch, seconds[index]));
  }

  destroy(): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    this.#monitor.close();
    this.#pool.destroy();
    this.#readback.destroy();
    this.#live.clear();
    this.#toClear.clear();
    if (this.options.ownsDevice) this.device.destroy();
  }

  #submit(encoder: GPUCommandEncoder): void {
    this.device.queue.submit([encoder.finish()]);
    this.counters.submits++;
  }

  /** Reused memory still holds its last owner's numbers; the device zeroes only what is new. */
  #clearReused(): void {
    if (this.#toClear.size === 0) return;
    const encoder = this.device.createCommandEncoder({ label: 'clear' });
    for (const allocation of this.#toClear) encoder.clearBuffer(allocation.buffer, 0, this.#live.get(allocation));
    this.#toClear.clear();
    this.#submit(encoder);
  }

  #bindGroup({ kernel, buffers }: Dispatch, layout: GPUBindGroupLayout): GPUBindGroup {
    this.counters.bindGroups++;
    const entries = Object.keys(kernel.bindings).map((name, binding) => {
      const { allocation, offset, length } = this.#use(buffers[name]);
      return { binding, resource: { buffer: allocation.buffer, offset: 4 * offset, size: 4 * length } };
    });
    return this.device.createBindGroup({ label: kernel.name, layout, entries });
  }

  #checkBindingSizes({ kernel, buffers }: Dispatch): void {
    const limit = this.device.limits.maxStorageBufferBindingSize;
    for (const name of Object.keys(kernel.bindings)) {
      const bytes = 4 * buffers[name].length;
      if (bytes > limit) throw tooLarge(`${name} of ${kernel.name}`, bytes, limit);
    }
  }

  #locate(buffer: DeviceBuffer): MemoryRange {
    const { allocation, offset, length } = this.#use(buffer);
    return { memory: allocation, start: offset, end: offset + length };
  }

  #use(buffer: DeviceBuffer): WebGpuBuffer {
    const own = this.#own(buffer);
    if (this.#live.has(own.allocation)) return own;
    throw new NestkanError('INVALID_ARGUMENT', 'this buffer was released', { fix: 'Allocate a new one.' });
  }

  #own(buffer: DeviceBuffer): WebGpuBuffer {
    if (buffer instanceof WebGpuBuffer && buffer.owner === this) return buffer;
    throw mismatch('buffer');
  }

  #ownRecording(recording: Recording): WebGpuRecording {
    const own = recording as WebGpuRecording;
    if (own.owner === this) return own;
    throw mismatch('recording');
  }
}

function encodePass(encoder: GPUCommandEncoder, steps: readonly Step[], descriptor: GPUComputePassDescriptor): void {
  const pass = encoder.beginComputePass(descriptor);
  for (const { pipeline, bindGroup, grid } of steps) {
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, bindGroup);
    pass.dispatchWorkgroups(...grid);
  }
  pass.end();
}
