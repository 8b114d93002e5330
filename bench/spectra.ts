/**
 * Figures 1 and 2 of the paper: the spectrum of AᵀA, A the change of basis from powers of ReLU to B-splines.
 *
 * Eigenvalues and eigenvectors come from the singular value decomposition of A: squaring A would square its condition,
 * 1e13 for n = 50 and r = 4, and lose the small eigenvalues in float64.
 */
import { Matrix, SingularValueDecomposition } from 'ml-matrix';
import { lineChart } from '../src/report/charts.ts';
import { formatNumber } from '../src/report/format.ts';
import { markdownTable } from '../src/report/markdown.ts';
import { binomials } from '../src/splines/matrix.ts';
import { quick, writeReport } from './shared.ts';

const INTERVALS = 50;
const SHOWN_ORDERS = [1, 3];
const ORDERS = [1, 2, 3, 4];
const SIZES = quick ? [10, 50] : [10, 20, 30, 40, 50, 60, 80, 100, 128];
const SIGN_INTERVALS = quick ? 40 : 100;
const SHOWN_VECTORS = 5;
/** Between the curves of the last eigenvectors. */
const SHIFT = 0.5;
/** Entries below this share of the largest one are rounding, and have no sign. */
const SIGNLESS = 1e-9;

interface Spectrum {
  /** Of AᵀA, ascending. */
  readonly eigenvalues: readonly number[];
  /** Eigenvector k as a function of the knot's number. */
  readonly vectors: readonly (readonly number[])[];
}

const spectra = new Map(SHOWN_ORDERS.map((order) => [order, spectrum(INTERVALS, order)]));
const conditions = ORDERS.map((order) => SIZES.map((n) => condition(spectrum(n, order))));
const signChanges = ORDERS.map((order) => spectrum(SIGN_INTERVALS, order).vectors.map(countSignChanges));
report();

/** A of b = A ψ on [0, 1]: A_{i,i+s} = h^{1−r}/(r−1)! · (−1)^s C(r, s), n + r − 1 rows. */
function changeOfBasis(intervals: number, order: number): Matrix {
  const size = intervals + order - 1;
  let scale = intervals ** (order - 1);
  for (let factor = 2; factor < order; factor++) scale /= factor;
  const matrix = Matrix.zeros(size, size);
  for (let i = 0; i < size; i++) {
    binomials(order).forEach((binomial, s) => {
      if (i + s < size) matrix.set(i, i + s, (s % 2 === 0 ? scale : -scale) * binomial);
    });
  }
  return matrix;
}

function spectrum(intervals: number, order: number): Spectrum {
  const { diagonal, rightSingularVectors } = new SingularValueDecomposition(changeOfBasis(intervals, order));
  const ascending = diagonal.map((_, index) => index).sort((a, b) => diagonal[a] - diagonal[b]);
  return {
    eigenvalues: ascending.map((index) => diagonal[index] ** 2),
    vectors: ascending.map((index) => oriented(rightSingularVectors.getColumn(index))),
  };
}

/** The same vector with its first entry that is not rounding positive: otherwise its sign is arbitrary. */
function oriented(vector: readonly number[]): number[] {
  const first = significant(vector)[0];
  return vector.map((value) => (first < 0 ? -value : value));
}

function significant(vector: readonly number[]): number[] {
  const largest = Math.max(...vector.map(Math.abs));
  return vector.filter((value) => Math.abs(value) > SIGNLESS * largest);
}

function countSignChanges(vector: readonly number[]): number {
  return significant(vector).filter((value, index, all) => index > 0 && value * all[index - 1] < 0).length;
}

function condition({ eigenvalues }: Spectrum): number {
  return eigenvalues[eigenvalues.length - 1] / eigenvalues[0];
}

/** Exponent of n between the two largest sizes. */
function growth(values: readonly number[]): number {
  const last = SIZES.length - 1;
  return Math.log(values[last] / values[last - 1]) / Math.log(SIZES[last] / SIZES[last - 1]);
}

function report(): void {
  writeReport({
    name: 'spectra',
    title: 'Spectra of the change of basis: the paper’s Figures 1 and 2',
    sections: [
      'AᵀA of b = A ψ on n intervals of [0, 1], order r (degree r − 1), n + r − 1 unknowns. A smooth mode has a small ' +
        'eigenvalue: gradient descent on the weights of the powers of ReLU moves spline coefficients by A⁻ᵀA⁻¹, whose ' +
        'eigenvalues are the reciprocals, and so moves smooth modes faster by the condition number, on every grid.',
      'Computed in float64 as squares of the singular values of A (ml-matrix), not from AᵀA: A’s own condition is the ' +
        'square root, at most 3e6 for n = 50 and 1e8 here, so that the smallest eigenvalues keep eight digits where an ' +
        'eigenvalue solver on AᵀA would return rounding errors for r = 4. For r = 1 they equal 2 − 2 cos((2k + 1)π/(2n + 1)) ' +
        `up to a relative error of ${errorAgainstClosedForm().toExponential(0)}.`,
      '## Condition of AᵀA',
      conditionTable(),
      `## Sign changes of eigenvectors, n = ${SIGN_INTERVALS}`,
      signTable(),
      `## Eigenvalues, n = ${INTERVALS}`,
      eigenvalueTable(),
    ],
    charts: {
      '': eigenvalueChart(),
      condition: conditionChart(),
      ...Object.fromEntries(
        SHOWN_ORDERS.flatMap((order) => [
          [`vectors-r${order}-first`, vectorChart(order, 'first')],
          [`vectors-r${order}-last`, vectorChart(order, 'last')],
        ]),
      ),
    },
    results: {
      eigenvalues: Object.fromEntries([...spectra].map(([order, { eigenvalues }]) => [order, eigenvalues])),
      conditions: { sizes: SIZES, orders: ORDERS, values: conditions },
      signChanges,
    },
  });
}

function conditionTable(): string {
  const rows = ORDERS.map((order, index) => [
    order,
    ...conditions[index].map((value) => value.toExponential(2)),
    growth(conditions[index]).toFixed(2),
    2 * order,
  ]);
  const sizes = SIZES.map((n) => `n = ${n}`);
  return markdownTable({
    columns: ['r', ...sizes, 'exponent of n', '2r'],
    rows,
  });
}

function signTable(): string {
  return markdownTable({
    columns: ['r', 'eigenvectors', 'k-th has k sign changes (k = 0, 1, …)', 'exceptions'],
    rows: ORDERS.map((order, index) => {
      const changes = signChanges[index];
      const exceptions = changes.flatMap((count, k) => (count === k ? [] : [`${k}: ${count}`]));
      return [order, changes.length, changes.length - exceptions.length, exceptions.slice(0, 8).join(', ') || 'none'];
    }),
  });
}

function eigenvalueTable(): string {
  const places = Array.from({ length: SHOWN_VECTORS }, (_, place) => place);
  const row = (name: string, entry: (values: readonly number[]) => number) => [
    name,
    ...SHOWN_ORDERS.map((order) => entry(spectra.get(order)!.eigenvalues).toExponential(3)),
  ];
  return markdownTable({
    columns: ['', ...SHOWN_ORDERS.map((order) => `r = ${order}`)],
    rows: [
      ...places.map((place) => row(`k = ${place}`, (values) => values[place])),
      ...places.map((place) =>
        row(`largest but ${SHOWN_VECTORS - 1 - place}`, (values) => values.at(place - SHOWN_VECTORS)!),
      ),
    ],
  });
}

/** For r = 1 the eigenvalues are known: 2 − 2 cos((2k + 1)π/(2n + 1)). */
function errorAgainstClosedForm(): number {
  const errors = spectra.get(1)!.eigenvalues.map((value, k) => {
    const exact = 4 * Math.sin(((2 * k + 1) * Math.PI) / (4 * INTERVALS + 2)) ** 2;
    return Math.abs(value - exact) / exact;
  });
  return Math.max(...errors);
}

function eigenvalueChart(): string {
  return lineChart({
    title: `Eigenvalues of AᵀA, n = ${INTERVALS}`,
    xLabel: 'k + 1',
    yLabel: 'eigenvalue',
    xScale: 'log',
    yScale: 'log',
    series: SHOWN_ORDERS.map((order) => {
      const { eigenvalues } = spectra.get(order)!;
      return { name: `r = ${order}`, x: eigenvalues.map((_, k) => k + 1), y: eigenvalues };
    }),
    notes: ['The knots cover [0, 1]; another domain scales all eigenvalues by the same factor.'],
  });
}

function conditionChart(): string {
  return lineChart({
    title: 'Condition of AᵀA against the number of intervals',
    xLabel: 'intervals n',
    yLabel: 'condition',
    xScale: 'log',
    yScale: 'log',
    xTicks: SIZES,
    series: ORDERS.map((order, index) => ({
      name: `r = ${order}: n to the power ${growth(conditions[index]).toFixed(1)}`,
      x: SIZES,
      y: conditions[index],
    })),
  });
}

function vectorChart(order: number, end: 'first' | 'last'): string {
  const { vectors, eigenvalues } = spectra.get(order)!;
  const numbers = vectors.map((_, k) => k);
  const shown = end === 'first' ? numbers.slice(0, SHOWN_VECTORS) : numbers.slice(-SHOWN_VECTORS);
  // The last ones change sign at every knot: on one line they would hide each other.
  const shift = end === 'first' ? 0 : SHIFT;
  return lineChart({
    title: `${end === 'first' ? 'First' : 'Last'} ${SHOWN_VECTORS} eigenvectors of AᵀA, n = ${INTERVALS}, r = ${order}`,
    xLabel: 'number of the knot',
    yLabel: shift === 0 ? 'entry' : `entry, each vector shifted by ${SHIFT}`,
    series: shown.map((k, place) => ({
      name: `k = ${k}, λ = ${formatNumber(eigenvalues[k])}`,
      x: vectors[k].map((_, index) => index),
      y: vectors[k].map((value) => value + place * shift),
    })),
  });
}
