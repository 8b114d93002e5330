/**
 * Local windows of all derivatives that second-order jets need, in one pass: values to third derivatives.
 *
 * The m-th derivative of the window is the m-fold difference of the window of degree − m, so that every polynomial of
 * lower degree is formed once. {@link windowsAt} gives the same one derivative at a time.
 * Source: docs/mathematics.md, "Local window" and "Outside the domain".
 */
import type { WindowGrid } from './window.ts';

/** Derivatives 0 to 3 by order; derivative m of the function of coefficient cells[i] + j is in [m][i · (degree + 1) + j]. */
export type DerivativeWindows = readonly [Float64Array, Float64Array, Float64Array, Float64Array];

/**
 * The B-splines that matter at `count` points x[first], x[first + 1], …, and their derivatives to the third.
 *
 * Derivatives are with respect to the position in cells: multiply the m-th by (intervals/(b − a))^m to have it with
 * respect to x. Outside the domain functions continue linearly; higher derivatives are 0 there. NaN gives NaN.
 */
export function derivativeWindowsAt(
  x: ArrayLike<number>,
  { first, count }: { readonly first: number; readonly count: number },
  { degree, intervals, domainStart, domainEnd }: WindowGrid,
  cells: Int32Array,
  windows: DerivativeWindows,
): void {
  const stride = degree + 1;
  const cellsPerUnit = intervals / (domainEnd - domainStart);
  const values = windows[0];
  for (let i = 0; i < count; i++) {
    const point = x[first + i];
    let position = (point - domainStart) * cellsPerUnit;
    if (point < domainStart) position = 0;
    if (point >= domainEnd) position = intervals;
    let cell = position | 0;
    if (cell === intervals) cell--;
    cells[i] = cell;
    values[i * stride] = position - cell;
  }
  fill[degree](windows, count * stride);
  for (let i = 0; i < count; i++) {
    const point = x[first + i];
    if (point >= domainStart && point <= domainEnd) continue;
    const end = point < domainStart ? domainStart : domainEnd;
    continueLinearly(windows, i * stride, stride, (point - end) * cellsPerUnit);
  }
}

/** Turns the windows at an end of the domain into those `distance` cells outside. */
function continueLinearly(windows: DerivativeWindows, at: number, stride: number, distance: number): void {
  const [values, slopes, curvatures, thirds] = windows;
  // NaN where the distance is.
  const zero = Number.isNaN(distance) ? distance : 0;
  for (let j = at; j < at + stride; j++) {
    values[j] += distance * slopes[j];
    slopes[j] += zero;
    curvatures[j] = zero;
    thirds[j] = zero;
  }
}

/** By degree: replaces the local coordinates s in [0][at], at = 0, degree + 1, … < size, by the windows of all orders. */
const fill: readonly ((windows: DerivativeWindows, size: number) => void)[] = [
  () => undefined,
  ([b, b1, b2, b3], size) => {
    for (let at = 0; at < size; at += 2) {
      const s = b[at];
      b[at] = 1 - s;
      b[at + 1] = s;
      b1[at] = -1;
      b1[at + 1] = 1;
      b2[at] = b2[at + 1] = 0;
      b3[at] = b3[at + 1] = 0;
    }
  },
  ([b, b1, b2, b3], size) => {
    for (let at = 0; at < size; at += 3) {
      const s = b[at];
      const t = 1 - s;
      b[at] = 0.5 * t * t;
      b[at + 1] = 0.5 + s * t;
      b[at + 2] = 0.5 * s * s;
      b1[at] = -t;
      b1[at + 1] = t - s;
      b1[at + 2] = s;
      b2[at] = b2[at + 2] = 1;
      b2[at + 1] = -2;
      b3[at] = b3[at + 1] = b3[at + 2] = 0;
    }
  },
  ([b, b1, b2, b3], size) => {
    for (let at = 0; at < size; at += 4) {
      const s = b[at];
      const t = 1 - s;
      const s2 = s * s;
      const t2 = t * t;
      b[at] = (1 / 6) * t2 * t;
      b[at + 1] = 2 / 3 + s2 * (0.5 * s - 1);
      b[at + 2] = 2 / 3 + t2 * (0.5 * t - 1);
      b[at + 3] = (1 / 6) * s2 * s;
      b1[at] = -0.5 * t2;
      b1[at + 1] = (1.5 * s - 2) * s;
      b1[at + 2] = (2 - 1.5 * t) * t;
      b1[at + 3] = 0.5 * s2;
      b2[at] = t;
      b2[at + 1] = s - 2 * t;
      b2[at + 2] = t - 2 * s;
      b2[at + 3] = s;
      b3[at] = -1;
      b3[at + 1] = 3;
      b3[at + 2] = -3;
      b3[at + 3] = 1;
    }
  },
  ([b, b1, b2, b3], size) => {
    for (let at = 0; at < size; at += 5) {
      const s = b[at];
      const t = 1 - s;
      const s2 = s * s;
      const t2 = t * t;
      const u = s * t;
      const q0 = 0.5 * t2;
      const q1 = 0.5 + u;
      const q2 = 0.5 * s2;
      const c0 = (1 / 6) * t2 * t;
      const c1 = 2 / 3 + s2 * (0.5 * s - 1);
      const c2 = 2 / 3 + t2 * (0.5 * t - 1);
      const c3 = (1 / 6) * s2 * s;
      b[at] = (1 / 24) * t2 * t2;
      b[at + 1] = (1 / 24) * (1 + t * (4 + t * (6 + t * (4 - 4 * t))));
      b[at + 2] = (1 / 24) * (11 + u * (12 + 6 * u));
      b[at + 3] = (1 / 24) * (1 + s * (4 + s * (6 + s * (4 - 4 * s))));
      b[at + 4] = (1 / 24) * s2 * s2;
      b1[at] = -c0;
      b1[at + 1] = c0 - c1;
      b1[at + 2] = c1 - c2;
      b1[at + 3] = c2 - c3;
      b1[at + 4] = c3;
      b2[at] = q0;
      b2[at + 1] = q1 - 2 * q0;
      b2[at + 2] = q0 - 2 * q1 + q2;
      b2[at + 3] = q1 - 2 * q2;
      b2[at + 4] = q2;
      b3[at] = -t;
      b3[at + 1] = 3 * t - s;
      b3[at + 2] = 3 * (s - t);
      b3[at + 3] = t - 3 * s;
      b3[at + 4] = s;
    }
  },
  ([b, b1, b2, b3], size) => {
    for (let at = 0; at < size; at += 6) {
      const s = b[at];
      const t = 1 - s;
      const s2 = s * s;
      const t2 = t * t;
      const u = s * t;
      const q0 = 0.5 * t2;
      const q1 = 0.5 + u;
      const q2 = 0.5 * s2;
      const c0 = (1 / 6) * t2 * t;
      const c1 = 2 / 3 + s2 * (0.5 * s - 1);
      const c2 = 2 / 3 + t2 * (0.5 * t - 1);
      const c3 = (1 / 6) * s2 * s;
      const d0 = (1 / 24) * t2 * t2;
      const d1 = (1 / 24) * (1 + t * (4 + t * (6 + t * (4 - 4 * t))));
      const d2 = (1 / 24) * (11 + u * (12 + 6 * u));
      const d3 = (1 / 24) * (1 + s * (4 + s * (6 + s * (4 - 4 * s))));
      const d4 = (1 / 24) * s2 * s2;
      b[at] = (1 / 120) * t2 * t2 * t;
      b[at + 1] = (1 / 120) * (1 + t * (5 + t * (10 + t * (10 + t * (5 - 5 * t)))));
      b[at + 2] = (1 / 120) * (66 + s2 * (s2 * (30 - 10 * s) - 60));
      b[at + 3] = (1 / 120) * (66 + t2 * (t2 * (30 - 10 * t) - 60));
      b[at + 4] = (1 / 120) * (1 + s * (5 + s * (10 + s * (10 + s * (5 - 5 * s)))));
      b[at + 5] = (1 / 120) * s2 * s2 * s;
      b1[at] = -d0;
      b1[at + 1] = d0 - d1;
      b1[at + 2] = d1 - d2;
      b1[at + 3] = d2 - d3;
      b1[at + 4] = d3 - d4;
      b1[at + 5] = d4;
      b2[at] = c0;
      b2[at + 1] = c1 - 2 * c0;
      b2[at + 2] = c0 - 2 * c1 + c2;
      b2[at + 3] = c1 - 2 * c2 + c3;
      b2[at + 4] = c2 - 2 * c3;
      b2[at + 5] = c3;
      b3[at] = -q0;
      b3[at + 1] = 3 * q0 - q1;
      b3[at + 2] = 3 * (q1 - q0) - q2;
      b3[at + 3] = q0 + 3 * (q2 - q1);
      b3[at + 4] = q1 - 3 * q2;
      b3[at + 5] = q2;
    }
  },
];
