import type { Counters } from '../backend.ts';
import { BufferPool, USAGE } from './buffer-pool.ts';
import type { DeviceMonitor } from './monitor.ts';

const MAP_READ = 0x1;
const BYTES_PER_TIMESTAMP = 8;
/** WebGPU allows 4096 timestamps in a query set. */
const PASSES_PER_BATCH = 2048;

/** Encodes one compute pass, with timestamps if they are given. */
export type EncodePass = (encoder: GPUCommandEncoder, timestamps?: GPUComputePassTimestampWrites) => void;

/** Seconds that each pass takes, `repetitions` times each, by the device's clock where it has one. */
export function timePasses(
  monitor: DeviceMonitor,
  counters: Counters,
  passes: readonly EncodePass[],
  repetitions: number,
): Promise<number[][]> {
  const supported = monitor.device.features.has('timestamp-query');
  return (supported ? timeOnDevice : timeOnHost)(monitor, counters, passes, repetitions);
}

async function timeOnDevice(
  monitor: DeviceMonitor,
  counters: Counters,
  passes: readonly EncodePass[],
  repetitions: number,
): Promise<number[][]> {
  const { device } = monitor;
  const jobs = passes.flatMap((encode, pass) => Array.from({ length: repetitions }, () => ({ encode, pass })));
  const seconds: number[][] = passes.map(() => []);
  const bytes = 2 * PASSES_PER_BATCH * BYTES_PER_TIMESTAMP;
  const pool = new BufferPool(monitor, counters, USAGE.queryResolve | USAGE.copySource);
  const staging = new BufferPool(monitor, counters, USAGE.mapRead | USAGE.copyTarget);
  const querySet = device.createQuerySet({ type: 'timestamp', count: 2 * PASSES_PER_BATCH });
  try {
    const resolved = pool.acquire(bytes, 'timestamps').allocation.buffer;
    const mapped = staging.acquire(bytes, 'timestamps').allocation.buffer;
    for (let start = 0; start < jobs.length; start += PASSES_PER_BATCH) {
      const batch = jobs.slice(start, start + PASSES_PER_BATCH);
      const encoder = device.createCommandEncoder({ label: 'profile' });
      batch.forEach(({ encode }, index) => {
        const writes = { querySet, beginningOfPassWriteIndex: 2 * index, endOfPassWriteIndex: 2 * index + 1 };
        encode(encoder, writes);
      });
      encoder.resolveQuerySet(querySet, 0, 2 * batch.length, resolved, 0);
      encoder.copyBufferToBuffer(resolved, 0, mapped, 0, 2 * batch.length * BYTES_PER_TIMESTAMP);
      device.queue.submit([encoder.finish()]);
      counters.submits++;
      await mapped.mapAsync(MAP_READ);
      monitor.check();
      const times = new BigUint64Array(mapped.getMappedRange());
      batch.forEach(({ pass }, index) => {
        // Clocks of some devices run backwards now and then; such a difference says nothing.
        const nanoseconds = Number(times[2 * index + 1] - times[2 * index]);
        if (nanoseconds >= 0) seconds[pass].push(nanoseconds * 1e-9);
      });
      mapped.unmap();
    }
    return seconds;
  } catch (cause) {
    throw await monitor.explain(cause);
  } finally {
    querySet.destroy();
    pool.destroy();
    staging.destroy();
  }
}

/** Without device timestamps: submit, wait, look at the clock. Includes the cost of submitting. */
async function timeOnHost(
  { device }: DeviceMonitor,
  counters: Counters,
  passes: readonly EncodePass[],
  repetitions: number,
): Promise<number[][]> {
  const seconds: number[][] = [];
  await device.queue.onSubmittedWorkDone();
  for (const encode of passes) {
    const times: number[] = [];
    for (let repetition = 0; repetition < repetitions; repetition++) {
      const start = performance.now();
      const encoder = device.createCommandEncoder({ label: 'profile' });
      encode(encoder);
      device.queue.submit([encoder.finish()]);
      counters.submits++;
      await device.queue.onSubmittedWorkDone();
      times.push((performance.now() - start) / 1000);
    }
    seconds.push(times);
  }
  return seconds;
}
