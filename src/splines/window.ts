/**
 * The local window: the degree + 1 B-splines that are not zero in one cell, and where a point lies.
 *
 * Points are taken many at a time: short loops over plain arrays, one per step, are what JavaScript engines compile
 * well, and nothing allocates.
 * Source: docs/mathematics.md, "Local window" and "Outside the domain".
 */

/** A uniform grid on [domainStart, domainEnd] and the degree of its splines; kernel constants have this shape. */
export interface WindowGrid {
  readonly degree: number;
  readonly intervals: number;
  readonly domainStart: number;
  readonly domainEnd: number;
}

/**
 * The B-splines that matter at `count` points x[first], x[first + 1], … or a derivative of them with respect to x,
 * linear continuation included. Coefficient cells[i] + j belongs to windows[i · (degree + 1) + j], j = 0 … degree.
 *
 * Outside the domain each function continues with its value and slope at the end; higher derivatives are zero.
 * NaN gives a window of NaN. n/(b − a) doubles exactly when n does, so coarse and fine grids agree about every point.
 *
 * @param derivative 0 to 3
 */
export function windowsAt(
  x: ArrayLike<number>,
  { first, count }: { readonly first: number; readonly count: number },
  grid: WindowGrid,
  derivative: number,
  cells: Int32Array,
  windows: Float64Array,
): void {
  const { degree, intervals, domainStart, domainEnd } = grid;
  const stride = degree + 1;
  const cellsPerUnit = intervals / (domainEnd - domainStart);
  for (let i = 0; i < count; i++) {
    const point = x[first + i];
    let position = (point - domainStart) * cellsPerUnit;
    if (point < domainStart) position = 0;
    if (point >= domainEnd) position = intervals;
    let cell = position | 0;
    if (cell === intervals) cell--;
    cells[i] = cell;
    windows[i * stride] = position - cell;
  }
  localWindows(degree, derivative, count, windows);
  if (derivative > 0) scale(windows, count * stride, cellsPerUnit ** derivative);
  for (let i = 0; i < count; i++) {
    const point = x[first + i];
    if (point >= domainStart && point <= domainEnd) continue;
    const at = i * stride;
    if (Number.isNaN(point)) windows.fill(Number.NaN, at, at + stride);
    else if (derivative > 1) windows.fill(0, at, at + stride);
    else if (derivative === 0) {
      const end = point < domainStart ? domainStart : domainEnd;
      continueLinearly(windows, at, degree, point < domainStart ? 0 : 1, (point - end) * cellsPerUnit);
    }
  }
}

const onePoint = new Float64Array(1);
const oneCell = new Int32Array(1);
const oneRange = { first: 0, count: 1 };

/** {@link windowsAt} for one point: fills out[0..degree] and returns the cell. */
export function windowAt(x: number, grid: WindowGrid, derivative: number, out: Float64Array): number {
  onePoint[0] = x;
  windowsAt(onePoint, oneRange, grid, derivative, oneCell, out);
  return oneCell[0];
}

/**
 * Fills out[0..degree] with a derivative, with respect to the local coordinate s, of the B-splines alive in a cell.
 *
 * out[j] belongs to coefficient cell + j. s is in units of the cell, nominally in [0, 1]; divide the m-th derivative
 * by the cell width to the power m to have it with respect to x.
 *
 * @param degree 1 to 5
 * @param derivative 0 to 3
 */
export function splineWindow(degree: number, s: number, derivative: number, out: Float64Array): void {
  out[0] = s;
  localWindows(degree, derivative, 1, out);
}

function scale(values: Float64Array, count: number, factor: number): void {
  for (let i = 0; i < count; i++) values[i] *= factor;
}

const slopes = new Float64Array(6);

/** Turns the window at an end of the domain (s = 0 or 1) into the one `distance` cells outside. */
function continueLinearly(windows: Float64Array, at: number, degree: number, s: number, distance: number): void {
  splineWindow(degree, s, 1, slopes);
  for (let j = 0; j <= degree; j++) windows[at + j] += distance * slopes[j];
}

/**
 * Replaces the local coordinate s in windows[i · (degree + 1)] by a window, for i = 0 … count − 1.
 *
 * Uniform B-splines obey b_j' = b_{j−1} − b_j of one degree less, so the m-th derivative is an m-fold difference.
 */
function localWindows(degree: number, derivative: number, count: number, windows: Float64Array): void {
  const stride = degree + 1;
  const size = count * stride;
  if (derivative > degree) {
    windows.fill(0, 0, size);
    return;
  }
  values[degree - derivative](windows, stride, size);
  for (let top = degree - derivative + 1; top <= degree; top++) {
    for (let at = 0; at < size; at += stride) difference(windows, at, top);
  }
}

function difference(windows: Float64Array, at: number, top: number): void {
  let left = 0;
  for (let j = at; j < at + top; j++) {
    const value = windows[j];
    windows[j] = left - value;
    left = value;
  }
  windows[at + top] = left;
}

/**
 * Window values by degree, 0 to 5. Polynomials in s and t = 1 − s, arranged so that no small value is a difference of
 * large ones; the right half mirrors the left.
 */
const values: readonly ((windows: Float64Array, stride: number, size: number) => void)[] = [
  (w, stride, size) => {
    for (let at = 0; at < size; at += stride) w[at] = 1;
  },
  (w, stride, size) => {
    for (let at = 0; at < size; at += stride) {
      const s = w[at];
      w[at] = 1 - s;
      w[at + 1] = s;
    }
  },
  (w, stride, size) => {
    for (let at = 0; at < size; at += stride) {
      const s = w[at];
      const t = 1 - s;
      w[at] = 0.5 * t * t;
      w[at + 1] = 0.5 + s * t;
      w[at + 2] = 0.5 * s * s;
    }
  },
  (w, stride, size) => {
    for (let at = 0; at < size; at += stride) {
      const s = w[at];
      const t = 1 - s;
      const s2 = s * s;
      const t2 = t * t;
      w[at] = (1 / 6) * t2 * t;
      w[at + 1] = 2 / 3 + s2 * (0.5 * s - 1);
      w[at + 2] = 2 / 3 + t2 * (0.5 * t - 1);
      w[at + 3] = (1 / 6) * s2 * s;
    }
  },
  (w, stride, size) => {
    for (let at = 0; at < size; at += stride) {
      const s = w[at];
      const t = 1 - s;
      const u = s * t;
      w[at] = (1 / 24) * t * t * t * t;
      w[at + 1] = (1 / 24) * (1 + t * (4 + t * (6 + t * (4 - 4 * t))));
      w[at + 2] = (1 / 24) * (11 + u * (12 + 6 * u));
      w[at + 3] = (1 / 24) * (1 + s * (4 + s * (6 + s * (4 - 4 * s))));
      w[at + 4] = (1 / 24) * s * s * s * s;
    }
  },
  (w, stride, size) => {
    for (let at = 0; at < size; at += stride) {
      const s = w[at];
      const t = 1 - s;
      const s2 = s * s;
      const t2 = t * t;
      w[at] = (1 / 120) * t2 * t2 * t;
      w[at + 1] = (1 / 120) * (1 + t * (5 + t * (10 + t * (10 + t * (5 - 5 * t)))));
      w[at + 2] = (1 / 120) * (66 + s2 * (s2 * (30 - 10 * s) - 60));
      w[at + 3] = (1 / 120) * (66 + t2 * (t2 * (30 - 10 * t) - 60));
      w[at + 4] = (1 / 120) * (1 + s * (5 + s * (10 + s * (10 + s * (5 - 5 * s)))));
      w[at + 5] = (1 / 120) * s2 * s2 * s;
    }
  },
];
