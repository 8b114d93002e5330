/**
 * The kernels of training steps against what the device can do at most: copies and multiply-adds, both measured.
 *
 * `--gpu` leaves the CPU out, and kernels that a GPU is not given; `--seconds=N` begins nothing further after N seconds.
 */
import { create } from 'webgpu';
import { type Backend, CpuBackend, openBackend } from '../src/node.ts';
import type { TimingPlan } from './kernel-timing.ts';
import { bandwidthOf, betterOf, type LimitSizes, measureLimits } from './roofline/limits.ts';
import {
  type DeviceResults,
  type Explanation,
  explain,
  measureStep,
  type StepMeasurement,
  stepSeconds,
  worstOf,
} from './roofline/measure.ts';
import { report } from './roofline/report.ts';
import { type Case, caseName } from './roofline/workloads.ts';
import { quick } from './shared.ts';

const NARROW = [2, 5, 5, 1];
const WIDE = [64, 64, 64];
const INTERVALS = quick ? [8] : [8, 128, 32];
const BATCHES = quick ? [256] : [4096, 65536];
/** Parameters of more intervals are too many for Levenberg–Marquardt's direct solver. */
const LM_INTERVALS = 32;
/** Seconds of a step; larger batches of steps that take longer are left out. */
const AFFORDABLE = 0.15;
/** Kernels whose time is explained. */
const WORST = 6;

const start = performance.now();
const argument = (name: string) => process.argv.find((text) => text.startsWith(`--${name}=`))?.split('=')[1];
const seconds = Number(argument('seconds') ?? Number.POSITIVE_INFINITY);
const timeIsUp = (share = 1) => (performance.now() - start) / 1000 > share * seconds;

const webgpu = await openBackend({ device: 'webgpu' });
const hardware = webgpu.choice.reason === 'a hardware adapter';
const onDevice = hardware || process.argv.includes('--gpu');
const plan: TimingPlan = quick
  ? { seconds: 0.05, repetitions: 3 }
  : { seconds: hardware ? 0.05 : 0.15, repetitions: hardware ? 20 : 11 };
const sizes: LimitSizes = hardware
  ? { copied: 2 ** 26, threads: 2 ** 20, steps: 512 }
  : { copied: 2 ** (quick ? 22 : 24), threads: 2 ** 12, steps: 1024 };

const results: DeviceResults[] = [await measureDevice(webgpu)];
if (!onDevice) results.push(await measureDevice(new CpuBackend()));
report(results, {
  webgpu,
  onDevice,
  command: ['roofline', ...process.argv.slice(2)].join(' ').replace(' --quick', ''),
});
webgpu.destroy();

async function measureDevice(backend: Backend): Promise<DeviceResults> {
  const before = await measureLimits(backend, sizes, plan);
  const [copies, operations] = [bandwidthOf(before), before.fma.flopsPerSecond].map((rate) => (rate * 1e-9).toFixed(1));
  console.log(`${backend.name}: copies ${copies} GB/s, multiply-adds ${operations} GFLOP/s`);
  const steps: StepMeasurement[] = [];
  const leftOut: string[] = [];
  for (const one of cases()) {
    const smaller = steps.find((step) => caseName({ ...step, batch: one.batch }) === caseName(one));
    // A part of the time is for the explanations.
    if (timeIsUp(0.75) || (smaller && stepSeconds(smaller) > AFFORDABLE)) {
      leftOut.push(caseName(one));
      continue;
    }
    const step = await measureStep(backend, one, plan);
    console.log(`${backend.name}: ${caseName(one)}: ${(1000 * stepSeconds(step)).toPrecision(3)} ms`);
    steps.push(step);
  }
  const limits = betterOf(before, await measureLimits(backend, sizes, plan));
  const unchecked = backend.name === 'webgpu' ? await openUnchecked() : undefined;
  const explanations: Explanation[] = [];
  for (const worst of worstOf(steps, limits, WORST)) {
    if (!timeIsUp()) explanations.push(await explain(worst, steps, { backend, unchecked, plan }));
  }
  unchecked?.destroy();
  return { device: backend.name, limits, steps, explanations, leftOut };
}

/** The most telling ones first, as time may run out. */
function cases(): Case[] {
  return INTERVALS.flatMap((intervals) =>
    BATCHES.flatMap((batch): Case[] => {
      const narrow = { widths: NARROW, intervals, batch };
      const chains: Case[] = onDevice
        ? []
        : [
            { workload: 'adam', ...narrow },
            { workload: 'laplacian', ...narrow },
          ];
      const lm: Case[] = intervals <= LM_INTERVALS && batch === BATCHES[0] ? [{ workload: 'LM', ...narrow }] : [];
      return [
        { workload: 'adam, fused', ...narrow },
        { workload: 'adam', widths: WIDE, intervals, batch },
        { workload: 'laplacian, fused', ...narrow },
        ...lm,
        ...chains,
      ];
    }),
  );
}

/** The same device with shaders that do not check whether an index lies in its buffer. */
function openUnchecked(): Promise<Backend> {
  const gpu = create(['disable-dawn-features=timestamp_quantization', 'enable-dawn-features=disable_robustness']);
  return openBackend({ device: 'webgpu', gpu });
}
