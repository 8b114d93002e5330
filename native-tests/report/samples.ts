import type { CompareReportData } from '../../src/report/compare-report.ts';
import type { FitReportData } from '../../src/report/fit-report.ts';
import type { SolveReportData } from '../../src/report/solve-report.ts';

/** Made-up results with the shape of real ones. */

const range = (count: number) => Array.from({ length: count }, (_, index) => index);
const wobble = (index: number) => ((index * 7919) % 101) / 101 - 0.5;

function edge(layer: number, input: number, output: number, intervals: number) {
  const [a, b] = layer === 0 ? [-1, 1] : [-4, 4];
  const knots = range(intervals + 1).map((knot) => a + (knot * (b - a)) / intervals);
  const margin = layer === 0 ? 0 : 0.25 * (b - a);
  const x = range(65).map((index) => a - margin + (index * (b - a + 2 * margin)) / 64);
  const size = 1 / (1 + input + 2 * output);
  const y = x.map((value) => size * Math.sin((3 * value) / (layer + 1) + input + output) + 0.3 * output);
  return { layer, input, output, domain: [a, b] as const, knots, x, y };
}

export function sampleFit(): FitReportData {
  const actual = range(3000).map((index) => 420 + 75 * (((index * 0.618) % 1) + 0.1 * wobble(index)));
  const predicted = actual.map((value, index) => value + 8 * wobble(index) * Math.sin(index));
  const work = (step: number) =>
    [0, 2000, 6000, 14000][Math.floor(step / 100)] + 20 * 2 ** Math.floor(step / 100) * (step % 100);
  const edges = range(2).flatMap((input) =>
    range(5).map((output) => ({ ...edge(0, input, output, 16), inputName: ['temperature', 'exhaust vacuum'][input] })),
  );
  return {
    title: 'Fit of power-plant.csv',
    subtitle: 'net hourly electrical power output from 4 inputs',
    command: 'nestkan fit power-plant.csv --target power --report report.html',
    device: 'WebGPU: NVIDIA H100 (float32)',
    model: [
      ['network', '2 → 5 → 1, cubic splines'],
      ['parameters', '285'],
    ],
    levels: range(4).map((level) => ({
      intervals: 4 * 2 ** level,
      parameters: 15 * (4 * 2 ** level + 3),
      optimizer: 'lm',
      steps: 100,
      work: 2000 * 2 ** level,
      trainMse: 40 / 3 ** level,
      testMse: 42 / 2.8 ** level,
      seconds: 0.4 * 1.7 ** level,
    })),
    history: range(400).map((step) => ({
      work: work(step),
      loss: 0.3 * Math.exp(-step / 60) * (1.1 + wobble(step)),
      level: Math.floor(step / 100),
    })),
    validation: range(40).map((index) => ({ work: work(10 * index), loss: 0.35 * Math.exp(-index / 7) + 1e-3 })),
    refinements: [2000, 6000, 14000],
    predictions: [
      {
        target: 'power',
        unit: 'MW',
        rows: 'training rows',
        predicted: predicted.slice(0, 2700),
        actual: actual.slice(0, 2700),
      },
      { target: 'power', unit: 'MW', rows: 'test rows', predicted: predicted.slice(2700), actual: actual.slice(2700) },
    ],
    edges: [...edges, ...range(5).map((input) => ({ ...edge(1, input, 0, 16), outputName: 'power' }))],
    heatMaps: [
      {
        xLabel: 'temperature',
        yLabel: 'exhaust vacuum',
        colorLabel: 'power (MW)',
        xDomain: [1.8, 37.1],
        yDomain: [25.4, 81.6],
        width: 64,
        height: 64,
        values: Float64Array.from(
          { length: 4096 },
          (_, index) => 450 + 30 * Math.sin((index % 64) / 20) * Math.cos(index / 640),
        ),
      },
    ],
    train: { rows: 8611, mse: 14.2, rmse: 3.77, r2: 0.9513 },
    test: { rows: 957, mse: 15.9, rmse: 3.99, r2: 0.9456 },
    notes: ['3 rows with missing values were dropped.'],
  };
}

const METHODS = [
  { name: 'spline multilevel', rate: 400, factor: 1 },
  { name: 'spline single-level', rate: 1500, factor: 300 },
  { name: 'power-ReLU single-level', rate: 5000, factor: 9000 },
  { name: 'MLP', rate: 3000, factor: 2000 },
];

export function sampleComparison(): CompareReportData {
  const problem = (name: string) => ({
    name,
    description: '[2, 5, 1], cubic, 4 to 32 intervals, Adam then L-BFGS, 10,000 points.',
    methods: METHODS.map(({ name: method, rate, factor }, index) => ({
      name: method,
      parameters: 525 + index,
      work: 30000,
      testMse: 1.3e-7 * factor,
      seconds: 2.1 + index,
      history: range(300).map((step) => ({
        work: 100 * step,
        error: 0.5 * Math.exp((-100 * step) / rate / 5) * (1 + 0.4 * wobble(step)) + 1e-7 * factor,
      })),
      refinements: index === 0 ? [2000, 6000, 14000] : undefined,
    })),
    backends: {
      method: 'spline multilevel',
      runs: [
        { backend: 'CPU, float64', testMse: 1.3e-7, seconds: 2.1, steps: 1200 },
        { backend: 'WebGPU, float32', adapter: 'llvmpipe', testMse: 1.5e-7, seconds: 3.4, steps: 1200 },
      ],
    },
  });
  return {
    title: 'Multilevel against single-level training',
    subtitle: 'every method at equal work',
    command: 'npm run quickstart',
    device: 'CPU (float64), 2 cores',
    conclusion: 'At equal work the multilevel run is 300 times more accurate.',
    problems: [problem('sin 2π(x² + y²)'), problem("the paper's target")],
  };
}

/** Of two coordinates, two unknowns of which one has an exact solution, three levels. */
export function sampleSolution(): SolveReportData {
  const cells = 20;
  const values = (f: (x: number, y: number) => number) =>
    Float64Array.from({ length: cells * cells }, (_, cell) =>
      f((cell % cells) / cells, Math.floor(cell / cells) / cells),
    );
  return {
    title: 'Solution of waves.mjs',
    subtitle: 'u, v of x in [0, 1], t in [0, 2]',
    command: 'nestkan solve waves.mjs --report report.html',
    device: 'cpu (float64): JavaScript, float64',
    model: [['network', '2 → 5 → 2, splines of degree 4']],
    levels: range(3).map((level) => ({
      intervals: 4 * 2 ** level,
      parameters: 20 * (4 * 2 ** level + 4),
      optimizer: 'lm',
      steps: 100,
      work: 400 * 2 ** level,
      loss: 0.1 / 10 ** level,
      heldOutLoss: 0.12 / 10 ** level,
      terms: { equation: 0.08 / 10 ** level, walls: 0.02 / 10 ** level },
      relativeL2: 0.3 / 8 ** level,
      maxError: 0.9 / 8 ** level,
      seconds: 0.5 * 2 ** level,
    })),
    history: range(300).map((step) => ({ work: 9 * step, loss: Math.exp(-step / 40) * (1.1 + wobble(step)) })),
    work: 2800,
    seconds: 3.5,
    relativeL2: 0.3 / 64,
    maxError: 0.9 / 64,
    scalars: { viscosity: 0.0101 },
    grid: {
      axes: [
        { name: 'x', domain: [0, 1], cells },
        { name: 't', domain: [0, 2], cells },
      ],
    },
    solutions: [
      { name: 'u', values: values((x, t) => Math.sin(x + t)), exact: values((x, t) => Math.sin(x + t)) },
      { name: 'v', values: values((x, t) => x * t) },
    ],
    pictures: range(3).map((level) => ({
      intervals: 4 * 2 ** level,
      errors: [{ name: 'u', values: values((x, t) => Math.abs(Math.sin(9 * x * t)) / 10 ** level) }],
      residuals: [{ name: 'equation', values: values((x, t) => Math.abs(Math.cos(9 * x + t)) / 5 ** level) }],
    })),
    notes: ['The run was interrupted: this is the solution so far.'],
  };
}
