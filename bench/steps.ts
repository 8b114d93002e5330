/** Whole Adam training steps on both backends, beside a hand-written one on the CPU, interleaved in the same run. */
import { adam, type Backend, createRandom, Kan, type OptimizerRun, type Rows, regression } from '../src/node.ts';
import { lineChart } from '../src/report/charts.ts';
import { formatSeconds } from '../src/report/format.ts';
import { markdownTable } from '../src/report/markdown.ts';
import { PlainKan } from './plain-kan.ts';
import { openBackends, quick, type Summary, summarise, timeCell, timesOf, writeReport } from './shared.ts';

const NETWORKS = [
  [2, 5, 1],
  [2, 5, 5, 1],
  [2, 10, 10, 1],
  [64, 64, 64],
];
const INTERVALS = quick ? [8, 128] : [8, 32, 128];
const BATCHES = quick ? [1024] : [256, 1024, 4096, 16384];
const RATE = 1e-3;

/** Seconds that a sample should take, samples wanted, and seconds after which one implementation has had enough. */
const SAMPLE_SECONDS = 0.03;
const SAMPLES = quick ? 5 : 15;
const WARM_UP_SECONDS = quick ? 0.1 : 0.4;
const WARM_UP_CALLS = 8;
const ENOUGH_SECONDS = quick ? 1 : 5;
/** Fewest samples, whatever they take. */
const FEWEST = 2;

/** The CPU backend and the hand-written step sum the same terms in different orders. */
const GRADIENT_TOLERANCE = { float64: 1e-11, float32: 1e-3 };

const KINDS = ['cpu', 'plain', 'webgpu'] as const;
const KIND_NAMES = { cpu: 'CPU backend', plain: 'plain loops', webgpu: 'WebGPU' };

interface Size {
  readonly widths: readonly number[];
  readonly intervals: number;
  readonly batch: number;
}

interface Measurement extends Size {
  readonly cpu: Summary;
  readonly plain: Summary;
  /** CPU over plain in processor time, round by round. */
  readonly ratio: Summary;
  readonly webgpu: Summary;
}

/** Makes some steps and says how many. */
type Stepper = (wanted: number) => Promise<number>;

const backends = await openBackends();
const measurements: Measurement[] = [];
for (const widths of NETWORKS) {
  for (const intervals of INTERVALS) {
    for (const batch of BATCHES) {
      const measurement = await measure({ widths, intervals, batch });
      const { cpu, plain, ratio, webgpu } = measurement;
      const times = [cpu, plain, webgpu].map((summary) => formatSeconds(summary.median)).join(', ');
      console.log(
        `[${widths}] n = ${intervals}, batch ${batch}: cpu, plain, webgpu ${times}; ${ratio.median.toFixed(2)}`,
      );
      measurements.push(measurement);
    }
  }
}
report();
backends.webgpu.destroy();

async function measure(size: Size): Promise<Measurement> {
  const { batch, widths } = size;
  const random = createRandom(1);
  const draw = (columns: number) => Float64Array.from({ length: batch * columns }, () => 2 * random.uniform() - 1);
  const x = draw(widths[0]);
  const targets = draw(widths[widths.length - 1]);
  const plain = plainKan(Kan.create(backends.cpu, kanOptions(size)), await initialWeights(size), batch);
  const loss = plain.lossAndGradient(x, targets);
  const close: (() => void)[] = [];
  const open = async (backend: Backend): Promise<Stepper> => {
    const kan = Kan.create(backend, kanOptions(size));
    const problem = regression({ inputs: rows(x, widths[0]), targets: rows(targets, widths[widths.length - 1]) });
    const objective = problem.bind(kan);
    backend.run(await backend.record(objective.evaluate));
    await checkAgainstPlain(kan, await backend.read([objective.loss]), loss, plain);
    const run: OptimizerRun = await adam({ learningRate: RATE, schedule: { type: 'constant' } }).start(objective, 1);
    close.push(() => {
      run.dispose();
      objective.dispose();
      kan.dispose();
    });
    return async (wanted) => (await run.advance(wanted)).steps;
  };
  const byHand: Stepper = async (wanted) => {
    for (let step = 0; step < wanted; step++) plain.step(x, targets, RATE);
    return wanted;
  };
  const [onCpu, onDevice] = [await open(backends.cpu), await open(backends.webgpu)];
  const [ours, theirs] = await interleave([onCpu, byHand]);
  // On its own: a software adapter's threads would run on into the next sample of the others.
  const [device] = await interleave([onDevice]);
  for (const action of close) action();
  const ratio = summarise(
    ours.processor.slice(0, theirs.processor.length).map((seconds, round) => seconds / theirs.processor[round]),
  );
  const [cpu, plainLoops, webgpu] = [ours, theirs, device].map(({ clock }) => summarise(clock));
  return { ...size, cpu, plain: plainLoops, ratio, webgpu };
}

interface Samples {
  /** Seconds per step, by the clock and of processor time. */
  readonly clock: number[];
  readonly processor: number[];
}

/** One sample of every stepper per round, after warming all of them up. */
async function interleave(steppers: readonly Stepper[]): Promise<Samples[]> {
  const stepsPerSample: number[] = [];
  for (const stepper of steppers) stepsPerSample.push(await warmUp(stepper));
  const samples: Samples[] = steppers.map(() => ({ clock: [], processor: [] }));
  const spent = steppers.map(() => 0);
  for (let round = 0; round < SAMPLES; round++) {
    for (const [index, stepper] of steppers.entries()) {
      if (round >= FEWEST && spent[index] > ENOUGH_SECONDS) continue;
      let steps = 0;
      const { clock, processor } = await timesOf(async () => {
        while (steps < stepsPerSample[index]) steps += await stepper(stepsPerSample[index] - steps);
      });
      spent[index] += clock;
      samples[index].clock.push(clock / steps);
      samples[index].processor.push(processor / steps);
    }
  }
  return samples;
}

/** Runs until the code is compiled, and returns how many steps a sample should have. */
async function warmUp(stepper: Stepper): Promise<number> {
  let [calls, steps, spent, secondsPerStep] = [0, 1, 0, 0];
  // The first call may be slow for reasons of its own, compilation by the driver for one.
  while (spent < WARM_UP_SECONDS || (calls < WARM_UP_CALLS && spent < 4 * WARM_UP_SECONDS)) {
    const before = performance.now();
    const made = await stepper(steps);
    const seconds = (performance.now() - before) / 1000;
    calls++;
    spent += seconds;
    secondsPerStep = seconds / made;
    steps = Math.max(1, Math.round(Math.min(2 * made, SAMPLE_SECONDS / secondsPerStep)));
  }
  return Math.max(1, Math.round(SAMPLE_SECONDS / secondsPerStep));
}

function kanOptions({ widths, intervals }: Size) {
  return { widths, intervals, seed: 1 };
}

async function initialWeights(size: Size): Promise<Float64Array[]> {
  return Object.values(await Kan.create(backends.cpu, kanOptions(size)).parameters.read());
}

function plainKan(kan: Kan, weights: readonly Float64Array[], batch: number): PlainKan {
  const layers = kan.layers.map((layer) => {
    if (layer.type !== 'spline') throw new Error(`the plain implementation has no ${layer.type} layer`);
    const { inputs, outputs, grid } = layer;
    return { inputs, outputs, intervals: grid.intervals, domain: grid.domain };
  });
  return new PlainKan(layers, weights, batch);
}

/** Both must compute the same thing before their times are compared. */
async function checkAgainstPlain(kan: Kan, [[loss]]: Float64Array[], plainLoss: number, plain: PlainKan) {
  const { backend, parameters } = kan;
  const tolerance = GRADIENT_TOLERANCE[backend.precision];
  const gradients = await backend.read(parameters.entries.map(({ gradient }) => gradient.buffer));
  let [difference, size] = [(loss - plainLoss) ** 2, plainLoss ** 2];
  gradients.forEach((gradient, layer) => {
    const expected = plain.layers[layer].gradient;
    gradient.forEach((value, index) => {
      difference += (value - expected[index]) ** 2;
      size += expected[index] ** 2;
    });
  });
  const error = Math.sqrt(difference / size);
  if (!(error <= tolerance)) throw new Error(`${backend.name} and the plain implementation differ by ${error}`);
}

function rows(data: Float64Array, columns: number): Rows {
  return Array.from({ length: data.length / columns }, (_, row) => data.subarray(row * columns, (row + 1) * columns));
}

function report(): void {
  const table = markdownTable({
    columns: ['network', 'n', 'batch', 'CPU backend', 'plain loops', 'CPU / plain (quartiles)', 'WebGPU', 'samples'],
    rows: measurements.map(({ widths, intervals, batch, cpu, plain, ratio, webgpu }) => [
      `[${widths}]`,
      intervals,
      batch,
      timeCell(cpu),
      timeCell(plain),
      `${ratio.median.toFixed(2)} (${ratio.quartiles.map((value) => value.toFixed(2)).join(' – ')})`,
      timeCell(webgpu),
      cpu.count,
    ]),
  });
  const worst = Math.max(...measurements.map(({ ratio }) => ratio.median));
  writeReport({
    name: 'steps',
    title: 'Adam training steps',
    sections: [
      'One step: loss and gradient over the whole batch, then Adam; cubic splines, all layers with n intervals. CPU ' +
        'backend and plain loops in float64 on one core, WebGPU in float32. Median and quartiles of samples of about ' +
        `${1000 * SAMPLE_SECONDS} ms (at least one step each), the two on the CPU taking turns; losses are read ` +
        'back, and the parameters kept for a fallback, once per sample.',
      'Plain loops: the same network by hand for this one case (bench/plain-kan.ts), checked to give the same loss and ' +
        `gradient before it is timed. Their ratio is one of processor times, which other programs disturb least; its ` +
        `largest median is ${worst.toFixed(2)}. `,
      table,
    ],
    charts: { '': batchChart(), intervals: intervalsChart() },
    webgpu: backends.webgpu,
    results: measurements,
  });
}

function batchChart(): string {
  return lineChart({
    title: 'Adam step against batch size, n = 32',
    xLabel: 'batch',
    yLabel: 'seconds per step',
    xScale: 'log',
    yScale: 'log',
    xTicks: BATCHES,
    series: seriesOf([NETWORKS[1], NETWORKS[3]], 'batch', ({ intervals }) => intervals === 32),
  });
}

function intervalsChart(): string {
  return lineChart({
    title: 'Adam step against the number of intervals, batch 1024',
    xLabel: 'intervals n',
    yLabel: 'seconds per step',
    xScale: 'log',
    yScale: 'log',
    xTicks: INTERVALS,
    series: seriesOf([NETWORKS[1], NETWORKS[3]], 'intervals', ({ batch }) => batch === 1024),
  });
}

function seriesOf(networks: readonly number[][], abscissa: 'batch' | 'intervals', wanted: (size: Size) => boolean) {
  return networks.flatMap((network) =>
    KINDS.map((kind) => {
      const points = measurements.filter((entry) => entry.widths === network && wanted(entry));
      return {
        name: `[${network}], ${KIND_NAMES[kind]}`,
        x: points.map((entry) => entry[abscissa]),
        y: points.map((entry) => entry[kind].median),
        dashed: kind === 'plain',
      };
    }),
  );
}
