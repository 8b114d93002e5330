/** Every kernel of a step against the device's roofs, and what holds the worst of them back. */
import type { Backend, Dispatch } from '../../src/node.ts';
import { bytesOf, type TimingPlan, timeDispatch } from '../kernel-timing.ts';
import { type Summary, summarise } from '../shared.ts';
import { bandwidthOf, type Limits, launchSecondsOf, threadsOf } from './limits.ts';
import { type Case, openStep } from './workloads.ts';

export interface Measurement {
  readonly kernel: string;
  /** Of the layer that it is called for, where it is called for one. */
  readonly layer: string;
  /** Calls like this per step. */
  readonly calls: number;
  readonly seconds: Summary;
  readonly bytes: number;
  readonly flops: number;
}

export interface StepMeasurement extends Case {
  readonly dispatches: number;
  readonly kernels: readonly Measurement[];
}

/** Seconds of all calls of a kernel in a step, and of the step's kernels together. */
export const totalSeconds = ({ seconds, calls }: Measurement) => seconds.median * calls;
export const stepSeconds = ({ kernels }: StepMeasurement) =>
  kernels.reduce((sum, entry) => sum + totalSeconds(entry), 0);

/** Seconds: the longer of the two that the roofs allow, and which it is. */
export function attainable({ bytes, flops }: Pick<Measurement, 'bytes' | 'flops'>, limits: Limits) {
  const [forBytes, forFlops] = [bytes / bandwidthOf(limits), flops / limits.fma.flopsPerSecond];
  return { seconds: Math.max(forBytes, forFlops), bound: forBytes > forFlops ? 'bytes' : 'operations' } as const;
}

export function shareOfRoof(measurement: Measurement, limits: Limits): number {
  return attainable(measurement, limits).seconds / measurement.seconds.median;
}

/** What tells calls of one step apart: kernels with the same layer are called with the same sizes. */
const keyOf = ({ kernel, layer }: Pick<Measurement, 'kernel' | 'layer'>) => `${kernel} ${layer}`;

function named({ kernel, constants }: Dispatch) {
  const { inputs, outputs } = constants;
  return { kernel: kernel.name, layer: inputs > 0 && outputs > 0 ? `${inputs} → ${outputs}` : '' };
}

export async function measureStep(backend: Backend, sizes: Case, plan: TimingPlan): Promise<StepMeasurement> {
  const step = await openStep(backend, sizes);
  const calls = new Map<string, Dispatch[]>();
  for (const dispatch of step.dispatches) {
    const key = `${keyOf(named(dispatch))} ${JSON.stringify(dispatch.kernel.lengths(dispatch.constants))}`;
    calls.set(key, [...(calls.get(key) ?? []), dispatch]);
  }
  const kernels: Measurement[] = [];
  for (const [dispatch, ...others] of calls.values()) {
    const { timing, summary } = await timeDispatch(backend, dispatch, plan);
    kernels.push({
      ...named(dispatch),
      calls: 1 + others.length,
      seconds: summary,
      bytes: bytesOf(backend, timing),
      flops: timing.flops,
    });
  }
  step.close();
  return { ...sizes, dispatches: step.dispatches.length, kernels };
}

/** A kernel whose time is explained. */
export interface Worst {
  readonly step: StepMeasurement;
  readonly measurement: Measurement;
}

export interface Explanation extends Worst {
  readonly threads: number;
  /** Doing nothing in the same workgroups. */
  readonly launch: Summary;
  /** Measured again; in turns with that, on a device that does not check bounds; with all samples at one point. */
  readonly again: Summary;
  readonly unchecked?: Summary;
  readonly onePoint?: Summary;
  /** Samples and time of the largest batch, as multiples of those of this one. */
  readonly more?: { readonly samples: number; readonly time: number };
}

/** Of a step's time, for a kernel to be worth an explanation. */
const WORTH = 0.1;
/** Below this, a kernel is its launch. */
const FEWEST_FLOPS = 1e3;
const TURNS = 3;
/** Within the domain, and on no knot. */
const ONE_POINT = 0.1;

/** Of every kernel the call with the lowest share of its roof, among those that matter to their step; the lowest first. */
export function worstOf(steps: readonly StepMeasurement[], limits: Limits, count: number): Worst[] {
  const worst = new Map<string, Worst>();
  for (const step of steps) {
    const total = stepSeconds(step);
    for (const measurement of step.kernels) {
      if (totalSeconds(measurement) < WORTH * total || measurement.flops < FEWEST_FLOPS) continue;
      const known = worst.get(measurement.kernel);
      if (known && shareOfRoof(known.measurement, limits) <= shareOfRoof(measurement, limits)) continue;
      worst.set(measurement.kernel, { step, measurement });
    }
  }
  const sorted = [...worst.values()].sort(
    (a, b) => shareOfRoof(a.measurement, limits) - shareOfRoof(b.measurement, limits),
  );
  return sorted.slice(0, count);
}

/** @param unchecked the same device without bounds checks */
export async function explain(
  { step, measurement }: Worst,
  steps: readonly StepMeasurement[],
  { backend, unchecked, plan }: { backend: Backend; unchecked?: Backend; plan: TimingPlan },
): Promise<Explanation> {
  const open = async (on: Backend) => {
    const { dispatches, close } = await openStep(on, step);
    const call = dispatches.find((dispatch) => keyOf(named(dispatch)) === keyOf(measurement))!;
    const seconds: number[] = [];
    const time = async () => seconds.push(...(await timeDispatch(on, call, plan)).timing.seconds);
    return { call, close, seconds, time };
  };
  const own = await open(backend);
  const other = unchecked && (await open(unchecked));
  // In turns, so that whatever else the machine does meets both.
  for (let turn = 0; turn < TURNS; turn++) {
    await own.time();
    await other?.time();
  }
  // Lists made from other points would not fit.
  const hasLists = Object.values(own.call.kernel.bindings).includes('read:uint');
  const x = hasLists ? undefined : own.call.buffers['x'];
  if (x) backend.write(x, new Float64Array(x.length).fill(ONE_POINT));
  const explanation = {
    step,
    measurement,
    threads: threadsOf(own.call),
    launch: await launchSecondsOf(backend, own.call, plan),
    again: summarise(own.seconds),
    unchecked: other && summarise(other.seconds),
    onePoint: x && (await timeDispatch(backend, own.call, plan)).summary,
    more: withMore(step, measurement, steps),
  };
  own.close();
  other?.close();
  return explanation;
}

function withMore(step: StepMeasurement, measurement: Measurement, steps: readonly StepMeasurement[]) {
  const like = ({ workload, widths, intervals }: Case) => `${workload} ${widths} ${intervals}`;
  const others = steps.filter((other) => like(other) === like(step) && other.batch > step.batch);
  const [largest] = others.sort((a, b) => b.batch - a.batch);
  const same = largest?.kernels.find((other) => keyOf(other) === keyOf(measurement));
  return same && { samples: largest.batch / step.batch, time: same.seconds.median / measurement.seconds.median };
}

/** All of a device. */
export interface DeviceResults {
  readonly device: Backend['name'];
  readonly limits: Limits;
  readonly steps: readonly StepMeasurement[];
  readonly explanations: readonly Explanation[];
  readonly leftOut: readonly string[];
}
