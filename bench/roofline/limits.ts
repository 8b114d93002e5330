/** What a device can do at most, measured: its roofs, and what a dispatch costs that does nothing. */
import { type Backend, type Dispatch, dispatch, type Grid, type Kernel } from '../../src/node.ts';
import { type Bandwidth, copyBandwidth, type TimingPlan, timeDispatch } from '../kernel-timing.ts';
import { type Summary, secondsOf, summarise } from '../shared.ts';
import { copyQuads, empty, fmaChains, gatheredProducts, loadChain, loadCycle, scatteredSums } from './micro-kernels.ts';

export interface Rate {
  readonly flopsPerSecond: number;
  readonly seconds: Summary;
}

export interface Limits {
  /** The library's copy kernel, and one that copies four numbers per thread. */
  readonly copy: Bandwidth;
  readonly quads: Bandwidth;
  /** Of multiply-adds in registers; with a gathered factor each; with a sum in workgroup memory each. */
  readonly fma: Rate;
  readonly gathered: Rate;
  readonly scattered: Rate;
  /** Seconds of a load that waits for the one before, from a small table. */
  readonly load: Summary;
  /** Seconds of a kernel that does nothing, alone in its pass; and per dispatch of many in one pass, by the clock. */
  readonly floor: Summary;
  readonly inPass: Summary;
}

export interface LimitSizes {
  /** Numbers that are copied, a multiple of four. */
  readonly copied: number;
  readonly threads: number;
  /** Of the kernel in registers; those that use memory make a quarter of them. */
  readonly steps: number;
}

/** Loads are timed long enough for launching not to count. */
const LOADS_PER_STEP = 16;
const DISPATCHES = 256;
const PASSES = 10;

/** Bytes per second: of the faster copy. */
export const bandwidthOf = ({ copy, quads }: Limits) => Math.max(copy.bytesPerSecond, quads.bytesPerSecond);

/** The better of two measurements of what a device can do: other work on the machine only ever makes it less. */
export function betterOf(one: Limits, other: Limits): Limits {
  const copy = (key: 'copy' | 'quads') => (one[key].bytesPerSecond > other[key].bytesPerSecond ? one[key] : other[key]);
  const rate = (key: 'fma' | 'gathered' | 'scattered') =>
    one[key].flopsPerSecond > other[key].flopsPerSecond ? one[key] : other[key];
  const time = (key: 'load' | 'floor' | 'inPass') => (one[key].median < other[key].median ? one[key] : other[key]);
  return {
    copy: copy('copy'),
    quads: copy('quads'),
    fma: rate('fma'),
    gathered: rate('gathered'),
    scattered: rate('scattered'),
    load: time('load'),
    floor: time('floor'),
    inPass: time('inPass'),
  };
}

export async function measureLimits(
  backend: Backend,
  { copied, threads, steps }: LimitSizes,
  plan: TimingPlan,
): Promise<Limits> {
  const rate = (kernel: Kernel, factor = 1) => measureRate(backend, kernel, { threads, steps: steps / factor }, plan);
  return {
    copy: await copyBandwidth(backend, copied),
    quads: await copyBandwidth(backend, copied, copyQuads),
    fma: await rate(fmaChains as Kernel),
    gathered: await rate(gatheredProducts as Kernel, 4),
    scattered: await rate(scatteredSums as Kernel, 4),
    load: await loadSeconds(backend, LOADS_PER_STEP * steps, plan),
    floor: await launchSeconds(backend, [1, 1, 1], 1, plan),
    inPass: await secondsInPass(backend),
  };
}

async function measureRate(
  backend: Backend,
  kernel: Kernel,
  constants: Record<string, number>,
  plan: TimingPlan,
): Promise<Rate> {
  const buffers = Object.entries(kernel.lengths(constants)).map(([name, length]) => {
    const buffer = backend.allocate(length);
    const values = Float64Array.from({ length }, (_, index) => 1e-3 * (1 + (index % 7)));
    if (name !== 'results') backend.write(buffer, values);
    return [name, buffer] as const;
  });
  const { timing, summary } = await timeDispatch(
    backend,
    { kernel, buffers: Object.fromEntries(buffers), constants },
    plan,
  );
  for (const [, buffer] of buffers) backend.release(buffer);
  return { flopsPerSecond: timing.flops / summary.median, seconds: summary };
}

async function loadSeconds(backend: Backend, steps: number, plan: TimingPlan): Promise<Summary> {
  const [next, places] = [loadCycle.length, 64].map((length) => backend.allocate(length, { type: 'uint' }));
  backend.write(next, loadCycle);
  const { timing } = await timeDispatch(backend, dispatch(loadChain, { next, places }, { steps }), plan);
  for (const buffer of [next, places]) backend.release(buffer);
  return summarise(timing.seconds.map((seconds) => seconds / steps));
}

/** Seconds of a kernel that does nothing on a grid. */
export async function launchSeconds(
  backend: Backend,
  [x, y, z]: Grid,
  size: number,
  plan: TimingPlan,
): Promise<Summary> {
  const unused = backend.allocate(1);
  const { summary } = await timeDispatch(backend, dispatch(empty, { unused }, { size, x, y, z }), plan);
  backend.release(unused);
  return summary;
}

/** Per dispatch, of a pass of many that must wait for one another; submitting is shared among several passes. */
async function secondsInPass(backend: Backend): Promise<Summary> {
  const unused = backend.allocate(1);
  const one = dispatch(empty, { unused }, { size: 1, x: 1, y: 1, z: 1 });
  const recording = await backend.record(Array.from({ length: DISPATCHES }, () => one));
  const samples: number[] = [];
  for (let sample = 0; sample <= PASSES; sample++) {
    const seconds = await secondsOf(async () => {
      backend.run(recording, 4);
      await backend.finish();
    });
    samples.push(seconds / (4 * DISPATCHES));
  }
  backend.release(unused);
  return summarise(samples.slice(1));
}

/** Threads of a workgroup of a kernel, as its text has it; 64, which most have, where the text alone does not tell. */
function workgroupSize({ wgsl }: Kernel): number {
  const numberOf = (name: string): number => {
    if (/^\d/.test(name)) return Number.parseInt(name, 10);
    const defined = new RegExp(`const ${name}(?:: ?u32)? ?= ?([^;]+);`).exec(wgsl);
    return defined ? productOf(defined[1].split('*')) : 64;
  };
  const productOf = (factors: string[]) => factors.reduce((product, factor) => product * numberOf(factor.trim()), 1);
  return productOf(/@workgroup_size\(([^)]*)\)/.exec(wgsl)![1].split(','));
}

/** Threads of a dispatch. */
export function threadsOf({ kernel, constants }: Dispatch): number {
  return kernel.workgroups(constants).reduce((product, count) => product * count, workgroupSize(kernel));
}

/** Seconds of a kernel that does nothing, in the same workgroups as a dispatch. */
export function launchSecondsOf(backend: Backend, { kernel, constants }: Dispatch, plan: TimingPlan): Promise<Summary> {
  return launchSeconds(backend, kernel.workgroups(constants), workgroupSize(kernel), plan);
}
