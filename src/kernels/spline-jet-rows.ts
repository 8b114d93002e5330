/**
 * Windows times rows of weights, three derivatives at once: the inner loops of src/kernels/spline-jet-references.ts.
 *
 * Loops that hold the windows of four or five rows in variables take half the time of one row after the other, so
 * degrees 3 to 5, which second-order problems use, have them. One declaration each: destructuring an array of values
 * makes V8 run an iterator, which costs a quarter of the time.
 */
import type { HostArray } from './kernel.ts';

/** Windows of one derivative for many points. */
type Rows = Float64Array;

/** sums[m · outputs + q] = Σ_k windows[m][at + k] · weights[row + k · outputs + q] for m = 0, 1, 2. */
export function contract(
  windows: readonly [Rows, Rows, Rows],
  at: number,
  degree: number,
  weights: HostArray,
  row: number,
  outputs: number,
  sums: Float64Array,
): void {
  const a = windows[0];
  const b = windows[1];
  const c = windows[2];
  let k = 0;
  if (degree < 3) {
    sums.fill(0);
  } else if (degree === 3) {
    contractFour(a, b, c, at, weights, row, outputs, sums);
    k = 4;
  } else {
    contractFive(a, b, c, at, weights, row, outputs, sums);
    k = 5;
  }
  for (; k <= degree; k++) {
    const a0 = a[at + k];
    const b0 = b[at + k];
    const c0 = c[at + k];
    const from = row + k * outputs;
    for (let q = 0; q < outputs; q++) {
      const weight = weights[from + q];
      sums[q] += a0 * weight;
      sums[outputs + q] += b0 * weight;
      sums[2 * outputs + q] += c0 * weight;
    }
  }
}

/** target[row + k · outputs + q] += Σ_m windows[m][at + k] · factors[m · outputs + q] over m = 0, 1, 2. */
export function scatter(
  windows: readonly [Rows, Rows, Rows],
  at: number,
  degree: number,
  factors: Float64Array,
  target: HostArray,
  row: number,
  outputs: number,
): void {
  const a = windows[0];
  const b = windows[1];
  const c = windows[2];
  let k = 0;
  if (degree === 3) {
    scatterFour(a, b, c, at, factors, target, row, outputs);
    k = 4;
  } else if (degree > 3) {
    scatterFive(a, b, c, at, factors, target, row, outputs);
    k = 5;
  }
  for (; k <= degree; k++) {
    const a0 = a[at + k];
    const b0 = b[at + k];
    const c0 = c[at + k];
    const to = row + k * outputs;
    for (let q = 0; q < outputs; q++) {
      target[to + q] += a0 * factors[q] + b0 * factors[outputs + q] + c0 * factors[2 * outputs + q];
    }
  }
}

function contractFour(
  a: Rows,
  b: Rows,
  c: Rows,
  at: number,
  weights: HostArray,
  row0: number,
  outputs: number,
  sums: Float64Array,
): void {
  const a0 = a[at];
  const a1 = a[at + 1];
  const a2 = a[at + 2];
  const a3 = a[at + 3];
  const b0 = b[at];
  const b1 = b[at + 1];
  const b2 = b[at + 2];
  const b3 = b[at + 3];
  const c0 = c[at];
  const c1 = c[at + 1];
  const c2 = c[at + 2];
  const c3 = c[at + 3];
  const row1 = row0 + outputs;
  const row2 = row1 + outputs;
  const row3 = row2 + outputs;
  for (let q = 0; q < outputs; q++) {
    const w0 = weights[row0 + q];
    const w1 = weights[row1 + q];
    const w2 = weights[row2 + q];
    const w3 = weights[row3 + q];
    sums[q] = a0 * w0 + a1 * w1 + a2 * w2 + a3 * w3;
    sums[outputs + q] = b0 * w0 + b1 * w1 + b2 * w2 + b3 * w3;
    sums[2 * outputs + q] = c0 * w0 + c1 * w1 + c2 * w2 + c3 * w3;
  }
}

function contractFive(
  a: Rows,
  b: Rows,
  c: Rows,
  at: number,
  weights: HostArray,
  row0: number,
  outputs: number,
  sums: Float64Array,
): void {
  const a0 = a[at];
  const a1 = a[at + 1];
  const a2 = a[at + 2];
  const a3 = a[at + 3];
  const a4 = a[at + 4];
  const b0 = b[at];
  const b1 = b[at + 1];
  const b2 = b[at + 2];
  const b3 = b[at + 3];
  const b4 = b[at + 4];
  const c0 = c[at];
  const c1 = c[at + 1];
  const c2 = c[at + 2];
  const c3 = c[at + 3];
  const c4 = c[at + 4];
  const row1 = row0 + outputs;
  const row2 = row1 + outputs;
  const row3 = row2 + outputs;
  const row4 = row3 + outputs;
  for (let q = 0; q < outputs; q++) {
    const w0 = weights[row0 + q];
    const w1 = weights[row1 + q];
    const w2 = weights[row2 + q];
    const w3 = weights[row3 + q];
    const w4 = weights[row4 + q];
    sums[q] = a0 * w0 + a1 * w1 + a2 * w2 + a3 * w3 + a4 * w4;
    sums[outputs + q] = b0 * w0 + b1 * w1 + b2 * w2 + b3 * w3 + b4 * w4;
    sums[2 * outputs + q] = c0 * w0 + c1 * w1 + c2 * w2 + c3 * w3 + c4 * w4;
  }
}

function scatterFour(
  a: Rows,
  b: Rows,
  c: Rows,
  at: number,
  factors: Float64Array,
  target: HostArray,
  row0: number,
  outputs: number,
): void {
  const a0 = a[at];
  const a1 = a[at + 1];
  const a2 = a[at + 2];
  const a3 = a[at + 3];
  const b0 = b[at];
  const b1 = b[at + 1];
  const b2 = b[at + 2];
  const b3 = b[at + 3];
  const c0 = c[at];
  const c1 = c[at + 1];
  const c2 = c[at + 2];
  const c3 = c[at + 3];
  const row1 = row0 + outputs;
  const row2 = row1 + outputs;
  const row3 = row2 + outputs;
  for (let q = 0; q < outputs; q++) {
    const f = factors[q];
    const g = factors[outputs + q];
    const h = factors[2 * outputs + q];
    target[row0 + q] += a0 * f + b0 * g + c0 * h;
    target[row1 + q] += a1 * f + b1 * g + c1 * h;
    target[row2 + q] += a2 * f + b2 * g + c2 * h;
    target[row3 + q] += a3 * f + b3 * g + c3 * h;
  }
}

function scatterFive(
  a: Rows,
  b: Rows,
  c: Rows,
  at: number,
  factors: Float64Array,
  target: HostArray,
  row0: number,
  outputs: number,
): void {
  const a0 = a[at];
  const a1 = a[at + 1];
  const a2 = a[at + 2];
  const a3 = a[at + 3];
  const a4 = a[at + 4];
  const b0 = b[at];
  const b1 = b[at + 1];
  const b2 = b[at + 2];
  const b3 = b[at + 3];
  const b4 = b[at + 4];
  const c0 = c[at];
  const c1 = c[at + 1];
  const c2 = c[at + 2];
  const c3 = c[at + 3];
  const c4 = c[at + 4];
  const row1 = row0 + outputs;
  const row2 = row1 + outputs;
  const row3 = row2 + outputs;
  const row4 = row3 + outputs;
  for (let q = 0; q < outputs; q++) {
    const f = factors[q];
    const g = factors[outputs + q];
    const h = factors[2 * outputs + q];
    target[row0 + q] += a0 * f + b0 * g + c0 * h;
    target[row1 + q] += a1 * f + b1 * g + c1 * h;
    target[row2 + q] += a2 * f + b2 * g + c2 * h;
    target[row3 + q] += a3 * f + b3 * g + c3 * h;
    target[row4 + q] += a4 * f + b4 * g + c4 * h;
  }
}
