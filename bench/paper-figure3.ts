/**
 * Figure 3 of the paper: three hidden layers of width 64, value and gradients, by the recursion of Cox and de Boor, by
 * powers of ReLU with the banded change of basis, and by the local window, which is how the library evaluates splines.
 */
import type { Backend, Recording } from '../src/node.ts';
import { lineChart } from '../src/report/charts.ts';
import { formatNumber, formatSeconds } from '../src/report/format.ts';
import { markdownTable } from '../src/report/markdown.ts';
import {
  LayerData,
  type LayerSize,
  layerDispatches,
  METHOD_NAMES,
  METHODS,
  type Method,
  withoutProducts,
} from './layers/methods.ts';
import { openBackends, quick, type Summary, secondsOf, summarise, writeReport } from './shared.ts';

const ORDERS = quick ? [2, 4] : [2, 3, 4, 5, 6];
const INTERVALS = quick ? [4, 32] : [4, 8, 16, 32, 64, 128];
const LAYERS = 3;
const WIDTH = 64;
const BATCH = 256;
const RUNS = quick ? 3 : 10;
const FEWEST_RUNS = 3;
/** After so long one method has had enough runs; one that takes longer than this warming up is not run again. */
const ENOUGH_SECONDS = quick ? 1 : 3;

/** Programs timed: the methods, and of those with a basis matrix what is left without the matrix products. */
const BASIS_ONLY = { 'cox-de-boor': 'cox-de-boor-basis', 'relu-matrix': 'relu-basis' } as const;
type Timed = Method | (typeof BASIS_ONLY)[keyof typeof BASIS_ONLY];

interface Case {
  readonly device: Backend['name'];
  readonly order: number;
  readonly intervals: number;
  readonly seconds: Readonly<Partial<Record<Timed, Summary>>>;
  /** Time of Cox–de Boor over that of the method, run by run. */
  readonly speedup: Readonly<Partial<Record<Method, Summary>>>;
  /** The same without the matrix products. */
  readonly basisSpeedup: Summary;
  /** Relative error, in norm, of all outputs against float64 and the local window. */
  readonly error: Readonly<Partial<Record<Method, number>>>;
}

/** The fused layer gives every weight a workgroup of its own: on a software adapter, minutes for large grids. */
const FUSED_INTERVALS = quick ? 4 : 32;
const isMeasured = (method: Method, device: Backend['name'], intervals: number) =>
  method !== 'relu-fused' || device === 'cpu' || intervals <= FUSED_INTERVALS;

const OTHERS = METHODS.filter((method) => method !== 'cox-de-boor');

const backends = await openBackends();
const cases: Case[] = [];
for (const order of ORDERS) {
  for (const intervals of INTERVALS) {
    const size: LayerSize = { batch: BATCH, width: WIDTH, grid: { degree: order - 1, intervals, domain: [-1, 1] } };
    const exact = await outputs(backends.cpu, size, 'local-window');
    for (const backend of [backends.cpu, backends.webgpu]) cases.push(await measure(backend, size, exact));
  }
}
report();
backends.webgpu.destroy();

async function measure(backend: Backend, size: LayerSize, exact: Float64Array[]): Promise<Case> {
  const { degree, intervals } = size.grid;
  const error: Partial<Record<Method, number>> = {};
  for (const method of METHODS) {
    if (isMeasured(method, backend.name, intervals)) {
      error[method] = relativeError(await outputs(backend, size, method), exact);
    }
  }
  const layers = Array.from({ length: LAYERS }, (_, index) => new LayerData(backend, size, index));
  const samples = await interleave(backend, await record(backend, layers));
  for (const layer of layers) layer.dispose();
  const speedup = (baseline: Timed, timed: Timed) =>
    summarise(
      samples[timed].slice(0, samples[baseline].length).map((seconds, run) => samples[baseline][run] / seconds),
    );
  const result: Case = {
    device: backend.name,
    order: degree + 1,
    intervals,
    seconds: mapRecord(samples, summarise),
    speedup: mapRecord(error, (_, method) => speedup('cox-de-boor', method)),
    basisSpeedup: speedup('cox-de-boor-basis', 'relu-basis'),
    error,
  };
  const times = Object.entries(result.seconds).map(([timed, { median }]) => `${timed} ${formatSeconds(median)}`);
  console.log(`${backend.name}, r = ${degree + 1}, n = ${intervals}: ${times.join(', ')}`);
  return result;
}

async function record(backend: Backend, layers: readonly LayerData[]): Promise<Record<Timed, Recording>> {
  const recordings = {} as Record<Timed, Recording>;
  const { intervals } = layers[0].size.grid;
  for (const method of METHODS) {
    if (!isMeasured(method, backend.name, intervals)) continue;
    const dispatches = layers.flatMap((layer) => layerDispatches(method, layer));
    recordings[method] = await backend.record(dispatches);
    if (method === 'cox-de-boor' || method === 'relu-matrix') {
      recordings[BASIS_ONLY[method]] = await backend.record(withoutProducts(dispatches));
    }
  }
  return recordings;
}

/** Seconds of every run, the programs taking turns. The first round warms up. */
async function interleave(backend: Backend, recordings: Record<Timed, Recording>): Promise<Record<Timed, number[]>> {
  const timeOf = (recording: Recording) =>
    secondsOf(() => {
      backend.run(recording);
      return backend.finish();
    });
  const samples = mapRecord(recordings, (): number[] => []);
  const spent = mapRecord(recordings, () => 0);
  for (const [timed, recording] of Object.entries(recordings) as [Timed, Recording][]) {
    const seconds = await timeOf(recording);
    if (seconds < ENOUGH_SECONDS) continue;
    samples[timed].push(seconds);
    spent[timed] = Number.POSITIVE_INFINITY;
  }
  for (let run = 0; run < RUNS; run++) {
    for (const [timed, recording] of Object.entries(recordings) as [Timed, Recording][]) {
      if (spent[timed] > ENOUGH_SECONDS && (run >= FEWEST_RUNS || spent[timed] === Number.POSITIVE_INFINITY)) continue;
      const seconds = await timeOf(recording);
      samples[timed].push(seconds);
      spent[timed] += seconds;
    }
  }
  return samples;
}

function mapRecord<K extends string, V, W>(
  record: Readonly<Partial<Record<K, V>>>,
  map: (value: V, key: K) => W,
): Record<K, W> {
  const entries = Object.entries(record) as [K, V][];
  return Object.fromEntries(entries.map(([key, value]) => [key, map(value, key)])) as Record<K, W>;
}

/** Value, gradient to inputs and gradient to coefficients of one layer. */
async function outputs(backend: Backend, size: LayerSize, method: Method): Promise<Float64Array[]> {
  const layer = new LayerData(backend, size, 0);
  backend.run(await backend.record(layerDispatches(method, layer)));
  const results = await backend.read([layer.y, layer.inputGradient, layer.weightGradient]);
  layer.dispose();
  return results;
}

/** The largest over the arrays of the relative error in the Euclidean norm. */
function relativeError(given: readonly Float64Array[], exact: readonly Float64Array[]): number {
  const errors = given.map((array, index) => {
    let [difference, size] = [0, 0];
    array.forEach((value, at) => {
      difference += (value - exact[index][at]) ** 2;
      size += exact[index][at] ** 2;
    });
    return Math.sqrt(difference / size);
  });
  return Math.max(...errors);
}

function report(): void {
  writeReport({
    name: 'paper-figure3',
    title: 'Evaluating spline layers: the paper’s Figure 3',
    sections: [
      `Three layers ${WIDTH} → ${WIDTH}, batch ${BATCH}, value, gradient to inputs and gradient to coefficients, order r ` +
        '(degree r − 1) and n intervals. Seconds are medians; speedups are over Cox–de Boor, mean (sd) of the runs, the ' +
        'methods taking turns. CPU: float64, one core; WebGPU: float32.',
      'Cox–de Boor evaluates every basis function at every point by the recursion, as a matrix, and multiplies it with the ' +
        'coefficients (as efficient-kan does); its slopes come from the last step of the recursion, which is kinder to it ' +
        'than differentiating all steps. ReLU powers with a basis matrix is the paper’s method on the same matrix products; ' +
        `the fused layer is the library’s multichannel MLP (on WebGPU up to n = ${FUSED_INTERVALS}); both include the banded change of basis. The local window ` +
        'touches the r functions that are not zero. The last speedup leaves the matrix products out on both sides: what ' +
        'remains where they cost next to nothing.',
      ...(['webgpu', 'cpu'] as const).flatMap((device) => [
        `## ${device === 'cpu' ? 'CPU' : 'WebGPU'}`,
        timeTable(cases.filter((entry) => entry.device === device)),
      ]),
      '## Accuracy\n\nThe largest relative error, in norm, of value and gradients against the local window in float64. In ' +
        'float32 the powers of ReLU cancel: this is why the library does not evaluate splines with them.',
      errorTable(),
    ],
    charts: {
      '': chart('webgpu', 'local window', ({ speedup }) => speedup['local-window']!),
      'webgpu-relu': chart(
        'webgpu',
        'ReLU powers and band, without matrix products',
        ({ basisSpeedup }) => basisSpeedup,
      ),
      cpu: chart('cpu', 'local window', ({ speedup }) => speedup['local-window']!),
      'cpu-relu': chart('cpu', 'ReLU powers and band, without matrix products', ({ basisSpeedup }) => basisSpeedup),
    },
    webgpu: backends.webgpu,
    results: cases,
  });
}

function timeTable(entries: readonly Case[]): string {
  const speedupCell = (speedup?: Summary) => {
    if (speedup === undefined) return null;
    const { mean, sd, count } = speedup;
    return count > 1 ? `${formatNumber(mean)} (${formatNumber(sd, 2)})` : formatNumber(mean);
  };
  return markdownTable({
    columns: [
      'r',
      'n',
      ...METHODS.map((method) => METHOD_NAMES[method]),
      ...OTHERS.map((method) => `speedup: ${METHOD_NAMES[method]}`),
      'speedup: ReLU powers and band, without matrix products',
      'runs',
    ],
    rows: entries.map(({ order, intervals, seconds, speedup, basisSpeedup }) => [
      order,
      intervals,
      ...METHODS.map((method) => formatSeconds(seconds[method]?.median)),
      ...OTHERS.map((method) => speedupCell(speedup[method])),
      speedupCell(basisSpeedup),
      METHODS.map((method) => seconds[method]?.count ?? 0).join(', '),
    ]),
  });
}

function errorTable(): string {
  const columns = (['cpu', 'webgpu'] as const).flatMap((device) => METHODS.map((method) => ({ device, method })));
  return markdownTable({
    columns: ['r', 'n', ...columns.map(({ device, method }) => `${device}, ${METHOD_NAMES[method]}`)],
    rows: ORDERS.flatMap((order) =>
      INTERVALS.map((intervals) => [
        order,
        intervals,
        ...columns.map(({ device, method }) => find(device, order, intervals).error[method]?.toExponential(1)),
      ]),
    ),
  });
}

function find(device: Backend['name'], order: number, intervals: number): Case {
  return cases.find((entry) => entry.device === device && entry.order === order && entry.intervals === intervals)!;
}

function chart(device: Backend['name'], what: string, speedup: (entry: Case) => Summary): string {
  return lineChart({
    title: `Speedup over Cox–de Boor on ${device === 'cpu' ? 'the CPU' : 'WebGPU'}: ${what}`,
    xLabel: 'intervals n',
    yLabel: 'speedup',
    xScale: 'log',
    yScale: 'log',
    xTicks: INTERVALS,
    series: ORDERS.map((order) => ({
      name: `r = ${order}`,
      x: INTERVALS,
      y: INTERVALS.map((intervals) => speedup(find(device, order, intervals)).mean),
    })),
    notes: [`Three layers ${WIDTH} → ${WIDTH}, batch ${BATCH}, forward and backward; mean of up to ${RUNS} runs.`],
  });
}
