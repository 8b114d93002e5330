import type { Backend } from '../../src/backend/backend.ts';
import type { Network } from '../../src/models/network.ts';
import { createRandom } from '../../src/random.ts';

/** Rows of numbers in ±range that float32 represents. */
export function randomRows(seed: number, rows: number, columns: number, range = 1): number[][] {
  const random = createRandom(seed);
  const draw = () => Math.fround(range * (2 * random.uniform() - 1));
  return Array.from({ length: rows }, () => Array.from({ length: columns }, draw));
}

/** All outputs of a model, row by row. */
export async function outputsOf(model: Network, rows: number[][]): Promise<Float64Array> {
  const { data } = await model.predict(rows);
  return Float64Array.from(data);
}

/** Multiplies all parameters, so that hidden activations leave their domains. */
export async function scaleParameters(model: Network, factor: number): Promise<void> {
  const values = await model.parameters.read();
  for (const [name, array] of Object.entries(values)) {
    model.parameters.write({ [name]: array.map((value) => factor * value) });
  }
}

/** Unit roundoff of the numbers a backend computes with. */
export function roundoff({ precision }: Backend): number {
  return precision === 'float64' ? 2 ** -53 : 2 ** -24;
}

export function largest(values: ArrayLike<number>): number {
  return Array.prototype.reduce.call(
    values,
    (most, value) => Math.max(Number(most), Math.abs(Number(value))),
    0,
  ) as number;
}

/** Largest difference of two vectors, relative to the largest entry of the second. */
export function relativeDifference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let difference = actual.length === expected.length ? 0 : Number.POSITIVE_INFINITY;
  for (let i = 0; i < expected.length; i++) difference = Math.max(difference, Math.abs(actual[i] - expected[i]));
  return difference / largest(expected);
}

/** ReLU(x − t_j)^degree for the intervals + degree knots t_j up to the domain's end, continued linearly outside. */
export function powerReluChannels(
  x: number,
  { degree, intervals, domain: [a, b] }: { degree: number; intervals: number; domain: readonly [number, number] },
): number[] {
  const h = (b - a) / intervals;
  const inside = Math.min(b, Math.max(a, x));
  return Array.from({ length: intervals + degree }, (_, j) => {
    const distance = inside - (a + (j - degree) * h);
    if (distance < 0 || (distance === 0 && x <= inside)) return 0;
    return distance ** degree + (x - inside) * degree * distance ** (degree - 1);
  });
}

/** Cox–de Boor recursion on the extended uniform knots; for x inside the domain. */
export function coxDeBoor(
  x: number,
  { degree, intervals, domain: [a, b] }: { degree: number; intervals: number; domain: readonly [number, number] },
): number[] {
  const h = (b - a) / intervals;
  const knot = (k: number) => a + (k - degree) * h;
  const value = (k: number, order: number): number => {
    if (order === 0) return x >= knot(k) && x < knot(k + 1) ? 1 : 0;
    const left = (x - knot(k)) / (knot(k + order) - knot(k));
    const right = (knot(k + order + 1) - x) / (knot(k + order + 1) - knot(k + 1));
    return left * value(k, order - 1) + right * value(k + 1, order - 1);
  };
  return Array.from({ length: intervals + degree }, (_, k) => value(k, degree));
}
