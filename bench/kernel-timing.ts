/** Times kernels one by one, by the device's timestamps or, on the CPU, the clock. */
import { copy, fill } from '../src/kernels/vectors.ts';
import { type Backend, type Dispatch, dispatch, type Kernel, type KernelTiming } from '../src/node.ts';
import { quick, type Summary, summarise } from './shared.ts';

/** JavaScript is compiled while it runs: so long, or so many times, a kernel is run before it is timed. */
const WARM_UP_SECONDS = 0.05;
const MOST_WARM_UPS = 500;
const FEWEST_REPETITIONS = 3;

export interface TimingPlan {
  /** A kernel that would take longer than this is repeated less often. */
  readonly seconds: number;
  readonly repetitions: number;
}

export const TIMING_PLAN: TimingPlan = { seconds: quick ? 0.1 : 1, repetitions: quick ? 5 : 20 };

export interface Timed {
  readonly timing: KernelTiming;
  readonly summary: Summary;
}

/** A dispatch on its own, after a warm-up. What it changes is changed once per repetition. */
export async function timeDispatch(
  backend: Backend,
  call: Dispatch,
  { seconds, repetitions }: TimingPlan = TIMING_PLAN,
): Promise<Timed> {
  const recording = await backend.record([call]);
  const [first] = await backend.profile(recording, 1);
  const once = summarise(first.seconds).median;
  const affordable = Math.floor(seconds / once);
  const warmUps = Math.ceil(WARM_UP_SECONDS / once);
  await backend.profile(recording, Math.min(MOST_WARM_UPS, warmUps));
  const [timing] = await backend.profile(recording, Math.min(repetitions, Math.max(FEWEST_REPETITIONS, affordable)));
  return { timing, summary: summarise(timing.seconds) };
}

/** Timings count four bytes per number, the CPU backend stores eight. */
export function bytesOf(backend: Backend, { bytes }: KernelTiming): number {
  return backend.precision === 'float64' ? 2 * bytes : bytes;
}

export interface Bandwidth {
  /** Read and written. */
  readonly bytesPerSecond: number;
  readonly seconds: Summary;
}

/** Of a kernel that copies `count` numbers; more than any cache holds, to measure memory. */
export async function copyBandwidth(
  backend: Backend,
  count: number,
  kernel: Kernel<'source' | 'target', 'count'> = copy,
): Promise<Bandwidth> {
  const [source, target] = [backend.allocate(count), backend.allocate(count)];
  // Memory that was never written may not be there: all of its pages read the same zeros.
  backend.run(await backend.record([dispatch(fill, { target: source }, { count, value: 1 })]));
  const { timing, summary } = await timeDispatch(backend, dispatch(kernel, { source, target }, { count }));
  for (const buffer of [source, target]) backend.release(buffer);
  return { bytesPerSecond: bytesOf(backend, timing) / summary.median, seconds: summary };
}
