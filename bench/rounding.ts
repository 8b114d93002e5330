/**
 * What float32 leaves of a spline: the local window, and the dense sum of ReLU powers, as this project's kernels compute
 * them on the device, each against its own float64 reference (docs/mathematics.md, "Local window"). And what it leaves of
 * the residuals of a second-order equation, and of L-BFGS on them (docs/float32.md).
 */

import { powerReluForward } from '../src/kernels/power-relu-layer.ts';
import { splineForward } from '../src/kernels/spline-layer.ts';
import { type Backend, createRandom, dispatch } from '../src/node.ts';
import { lineChart } from '../src/report/charts.ts';
import { markdownTable } from '../src/report/markdown.ts';
import { changeOfBasisDiagonals, multiplyByATransposed } from '../src/splines/change-of-basis.ts';
import { CONTINUED, EVALUATIONS, measureResidualRounding } from './residual-rounding.ts';
import { median, openBackends, quick, writeReport } from './shared.ts';

const DEGREES = [1, 2, 3, 4, 5];
const INTERVALS = quick ? [8, 128] : [4, 8, 16, 32, 64, 128, 512];
const POINTS = 20_000;
const DOMAIN = [-1, 1] as const;

interface Measurement {
  readonly degree: number;
  readonly intervals: number;
  /** Largest error over all points, relative to the largest value. */
  readonly window: number;
  readonly dense: number;
}

const { cpu, webgpu } = await openBackends();
const measurements: Measurement[] = [];
for (const degree of DEGREES) {
  for (const intervals of INTERVALS) measurements.push(await measure(degree, intervals));
}
const physics = await measureResidualRounding(cpu, webgpu);
report();
webgpu.destroy();

/** One spline with normal coefficients at uniform points; both bases describe the same function. */
async function measure(degree: number, intervals: number): Promise<Measurement> {
  const random = createRandom(1);
  // Rounded first: what is measured is the evaluation, not the rounding of points and coefficients.
  const x = Float64Array.from({ length: POINTS }, () => Math.fround(2 * random.uniform() - 1));
  const u = Float64Array.from({ length: intervals + degree }, () => Math.fround(random.normal()));
  const w = Float64Array.from(u);
  multiplyByATransposed(changeOfBasisDiagonals({ degree, intervals, domain: DOMAIN }), w);
  const constants = {
    batch: POINTS,
    inputs: 1,
    outputs: 1,
    intervals,
    degree,
    domainStart: DOMAIN[0],
    domainEnd: DOMAIN[1],
  };
  const exact = await evaluate(cpu, splineForward, x, u, constants);
  return {
    degree,
    intervals,
    window: largestError(await evaluate(webgpu, splineForward, x, u, constants), exact),
    dense: largestError(await evaluate(webgpu, powerReluForward, x, w, constants), exact),
  };
}

async function evaluate(
  backend: Backend,
  kernel: typeof splineForward | typeof powerReluForward,
  x: Float64Array,
  coefficients: Float64Array,
  constants: Parameters<typeof splineForward.lengths>[0],
): Promise<Float64Array> {
  const buffers = {
    x: backend.allocate(x.length),
    weights: backend.allocate(coefficients.length),
    y: backend.allocate(x.length),
  };
  backend.write(buffers.x, x);
  backend.write(buffers.weights, coefficients);
  backend.run(await backend.record([dispatch(kernel, buffers, constants)]));
  const [y] = await backend.read([buffers.y]);
  for (const buffer of Object.values(buffers)) backend.release(buffer);
  return y;
}

function largestError(values: Float64Array, exact: Float64Array): number {
  let [error, size] = [0, 0];
  for (let i = 0; i < exact.length; i++) {
    error = Math.max(error, Math.abs(values[i] - exact[i]));
    size = Math.max(size, Math.abs(exact[i]));
  }
  return error / size;
}

function report(): void {
  const cubic = measurements.filter(({ degree }) => degree === 3);
  const table = markdownTable({
    columns: ['degree', 'order r', 'intervals', 'local window', 'dense ReLU powers'],
    rows: measurements.map(({ degree, intervals, window, dense }) => [degree, degree + 1, intervals, window, dense]),
  });
  const chart = lineChart({
    title: 'Rounding error of a cubic spline in float32',
    xLabel: 'intervals',
    yLabel: 'largest relative error',
    xScale: 'log',
    yScale: 'log',
    xTicks: INTERVALS,
    series: [
      { name: 'local window', x: cubic.map((row) => row.intervals), y: cubic.map((row) => row.window) },
      { name: 'dense ReLU powers', x: cubic.map((row) => row.intervals), y: cubic.map((row) => row.dense) },
    ],
  });
  writeReport({
    name: 'rounding',
    title: 'Rounding errors in float32',
    sections: [
      '## Splines',
      `One spline with normally distributed coefficients on [-1, 1], ${POINTS} uniform points. Largest error against float64, relative to the largest value.`,
      table,
      '## Residuals of a second-order equation',
      'Smooth Poisson on [-1, 1]², −Δu = f with |f| up to 20; [2, 5, 1], degree 4, trained by L-BFGS in float64 from level to level. At the coefficients that each level ends with, root mean squares over the 2000 points inside, medians over seeds: the residual; what evaluating it on the device adds; what rounding the coefficients adds. Then the relative error of the loss, and how much of it comes from summing the squares.',
      residualTable(),
      `Both devices from the same coefficients on ${CONTINUED} intervals, ${EVALUATIONS} evaluations of L-BFGS:`,
      continuedTable(),
    ],
    charts: { '': chart },
    webgpu,
    results: { splines: measurements, physics },
  });
}

function residualTable(): string {
  const { rounding } = physics;
  const levels = [...new Set(rounding.map(({ intervals }) => intervals))];
  return markdownTable({
    columns: ['intervals', 'residual', 'by evaluation', 'by coefficients', 'loss', 'its sums alone'],
    rows: levels.map((intervals) => {
      const rows = rounding.filter((row) => row.intervals === intervals);
      const keys = ['residual', 'evaluation', 'coefficients', 'loss', 'sums'] as const;
      return [intervals, ...keys.map((key) => median(rows.map((row) => row[key])))];
    }),
  });
}

function continuedTable(): string {
  return markdownTable({
    columns: ['seed', 'device', 'loss at the start', 'loss at the end', 'evaluations', 'ended', 'relative L2'],
    rows: physics.continued.map(({ seed, device, firstLoss, loss, evaluations, finished, relativeL2 }) => [
      seed,
      device,
      firstLoss,
      loss,
      evaluations,
      finished,
      relativeL2,
    ]),
  });
}
