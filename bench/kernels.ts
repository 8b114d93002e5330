/** Every kernel that training uses, on its own: time, bytes moved, operations, share of the device's copy bandwidth. */

import { adam } from '../src/kernels/adam.ts';
import { affineForward, affineInputGradient, affineWeightGradient } from '../src/kernels/affine.ts';
import { bandedMultiply, bandedSolve, bandedTransposeMultiply, bandedTransposeSolve } from '../src/kernels/banded.ts';
import { differencePenaltyGradient } from '../src/kernels/difference-penalty.ts';
import { meanSquaredError, meanSquaredErrorGradient } from '../src/kernels/mean-squared-error.ts';
import { powerReluForward, powerReluInputGradient, powerReluWeightGradient } from '../src/kernels/power-relu-layer.ts';
import { prolongate } from '../src/kernels/prolongation.ts';
import { rowDots, sumTiles } from '../src/kernels/reductions.ts';
import {
  splineCoefficientGradient,
  splineForward,
  splineGradientTiles,
  splineInputGradient,
} from '../src/kernels/spline-layer.ts';
import {
  isWide,
  splineCellOrder,
  splineCoefficientGradientWide,
  splineForwardWide,
  splineInputGradientWide,
  wideGradientTiles,
} from '../src/kernels/spline-layer-wide.ts';
import { linearCombination } from '../src/kernels/vectors.ts';
import { type Backend, createRandom, type Dispatch, dispatch, type Kernel } from '../src/node.ts';
import { barChart, lineChart } from '../src/report/charts.ts';
import { formatNumber } from '../src/report/format.ts';
import { markdownTable } from '../src/report/markdown.ts';
import { bytesOf, copyBandwidth, TIMING_PLAN, timeDispatch } from './kernel-timing.ts';
import { openBackends, quick, type Summary, timeCell, writeReport } from './shared.ts';

/** Layers of the networks [2, 5, 5, 1] and [64, 64, 64]; the tables show one of each network, the raw results all. */
const LAYERS = [
  { inputs: 2, outputs: 5 },
  { inputs: 5, outputs: 5 },
  { inputs: 5, outputs: 1 },
  { inputs: 64, outputs: 64 },
];
const SHOWN = LAYERS.filter(({ inputs, outputs }) => inputs === outputs);
const SPLINE_KERNELS = [splineForwardWide, splineInputGradientWide, splineCellOrder, splineCoefficientGradientWide].map(
  ({ name }) => name,
);
const INTERVALS = [8, 32, 128];
const BATCH = 4096;
const DEGREE = 3;
/** Rows that L-BFGS keeps with 10 curvature pairs. */
const VECTORS = 21;
const COPY_FLOATS = 2 ** (quick ? 22 : 24);

/** Dense kernels at these sizes take minutes on a software adapter. */
const isTooLarge = (kernel: Kernel, { inputs, intervals }: Sizes) =>
  kernel.name.startsWith('power-relu') && inputs > 5 && intervals > (quick ? 0 : 32);

/** Whether a kernel is the same for every number of intervals. */
const dependsOnLayerOnly = ({ name }: Kernel) => name.startsWith('affine') || name.startsWith('mean-squared-error');

interface Sizes {
  readonly inputs: number;
  readonly outputs: number;
  readonly intervals: number;
}

interface Measurement extends Sizes {
  readonly device: Backend['name'];
  readonly kernel: string;
  readonly seconds: Summary;
  readonly bytes: number;
  readonly flops: number;
  /** Bytes per second over those of a plain copy. */
  readonly bandwidthShare: number;
}

const backends = await openBackends();
const bandwidths: { device: Backend['name']; bytesPerSecond: number; seconds: Summary }[] = [];
const measurements: Measurement[] = [];
for (const backend of [backends.cpu, backends.webgpu]) await measureDevice(backend);
report();
backends.webgpu.destroy();

async function measureDevice(backend: Backend): Promise<void> {
  const { bytesPerSecond, seconds } = await copyBandwidth(backend, COPY_FLOATS);
  bandwidths.push({ device: backend.name, bytesPerSecond, seconds });
  console.log(`${backend.name}: copies ${(bytesPerSecond * 1e-9).toFixed(2)} GB/s`);
  for (const layer of LAYERS) {
    for (const intervals of INTERVALS) {
      const sizes = { ...layer, intervals };
      for (const [kernel, constants] of layerKernels(sizes)) {
        if (isTooLarge(kernel, sizes) || (intervals !== INTERVALS[0] && dependsOnLayerOnly(kernel))) continue;
        const { timing, summary } = await time(backend, kernel, constants);
        const bytes = bytesOf(backend, timing);
        const bandwidthShare = bytes / summary.median / bytesPerSecond;
        const measured = { seconds: summary, bytes, flops: timing.flops, bandwidthShare };
        measurements.push({ ...sizes, device: backend.name, kernel: kernel.name, ...measured });
      }
      console.log(`${backend.name}: ${layer.inputs} → ${layer.outputs}, n = ${intervals}`);
    }
  }
}

/** What one layer's training calls, with the constants of its size. */
function layerKernels({ inputs, outputs, intervals }: Sizes): [Kernel, Record<string, number>][] {
  const coefficients = intervals + DEGREE;
  const grid = { inputs, outputs, intervals, degree: DEGREE };
  const domain = { domainStart: -1, domainEnd: 1 };
  const layer = { ...grid, ...domain, batch: BATCH };
  const dense = { batch: BATCH, inputs, outputs, biasRows: BATCH };
  const count = inputs * coefficients * outputs;
  const wide = isWide(layer);
  const tiles = wide ? wideGradientTiles(layer) : splineGradientTiles(layer);
  const tiled = { ...layer, tiles };
  const splineKernels = wide
    ? [
        pair(splineForwardWide, layer),
        pair(splineInputGradientWide, layer),
        pair(splineCellOrder, tiled),
        pair(splineCoefficientGradientWide, tiled),
      ]
    : [splineForward, splineInputGradient, splineCoefficientGradient].map((kernel) => pair(kernel, layer));
  const moments = {
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
    weightDecay: 0,
    steps: 1,
    models: 1,
    tiles: 1,
    ringLength: 1,
  };
  const results = { count: BATCH * outputs, tiles: 1 };
  const vectors = { rows: VECTORS, columns: count };
  return [
    ...splineKernels,
    pair(sumTiles, { tiles, count }),
    ...[powerReluForward, powerReluInputGradient, powerReluWeightGradient].map((kernel) => pair(kernel, layer)),
    ...[bandedMultiply, bandedTransposeMultiply, bandedSolve, bandedTransposeSolve].map((kernel) =>
      pair(kernel, { ...grid, ...domain }),
    ),
    pair(prolongate, grid),
    pair(differencePenaltyGradient, { inputs, coefficients, outputs, factor: 1 }),
    ...[affineForward, affineInputGradient, affineWeightGradient].map((kernel) => pair(kernel, dense)),
    pair(meanSquaredError, results),
    pair(meanSquaredErrorGradient, results),
    pair(adam, { ...moments, length: count }),
    pair(rowDots, vectors),
    pair(linearCombination, vectors),
  ];
}

function pair<C extends string>(kernel: Kernel<string, C>, constants: Record<NoInfer<C>, number>) {
  return [kernel as Kernel, constants as Record<string, number>] as [Kernel, Record<string, number>];
}

/** A kernel on buffers of its own, filled with numbers in [-1, 1]. */
async function time(backend: Backend, kernel: Kernel, constants: Record<string, number>) {
  const random = createRandom(1);
  const lengths = kernel.lengths(constants);
  const buffers = Object.entries(kernel.bindings).map(([name, binding]) => {
    const type = binding.endsWith(':uint') ? 'uint' : 'float';
    const buffer = backend.allocate(lengths[name], { type });
    if (type === 'float')
      backend.write(
        buffer,
        Float64Array.from({ length: lengths[name] }, () => 2 * random.uniform() - 1),
      );
    return [name, buffer] as const;
  });
  const named = Object.fromEntries(buffers);
  if ((kernel as Kernel) === splineCoefficientGradientWide) {
    const { x, starts, samples } = named;
    const sizes = constants as Parameters<typeof splineCellOrder.lengths>[0];
    backend.run(await backend.record([dispatch(splineCellOrder, { x, starts, samples }, sizes)]));
  }
  const call: Dispatch = dispatch(kernel, named, constants);
  const timed = await timeDispatch(backend, call);
  for (const [, buffer] of buffers) backend.release(buffer);
  return timed;
}

function report(): void {
  writeReport({
    name: 'kernels',
    title: 'Kernels one by one',
    sections: [
      `Cubic splines, batch ${BATCH}, the widest layers of [2, 5, 5, 1] and [64, 64, 64]; n = 8 stands for all n where a kernel knows no grid. Median and quartiles of up to ` +
        `${TIMING_PLAN.repetitions} repetitions after a warm-up; on WebGPU by the device’s timestamps, on the CPU by the clock. ` +
        'Bytes: every number of every buffer once per read and once per write, 4 bytes each on WebGPU, 8 on the CPU. ' +
        `Operations: by each kernel’s formula. Small kernels run from the cache, and may exceed the bandwidth of a copy of ` +
        `${COPY_FLOATS} numbers; kernels bound by arithmetic stay below it. row-dots and linear-combination: ${VECTORS} vectors ` +
        'as long as the coefficients, as L-BFGS has with 10 pairs.',
      markdownTable({
        columns: ['device', 'copy', 'bandwidth'],
        rows: bandwidths.map(({ device, bytesPerSecond, seconds }) => [
          device,
          timeCell(seconds),
          `${formatNumber(bytesPerSecond * 1e-9)} GB/s`,
        ]),
      }),
      ...(['webgpu', 'cpu'] as const).flatMap((device) => [
        `## ${device === 'cpu' ? 'CPU' : 'WebGPU'}`,
        deviceTable(measurements.filter((entry) => entry.device === device)),
      ]),
    ],
    charts: { '': wideLayerChart(), intervals: intervalsChart() },
    webgpu: backends.webgpu,
    results: { bandwidths, measurements },
  });
}

function deviceTable(measured: readonly Measurement[]): string {
  const entries = SHOWN.flatMap((layer) =>
    measured.filter(({ inputs, outputs }) => inputs === layer.inputs && outputs === layer.outputs),
  ).sort((a, b) => a.inputs - b.inputs || order(a.kernel) - order(b.kernel) || a.intervals - b.intervals);
  return markdownTable({
    columns: ['kernel', 'layer', 'n', 'time', 'MB', 'GB/s', 'of copy', 'GFLOP/s'],
    rows: entries.map(({ kernel, inputs, outputs, intervals, seconds, bytes, flops, bandwidthShare }) => [
      kernel,
      `${inputs} → ${outputs}`,
      intervals,
      timeCell(seconds),
      formatNumber(bytes * 1e-6),
      formatNumber((bytes * 1e-9) / seconds.median),
      `${formatNumber(100 * bandwidthShare, 2)} %`,
      formatNumber((flops * 1e-9) / seconds.median),
    ]),
  });
}

/** Place of a kernel in the order in which they were measured. */
function order(kernel: string): number {
  return measurements.findIndex((entry) => entry.kernel === kernel);
}

/** The dense kernels are out of scale and left to the table. */
function wideLayerChart(): string {
  const measured = measurements.filter(({ inputs }) => inputs === 64).map(({ kernel }) => kernel);
  const names = [...new Set(measured)].filter((name) => !name.startsWith('power-relu'));
  return barChart({
    title: `Kernels of a layer 64 → 64, n = 8, batch ${BATCH}`,
    valueLabel: 'milliseconds, median',
    categories: names,
    series: (['webgpu', 'cpu'] as const).map((device) => ({
      name: device === 'cpu' ? 'CPU' : 'WebGPU',
      values: names.map((name) => {
        const found = measurements.find(
          ({ kernel, inputs, intervals, ...entry }) =>
            kernel === name && entry.device === device && inputs === 64 && intervals === INTERVALS[0],
        );
        return 1000 * (found?.seconds.median ?? Number.NaN);
      }),
    })),
  });
}

function intervalsChart(): string {
  return lineChart({
    title: `Spline kernels of a layer 64 → 64 against the number of intervals, batch ${BATCH}`,
    xLabel: 'intervals n',
    yLabel: 'seconds, median',
    xScale: 'log',
    yScale: 'log',
    xTicks: INTERVALS,
    series: (['webgpu', 'cpu'] as const).flatMap((device) =>
      SPLINE_KERNELS.map((name) => {
        const points = measurements.filter(
          ({ kernel, inputs, ...entry }) => kernel === name && entry.device === device && inputs === 64,
        );
        return {
          name: `${name}, ${device === 'cpu' ? 'CPU' : 'WebGPU'}`,
          x: points.map(({ intervals }) => intervals),
          y: points.map(({ seconds }) => seconds.median),
          dashed: device === 'cpu',
        };
      }),
    ),
  });
}
