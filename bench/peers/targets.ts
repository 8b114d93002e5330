/** What nestkan is to reach beside its peers, and whether a run shows it. */
import { SMALL, WIDE } from './cases.ts';
import type { Measurement } from './measure.ts';
import type { Size, Task } from './protocol.ts';

interface Target {
  readonly task: Task;
  readonly widths: readonly number[];
  readonly intervals: number;
  readonly batches: readonly number[];
  /** Of these the fastest counts. */
  readonly against: readonly string[];
  readonly ours: readonly string[];
  /** Their time over ours. */
  readonly ratio: number;
  /** In words. */
  readonly name: string;
}

const EFFICIENT_KAN = ['torch-dense-eager'];
const TORCH = ['dense', 'closed'].flatMap((formulation) =>
  ['eager', 'graph', 'compile'].map((mode) => `torch-${formulation}-${mode}`),
);
const JAX = ['jax-dense', 'jax-closed'];
const GRIDS = [8, 32, 128];

function perGrid(
  name: string,
  target: Omit<Target, 'name' | 'intervals' | 'ratio'>,
  ratios: readonly number[],
): Target[] {
  return GRIDS.map((intervals, index) => ({ ...target, name, intervals, ratio: ratios[index] }));
}

const LARGE = [1024, 4096, 16384, 65536];
const CPU_TARGETS: readonly Target[] = [
  ...perGrid(
    'Adam step beside efficient-kan',
    { task: 'regression', widths: SMALL, batches: LARGE, against: EFFICIENT_KAN, ours: ['cpu'] },
    [4, 8, 30],
  ),
  ...perGrid(
    'Adam step beside efficient-kan, the better backend',
    { task: 'regression', widths: WIDE, batches: LARGE, against: EFFICIENT_KAN, ours: ['cpu', 'webgpu'] },
    [1, 2, 6],
  ),
  ...perGrid(
    'Laplacian step beside efficient-kan',
    { task: 'poisson', widths: SMALL, batches: [4096], against: EFFICIENT_KAN, ours: ['cpu'] },
    [8, 20, 80],
  ),
];

const device = { task: 'regression', ours: ['webgpu'] } as const;
const DEVICE_TARGETS: readonly Target[] = [
  {
    ...device,
    name: 'Adam step beside efficient-kan, eager',
    widths: SMALL,
    intervals: 32,
    batches: [4096],
    against: EFFICIENT_KAN,
    ratio: 30,
  },
  {
    ...device,
    name: 'Adam step beside JAX, compiled',
    widths: SMALL,
    intervals: 32,
    batches: [4096],
    against: JAX,
    ratio: 3,
  },
  ...[32, 128].flatMap((intervals) => [
    {
      ...device,
      name: 'Adam step beside PyTorch',
      widths: WIDE,
      intervals,
      batches: [65536],
      against: TORCH,
      ratio: 1,
    },
    { ...device, name: 'Adam step beside JAX', widths: WIDE, intervals, batches: [65536], against: JAX, ratio: 1 },
  ]),
];
const DEVICE_STEPS_PER_SECOND = 10_000;
const GRID_GROWTH = 1.2;

/** Sizes whose targets need numbers, however long these take. */
export function isTarget(size: Size): boolean {
  return CPU_TARGETS.some((target) => size.batch <= 4096 && matches(target, size));
}

function matches(target: Target, { task, widths, intervals, batch }: Size): boolean {
  return (
    target.task === task &&
    `${target.widths}` === `${widths}` &&
    target.intervals === intervals &&
    target.batches.includes(batch)
  );
}

/** Rows of a table: target, size, wanted, measured, verdict. */
export function targetRows(measurements: readonly Measurement[], onDevice: boolean): string[][] {
  const rows = (onDevice ? DEVICE_TARGETS : CPU_TARGETS).map((target) => ratioRow(target, measurements));
  return onDevice ? [...rows, ...deviceRows(measurements)] : rows;
}

function ratioRow(target: Target, measurements: readonly Measurement[]): string[] {
  const { name, widths, intervals, batches, against, ours, ratio } = target;
  const found = measurements
    .filter(({ size }) => matches(target, size))
    .flatMap(({ cells }) => {
      const best = ours.flatMap((id) => {
        const ratios = against.flatMap((peer) => cells[peer]?.ratios?.[id]?.median ?? []);
        return ratios.length > 0 ? [Math.min(...ratios)] : [];
      });
      return best.length > 0 ? [Math.max(...best)] : [];
    });
  const size = `[${widths}], n = ${intervals}, batch ${batches.length > 1 ? `≥ ${batches[0]}` : batches[0]}`;
  const wanted = `≥ ${ratio}×`;
  if (found.length === 0) return [name, size, wanted, '–', 'not measured'];
  const [low, high] = [Math.min(...found), Math.max(...found)];
  const spread = found.length > 1 ? `${low.toPrecision(3)}× – ${high.toPrecision(3)}×` : `${low.toPrecision(3)}×`;
  return [name, size, wanted, spread, low >= ratio ? 'met' : 'missed'];
}

function deviceRows(measurements: readonly Measurement[]): string[][] {
  const secondsOf = (widths: readonly number[], intervals: number, batch: number) =>
    measurements.find(
      ({ size }) =>
        size.task === 'regression' &&
        `${size.widths}` === `${widths}` &&
        size.intervals === intervals &&
        size.batch === batch,
    )?.cells['webgpu']?.seconds?.median;
  const rows: string[][] = [];
  const step = secondsOf(SMALL, 32, 4096);
  const perSecond = step === undefined ? Number.NaN : 1 / step;
  rows.push([
    'Adam steps a second',
    '[2,5,5,1], n = 32, batch 4096',
    `≥ ${DEVICE_STEPS_PER_SECOND}`,
    Number.isNaN(perSecond) ? '–' : `${Math.round(perSecond)}`,
    verdict(perSecond >= DEVICE_STEPS_PER_SECOND, perSecond),
  ]);
  for (const [widths, batch] of [
    [SMALL, 4096],
    [SMALL, 65536],
    [WIDE, 4096],
    [WIDE, 65536],
  ] as const) {
    const growth = (secondsOf(widths, 128, batch) ?? Number.NaN) / (secondsOf(widths, 8, batch) ?? Number.NaN);
    const size = `[${widths}], batch ${batch}`;
    const measured = Number.isNaN(growth) ? '–' : `${growth.toFixed(2)}×`;
    rows.push([
      'Adam step, n = 128 against n = 8',
      size,
      `≤ ${GRID_GROWTH}×`,
      measured,
      verdict(growth <= GRID_GROWTH, growth),
    ]);
  }
  return rows;
}

function verdict(met: boolean, value: number): string {
  if (Number.isNaN(value)) return 'not measured';
  return met ? 'met' : 'missed';
}
