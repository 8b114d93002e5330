/** What is measured: sizes, and the numbers that all peers are given. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { CpuBackend, createRandom } from '../../src/node.ts';
import { kanOf } from './ours.ts';
import type { Size, Task } from './protocol.ts';
import { writeArrays } from './serve.mjs';

export const FOLDER = join('build', 'bench', 'peers');
export const RATE = 1e-3;

export const SMALL = [2, 5, 5, 1];
export const MIDDLE = [2, 10, 10, 1];
export const WIDE = [64, 64, 64];

export function sizeName({ task, widths, intervals, batch }: Size): string {
  return `${task} [${widths}] n = ${intervals} batch ${batch}`;
}

/** Those with targets first, then the middle batches: where the time is limited, the last ones are left out. */
export function fullSizes(): Size[] {
  const batches = [256, 1024, 4096, 16384, 65536];
  const rank = ({ task, widths, batch }: Size) => {
    if (batch !== 1024 && batch !== 4096) return 2;
    const hasTarget =
      task === 'poisson' ? widths === SMALL && batch === 4096 : widths !== MIDDLE && task === 'regression';
    return hasTarget ? 0 : 1;
  };
  const all = [
    ...sizes('regression', [SMALL, MIDDLE, WIDE], [8, 32, 128], batches),
    ...sizes('poisson', [SMALL, MIDDLE], [8, 32, 128], batches),
    ...sizes('forward', [SMALL, MIDDLE, WIDE], [8, 32, 128], batches),
  ];
  return all.sort((a, b) => rank(a) - rank(b));
}

export function quickSizes(): Size[] {
  return [
    ...sizes('regression', [SMALL], [8, 128], [1024]),
    ...sizes('regression', [WIDE], [8], [1024]),
    ...sizes('poisson', [SMALL], [8], [1024]),
    ...sizes('forward', [SMALL], [8], [1024]),
  ];
}

/** The most telling first: on a device that is lent for minutes, the last ones may be left out. */
export function deviceSizes(): Size[] {
  const intervals = [32, 8, 128];
  return [
    ...sizes('regression', [SMALL], intervals, [4096]),
    ...sizes('poisson', [SMALL], intervals, [4096]),
    ...sizes('regression', [WIDE], intervals, [65536]),
    ...sizes('regression', [SMALL], intervals, [65536]),
    ...sizes('regression', [WIDE], intervals, [4096]),
  ];
}

/** torch.compile takes longer than everything else: where it is done on a device. */
export function compiledOnDevice({ task, widths, intervals, batch }: Size): boolean {
  return task === 'regression' && intervals === 32 && batch === (widths === WIDE ? 65536 : 4096);
}

/** Whether peers that get ready at the same time could fill a device's memory. */
export function isLarge({ widths, batch }: Size): boolean {
  return widths === WIDE && batch > 16384;
}

function sizes(
  task: Task,
  networks: readonly number[][],
  intervals: readonly number[],
  batches: readonly number[],
): Size[] {
  return networks.flatMap((widths) =>
    intervals.flatMap((n) => batches.map((batch) => ({ task, widths, intervals: n, batch }))),
  );
}

/** Uniform inputs and targets, and the weights of a fresh network: hidden activations stay within the grids. */
export async function writeData(size: Size): Promise<string> {
  mkdirSync(FOLDER, { recursive: true });
  const { task, widths, batch } = size;
  const random = createRandom(1);
  const draw = (count: number) => Float64Array.from({ length: count }, () => 2 * random.uniform() - 1);
  const x = draw(batch * widths[0]);
  const targets = draw(batch * (task === 'poisson' ? 1 : widths[widths.length - 1]));
  const weights = Object.values(await kanOf(new CpuBackend(), size).parameters.read());
  const path = join(FOLDER, 'data.bin');
  writeArrays(path, [x, targets, ...weights]);
  return path;
}
