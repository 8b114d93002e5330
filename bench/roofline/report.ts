/** Tables, sentences and charts of the roofline. */
import type { Backend } from '../../src/node.ts';
import { chartRow, lineChart } from '../../src/report/charts.ts';
import { formatCount, formatNumber, formatRatio, formatSeconds } from '../../src/report/format.ts';
import { markdownTable } from '../../src/report/markdown.ts';
import { type Summary, timeCell, writeReport } from '../shared.ts';
import { bandwidthOf, type Limits } from './limits.ts';
import {
  attainable,
  type DeviceResults,
  type Explanation,
  type StepMeasurement,
  shareOfRoof,
  stepSeconds,
  totalSeconds,
} from './measure.ts';
import { caseName, WORKLOADS } from './workloads.ts';

/** Of a step's time, for a kernel to have a row. */
const SHOWN = 0.1;
/** Shares of a kernel's time, or rate, from which on something is said to hold it back; and threads that all run at once. */
const HOLDS = { launch: 0.4, change: 0.2, rate: 0.5, idle: 0.5, threads: 2 ** 16 };

const NAMES = { cpu: 'CPU', webgpu: 'WebGPU' };
const percent = (share: number) => `${formatNumber(100 * share, 2)} %`;
const giga = (rate: number) => formatNumber(rate * 1e-9);

export function report(
  results: readonly DeviceResults[],
  { webgpu, onDevice, command }: { webgpu: Backend; onDevice: boolean; command: string },
): void {
  writeReport({
    name: onDevice ? 'roofline-gpu' : 'roofline',
    title: onDevice
      ? 'Kernels of training steps and their roofs, on a GPU'
      : 'Kernels of training steps and their roofs',
    sections: [
      'A kernel can take no less time than its bytes take at the bandwidth of a copy, nor than its operations take at the rate ' +
        'of multiply-adds: the longer of the two is attainable. Bytes: every number of every buffer of the kernel once per ' +
        'read and once per write, 4 bytes each on WebGPU, 8 on the CPU; kernels that write a part of a buffer, as those of ' +
        'Jacobian rows do, are charged all of it, and data that come from a cache count like all others, so that more than ' +
        '100 % is possible. Operations: by each kernel’s formula; of the normal matrix both symmetric halves, of which one is ' +
        'made. Steps are those that the optimizers record, cubic splines, with the data of a real step. Medians and quartiles ' +
        'of kernels timed one by one after a warm-up, by the device’s timestamps, on the CPU by the clock; on a machine that ' +
        'does other work as well, so that single figures are off by some ten percent, and now and then by a factor. What the device can do is the better ' +
        'of two measurements, before the kernels and after.',
      ...results.flatMap((result) => [`## ${NAMES[result.device]}`, ...deviceSections(result, onDevice)]),
    ],
    charts: {
      '': chartRow(
        'Rooflines',
        results.map((result) => rooflineChart(result)),
      ),
    },
    webgpu,
    results: results.map(({ explanations, ...rest }) => ({
      ...rest,
      explanations: explanations.map(({ step, measurement, ...measured }) => ({
        step: caseName(step),
        kernel: measurement.kernel,
        layer: measurement.layer,
        ...measured,
      })),
    })),
    command,
  });
}

function deviceSections({ limits, steps, explanations, leftOut }: DeviceResults, onDevice: boolean): string[] {
  return [
    '### What the device can do',
    limitsTable(limits),
    'In registers: on the CPU in WebAssembly, two numbers in a vector. ' +
      'Gathered: multiply-adds with a factor from a table in the cache, at places known at run time only, as in the value of a ' +
      'spline. Scattered: multiply-adds to sums in workgroup memory (on the CPU, an array) at such places, as in the fused ' +
      'kernel’s gradient.',
    '### Steps',
    stepsTable(steps, limits),
    ...(leftOut.length > 0 ? [`Left out, as they would take too long: ${leftOut.join('; ')}.`] : []),
    '### Kernels',
    `Kernels with at least ${percent(SHOWN)} of their step’s time, on the coarsest grid; the raw results have all.`,
    kernelsTable(steps, limits),
    '### What holds the worst ones back',
    'Of each kernel the call with the lowest share of its roof, among those with a tenth of their step’s time; measured again.',
    explanations.map((explanation) => `- ${sentence(explanation, limits, onDevice)}`).join('\n'),
  ];
}

function limitsTable(limits: Limits): string {
  const { copy, quads, fma, gathered, scattered, load, floor, inPass } = limits;
  const row = (what: string, seconds: Summary, rate: string) => [what, timeCell(seconds), rate];
  return markdownTable({
    columns: ['kernel', 'time', 'rate'],
    rows: [
      row('copy, beyond all caches', copy.seconds, `${giga(copy.bytesPerSecond)} GB/s`),
      row('copy, four numbers per thread', quads.seconds, `${giga(quads.bytesPerSecond)} GB/s`),
      row('multiply-adds in registers', fma.seconds, `${giga(fma.flopsPerSecond)} GFLOP/s`),
      row('gathered multiply-adds', gathered.seconds, `${giga(gathered.flopsPerSecond)} GFLOP/s`),
      row('scattered multiply-adds', scattered.seconds, `${giga(scattered.flopsPerSecond)} GFLOP/s`),
      row('load that waits for the one before', load, ''),
      row('nothing, alone in a pass', floor, ''),
      row('nothing, one of 256 in a pass', inPass, ''),
    ],
    align: ['left', 'left', 'right'],
  });
}

function stepsTable(steps: readonly StepMeasurement[], limits: Limits): string {
  return markdownTable({
    columns: ['step', 'dispatches', 'kernels', 'attainable', 'share', 'dispatches alone', 'most time in'],
    rows: steps.map((step) => {
      const allowed = step.kernels.reduce((sum, entry) => sum + attainable(entry, limits).seconds * entry.calls, 0);
      const total = stepSeconds(step);
      const [top] = [...step.kernels].sort((a, b) => totalSeconds(b) - totalSeconds(a));
      return [
        caseName(step),
        step.dispatches,
        formatSeconds(total),
        formatSeconds(allowed),
        percent(allowed / total),
        formatSeconds(step.dispatches * limits.inPass.median),
        `${top.kernel}${top.layer && ` ${top.layer}`}, ${percent(totalSeconds(top) / total)}`,
      ];
    }),
  });
}

function kernelsTable(steps: readonly StepMeasurement[], limits: Limits): string {
  const fewest = Math.min(...steps.map(({ intervals }) => intervals));
  const shown = steps.filter(({ intervals }) => intervals === fewest);
  return markdownTable({
    columns: ['step', 'kernel', 'layer', 'calls', 'time', 'MB', 'MFLOP', 'FLOP/byte', 'attainable', 'by', 'share'],
    rows: shown.flatMap((step) => {
      const total = stepSeconds(step);
      return step.kernels
        .filter((entry) => totalSeconds(entry) >= SHOWN * total)
        .map((entry) => [
          caseName(step),
          entry.kernel,
          entry.layer,
          entry.calls,
          timeCell(entry.seconds),
          formatNumber(entry.bytes * 1e-6),
          formatNumber(entry.flops * 1e-6),
          formatNumber(entry.flops / entry.bytes),
          formatSeconds(attainable(entry, limits).seconds),
          attainable(entry, limits).bound,
          percent(shareOfRoof(entry, limits)),
        ]);
    }),
  });
}

/** What was measured of a slow kernel, and what follows for its next factor. */
function sentence(explanation: Explanation, limits: Limits, isHardware: boolean): string {
  const { step, measurement, threads, launch, again, unchecked, onePoint, more } = explanation;
  const { kernel, layer, flops } = measurement;
  const time = again.median;
  const allowed = attainable(measurement, limits);
  const rate = flops / time;
  const needs: string[] = [];
  const facts = [`doing nothing in the same workgroups takes ${formatSeconds(launch.median)}`];
  if (launch.median >= HOLDS.launch * time)
    needs.push('fewer or larger dispatches, since launching is much of its time');
  if (more) {
    facts.push(`${formatRatio(more.samples)} the samples take ${formatRatio(more.time)} the time`);
    if (more.time < HOLDS.idle * more.samples) needs.push('more work at a time, since the device is not filled');
  }
  if (isHardware && threads <= HOLDS.threads) {
    const perOperation = (2 * (time - launch.median) * threads) / flops;
    facts.push(
      `each of its ${formatCount(threads)} threads makes a multiply-add every ${formatSeconds(perOperation)}, and a load that ` +
        `waits for the one before takes ${formatSeconds(limits.load.median)}`,
    );
    const loads = perOperation / limits.load.median;
    if (loads >= HOLDS.rate && loads <= 1 / HOLDS.rate) needs.push('more independent loads per thread');
  }
  const compare = (what: string, other: Summary, need: string) => {
    facts.push(`${what} it takes ${formatSeconds(other.median)}`);
    if (other.median <= (1 - HOLDS.change) * time) needs.push(need);
  };
  if (unchecked)
    compare(
      'without bounds checks',
      unchecked,
      'fewer indices to be checked: loads of four numbers, or data in registers',
    );
  if (onePoint) compare('with all samples at one point', onePoint, 'samples in the order of their places');
  const { gathered, scattered } = limits;
  const [ofGathered, ofScattered] = [gathered, scattered].map(({ flopsPerSecond }) => rate / flopsPerSecond);
  facts.push(
    `its rate is ${percent(ofGathered)} of that of gathered multiply-adds and ${percent(ofScattered)} of scattered ones`,
  );
  if (Math.max(ofGathered, ofScattered) >= HOLDS.rate) {
    needs.push(
      'more operations per number loaded, since one such load or store for each would take half its time or more',
    );
  }
  const next =
    needs.length > 0
      ? `The next factor needs ${needs.join('; and ')}.`
      : 'None of this takes most of its time: what does would have to be looked for in its instructions.';
  const where = `${layer && `${layer}, `}${caseName(step)}`;
  const share = `${percent(allowed.seconds / time)} of what its ${allowed.bound} allow`;
  return `**${kernel}** (${where}): ${formatSeconds(time)}, ${share}; ${facts.join('; ')}. ${next}`;
}

/** Dots of kernels under the device's roofs, logarithmic. */
function rooflineChart({ device, limits, steps }: DeviceResults): string {
  const points = steps.flatMap((step) =>
    step.kernels
      .filter((entry) => entry.flops > 0 && totalSeconds(entry) >= SHOWN * stepSeconds(step))
      .map((entry) => ({ step, intensity: entry.flops / entry.bytes, rate: entry.flops / entry.seconds.median })),
  );
  const bandwidth = bandwidthOf(limits);
  const peak = limits.fma.flopsPerSecond;
  const ridge = peak / bandwidth;
  const intensities = points.map(({ intensity }) => intensity);
  const [low, high] = [Math.min(ridge / 2, ...intensities) / 1.5, Math.max(2 * ridge, ...intensities) * 1.5];
  const groups = WORKLOADS.flatMap((workload) => {
    const ofWorkload = points.filter(({ step }) => step.workload === workload);
    return [...new Set(ofWorkload.map(({ step }) => step.widths.join(', ')))].map((widths) => {
      const dots = ofWorkload.filter(({ step }) => step.widths.join(', ') === widths);
      const [x, y] = [dots.map(({ intensity }) => intensity), dots.map(({ rate }) => rate)];
      return { name: `${workload} [${widths}]`, x, y, dots: true };
    });
  });
  return lineChart({
    title: `${NAMES[device]}: kernels under their roofs`,
    xLabel: 'operations per byte',
    yLabel: 'operations per second',
    xScale: 'log',
    yScale: 'log',
    innerHeight: 380,
    series: [
      { name: `copies, ${giga(bandwidth)} GB/s`, x: [low, ridge], y: [low * bandwidth, peak] },
      { name: `multiply-adds, ${giga(peak)} GFLOP/s`, x: [ridge, high], y: [peak, peak] },
      ...groups,
    ],
  });
}
