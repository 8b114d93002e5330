import type { Backend } from '../../src/backend/backend.ts';
import type { Network } from '../../src/models/network.ts';
import type { Problem } from '../../src/multilevel/problem.ts';
import { createRandom } from '../../src/random.ts';

export interface Samples {
  readonly inputs: number[][];
  readonly targets: number[][];
}

/** The network and the numbers of rows that most tests here use: every new size is compiled on a device. */
export const ARCHITECTURE = { widths: [2, 3, 1], intervals: 3, hiddenIntervals: 2, seed: 1 };
export const ROWS = 120;
export const BATCH = 40;

/** exp(sin πx + y²), the field's favourite. */
export const smooth = (x: number, y: number) => Math.exp(Math.sin(Math.PI * x) + y * y);

/** Values of f at random points of [-1, 1]², representable in float32, with noise if asked for. */
export function sample(f: (x: number, y: number) => number, rows: number, seed: number, noise = 0): Samples {
  const random = createRandom(seed);
  const draw = () => Math.fround(2 * random.uniform() - 1);
  const inputs = Array.from({ length: rows }, () => [draw(), draw()]);
  return { inputs, targets: inputs.map(([x, y]) => [Math.fround(f(x, y) + noise * random.normal())]) };
}

/** A problem's figure of merit for a model. */
export async function figureOf(problem: Pick<Problem, 'monitor'>, model: Network): Promise<number> {
  const { backend } = model;
  const monitor = problem.monitor(model);
  backend.run(await backend.record(monitor.evaluate));
  const [[loss]] = await backend.read([monitor.loss]);
  monitor.dispose();
  return loss;
}

/** Mean squared error from predictions alone. */
export async function errorOn(model: Network, { inputs, targets }: Samples): Promise<number> {
  const { data } = await model.predict(inputs);
  const flat = targets.flat();
  return flat.reduce((sum, target, i) => sum + (data[i] - target) ** 2, 0) / flat.length;
}

/** Relative rounding of a mean of squares over some hundred rows. */
export function lossRounding({ precision }: Backend): number {
  return precision === 'float64' ? 1e-12 : 1e-5;
}
