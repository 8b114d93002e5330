/** Times to an error: everybody's own way of training, tuned, on two problems. */
import { join } from 'node:path';
import { CpuBackend, createRandom } from '../../src/node.ts';
import { formatSeconds } from '../../src/report/format.ts';
import { markdownTable } from '../../src/report/markdown.ts';
import { quick } from '../shared.ts';
import { FOLDER } from './cases.ts';
import { kanOf } from './ours.ts';
import { poissonData } from './ours-training.ts';
import type { Peer } from './process.ts';
import type { Trained, TrainRequest } from './protocol.ts';
import { writeArrays } from './serve.mjs';

export interface Training {
  readonly case: TrainRequest['case'];
  readonly title: string;
  /** Test error to be reached. */
  readonly target: number;
  /** Seconds. */
  readonly cap: number;
  readonly outcomes: readonly Outcome[];
}

export interface Outcome extends Trained {
  readonly label: string;
  /** The settings that were fastest. */
  readonly settings: string;
  /** How many were tried. */
  readonly tried: number;
  readonly failed?: string;
}

type Plan = Omit<Training, 'outcomes'>;
type Settings = Pick<TrainRequest, 'intervals' | 'optimizer' | 'precision' | 'way' | 'rate'>;

const WIDTHS = [2, 5, 1];
const RATES = quick ? [0.01] : [0.003, 0.01, 0.03];
const INTERVALS = quick ? [8] : [8, 16];
const [TRAIN_POINTS, TEST_POINTS] = [2000, 2000];

export function plans(device: boolean): Plan[] {
  const cap = device ? 8 : quick ? 20 : 60;
  return [
    { case: 'regression', title: 'exp(sin πx + y²), [2,5,1]: test MSE of 10⁻⁶', target: 1e-6, cap },
    { case: 'poisson', title: 'Poisson with a smooth solution, [2,5,1]: relative L2 of 10⁻³', target: 1e-3, cap },
  ];
}

/** All that can train on a problem, one after the other, the others idle. */
export async function train(plan: Plan, peers: readonly Peer[], device: boolean): Promise<Training> {
  const outcomes: Outcome[] = [];
  for (const peer of peers) {
    const settings = settingsOf(peer, device);
    if (settings.length === 0) continue;
    const outcome = await bestOf(peer, plan, settings);
    console.log(`${plan.title}: ${outcome.label} ${resultText(outcome, plan.cap)} ${outcome.settings}`);
    outcomes.push(outcome);
  }
  return { ...plan, outcomes };
}

function settingsOf({ spec }: Peer, device: boolean): Settings[] {
  const ours: Settings = { intervals: 4, optimizer: 'lbfgs', precision: 'float64', way: '', rate: 0 };
  if (spec.id === 'cpu' || (spec.id === 'webgpu' && device)) return [ours];
  const way = { 'torch-dense-eager': 'recursion', 'torch-closed-eager': 'scatter' }[spec.id];
  if (way === undefined) return [];
  const [grids, rates] = device ? [[8], [0.01]] : [INTERVALS, RATES];
  return grids.flatMap((intervals) => [
    { intervals, way, optimizer: 'lbfgs', precision: 'float64', rate: 1 },
    ...rates.map((rate): Settings => ({ intervals, way, optimizer: 'adam', precision: 'float32', rate })),
  ]);
}

async function bestOf(peer: Peer, plan: Plan, all: readonly Settings[]): Promise<Outcome> {
  let best: Trained = { seconds: plan.cap, error: Number.POSITIVE_INFINITY, reached: false, steps: 0 };
  let [chosen, failed] = ['', undefined as string | undefined];
  for (const settings of all) {
    // What has taken longer than the best so far need not go on.
    const cap = best.reached ? best.seconds : plan.cap;
    const reply = await peer.ask<Trained>({
      op: 'train',
      case: plan.case,
      widths: WIDTHS,
      target: plan.target,
      cap,
      ...settings,
      ...(await writeCase(plan.case, settings.intervals)),
    });
    if (!('error' in reply)) {
      failed = 'failed' in reply ? reply.failed : reply.unsupported;
      continue;
    }
    // JSON has no infinity.
    const error = reply.error ?? Number.POSITIVE_INFINITY;
    const better = reply.reached ? !best.reached || reply.seconds < best.seconds : !best.reached && error < best.error;
    if (!better) continue;
    best = { ...reply, error };
    const { optimizer, rate, intervals } = settings;
    const adam = optimizer === 'adam' ? `Adam, rate ${rate}` : 'L-BFGS';
    chosen = settings.way === '' ? 'default' : `${adam}, n = ${intervals}`;
  }
  return { label: peer.spec.label, settings: chosen, tried: all.length, failed, ...best };
}

async function writeCase(which: Plan['case'], intervals: number): Promise<Pick<TrainRequest, 'dataFile' | 'counts'>> {
  const dataFile = join(FOLDER, 'training.bin');
  const weights = Object.values(await kanOf(new CpuBackend(), { widths: WIDTHS, intervals }).parameters.read());
  if (which === 'poisson') {
    const { volume, f, boundary, test, exact } = poissonData();
    writeArrays(dataFile, [volume.data, f, boundary.data, test.data, exact, ...weights]);
    return { dataFile, counts: { volume: volume.rows, boundary: boundary.rows, test: test.rows } };
  }
  const random = createRandom(1);
  const sample = (count: number) => {
    const x = Float64Array.from({ length: 2 * count }, () => 2 * random.uniform() - 1);
    const y = Float64Array.from({ length: count }, (_, row) =>
      Math.exp(Math.sin(Math.PI * x[2 * row]) + x[2 * row + 1] ** 2),
    );
    return [x, y];
  };
  writeArrays(dataFile, [...sample(TRAIN_POINTS), ...sample(TEST_POINTS), ...weights]);
  return { dataFile, counts: { train: TRAIN_POINTS, test: TEST_POINTS } };
}

export function trainingSection(trainings: readonly Training[]): string[] {
  if (trainings.length === 0) return [];
  const rows = trainings.flatMap(({ title, cap, outcomes }) =>
    outcomes.map((outcome) => [
      title,
      outcome.label,
      resultText(outcome, cap),
      outcome.settings,
      String(outcome.steps),
    ]),
  );
  return [
    '## Time to an error',
    'Seconds of training until the test error is reached, looks at it not counted. nestkan: trainMultilevel and solve with ' +
      'their defaults, coarse to fine; regression stops by its training loss, and the run is the first whose test error ' +
      'is small enough; of the Poisson problem (degree 4) the end of the first level that is good enough counts, for the best of four ' +
      'numbers of steps per level. PyTorch (degree 3): one grid, the best of ' +
      `n = ${INTERVALS.join(', ')}, each with L-BFGS (strong Wolfe, float64) and Adam at rates ${RATES.join(', ')} (float32).`,
    markdownTable({ columns: ['problem', 'implementation', 'time', 'settings', 'steps'], rows }),
  ];
}

function resultText({ reached, seconds, error, failed }: Outcome, cap: number): string {
  if (reached) return formatSeconds(seconds);
  if (failed !== undefined && !Number.isFinite(error)) return failed;
  return `> ${cap} s (best ${error.toExponential(1)})`;
}
