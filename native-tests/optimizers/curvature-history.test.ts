/** The two-loop recursion on inner products against dense BFGS matrices. */
import { expect } from 'chai';
import { CurvatureHistory } from '../../src/optimizers/curvature-history.ts';
import { createRandom } from '../../src/random.ts';
import { norm } from './functions.ts';

type Vector = Float64Array;

const dot = (a: Vector, b: Vector) => a.reduce((sum, value, i) => sum + value * b[i], 0);

/** The stored vectors that L-BFGS keeps on its device, and the products it makes of them. */
class Rows {
  readonly history: CurvatureHistory;
  readonly vectors: Vector[];

  constructor(capacity: number, size: number) {
    this.history = new CurvatureHistory(capacity);
    this.vectors = Array.from({ length: this.history.rows }, () => new Float64Array(size));
  }

  add(s: Vector, y: Vector): boolean {
    const { nextSlot, capacity } = this.history;
    this.vectors[nextSlot] = s;
    this.vectors[nextSlot + capacity] = y;
    return this.history.add(this.#products(s), this.#products(y));
  }

  setGradient(gradient: Vector): void {
    this.vectors[this.history.gradientRow] = gradient;
    this.history.setGradient(this.#products(gradient));
  }

  direction(): { vector: Vector; slope: number } {
    const { coefficients, slope } = this.history.direction();
    const vector = this.vectors[0].map((_, i) =>
      this.vectors.reduce((sum, row, index) => sum + coefficients[index] * row[i], 0),
    );
    return { vector, slope };
  }

  #products(vector: Vector): Float64Array {
    return Float64Array.from(this.vectors, (row) => dot(row, vector));
  }
}

/** −H g with H from BFGS updates of γ I, as matrices: Nocedal and Wright, equation 6.17 and 7.20. */
function denseDirection(pairs: readonly [Vector, Vector][], gradient: Vector): Vector {
  const size = gradient.length;
  const identity = (scale: number) =>
    Array.from({ length: size }, (_, i) => Float64Array.from({ length: size }, (_, j) => (i === j ? scale : 0)));
  const multiply = (a: Vector[], b: Vector[]) =>
    a.map((row) =>
      Float64Array.from({ length: size }, (_, j) => row.reduce((sum, value, k) => sum + value * b[k][j], 0)),
    );
  const newest = pairs[pairs.length - 1];
  let h = identity(newest ? dot(newest[0], newest[1]) / dot(newest[1], newest[1]) : 1);
  for (const [s, y] of pairs) {
    const rho = 1 / dot(s, y);
    const left = identity(1).map((row, i) => row.map((value, j) => value - rho * s[i] * y[j]));
    const right = identity(1).map((row, i) => row.map((value, j) => value - rho * y[i] * s[j]));
    h = multiply(multiply(left, h), right).map((row, i) => row.map((value, j) => value + rho * s[i] * s[j]));
  }
  return Float64Array.from({ length: size }, (_, i) => -dot(h[i], gradient));
}

const SIZE = 12;

/** Steps and the gradient differences of a convex quadratic: y = B s with B = I + Σ v vᵀ. */
function randomPairs(seed: number, count: number): [Vector, Vector][] {
  const random = createRandom(seed);
  const vector = () => Float64Array.from({ length: SIZE }, () => random.normal());
  const directions = Array.from({ length: 5 }, vector);
  return Array.from({ length: count }, () => {
    const s = vector();
    const y = s.slice();
    for (const v of directions) {
      const factor = dot(v, s);
      for (let i = 0; i < SIZE; i++) y[i] += factor * v[i];
    }
    return [s, y];
  });
}

function expectDense(rows: Rows, pairs: readonly [Vector, Vector][], gradient: Vector): void {
  rows.setGradient(gradient);
  const { vector, slope } = rows.direction();
  const expected = denseDirection(pairs, gradient);
  // A handful of products of vectors of size 12 per pair, with condition numbers of some hundred.
  const bound = 1e-11 * norm(expected);
  expected.forEach((value, i) => {
    expect(vector[i]).to.be.closeTo(value, bound);
  });
  expect(slope).to.be.closeTo(dot(gradient, expected), bound * norm(gradient));
  expect(slope).to.be.below(0);
  expect(rows.history.gradientNorm).to.be.closeTo(norm(gradient), 1e-14 * norm(gradient));
}

describe('curvature history', () => {
  const gradient = Float64Array.from({ length: SIZE }, (_, i) => Math.sin(i + 1));

  it('without pairs: steepest descent', () => {
    expectDense(new Rows(4, SIZE), [], gradient);
  });

  it('equals dense BFGS while its memory lasts', () => {
    for (const seed of [1, 2, 3]) {
      const rows = new Rows(8, SIZE);
      const pairs = randomPairs(seed, 8);
      pairs.forEach(([s, y], index) => {
        expect(rows.add(s, y)).to.equal(true);
        expectDense(rows, pairs.slice(0, index + 1), gradient);
      });
    }
  });

  it('equals dense BFGS over the newest pairs afterwards', () => {
    const rows = new Rows(3, SIZE);
    const pairs = randomPairs(4, 11);
    pairs.forEach(([s, y], index) => {
      rows.add(s, y);
      expectDense(rows, pairs.slice(Math.max(0, index - 2), index + 1), gradient);
    });
    expect(rows.history.pairs).to.equal(3);
  });

  it('a memory of one pair', () => {
    const rows = new Rows(1, SIZE);
    for (const [s, y] of randomPairs(5, 3)) {
      rows.add(s, y);
      expectDense(rows, [[s, y]], gradient);
    }
  });

  it('skips pairs without positive curvature, and the next one takes their place', () => {
    const rows = new Rows(5, SIZE);
    const [first, second, third] = randomPairs(6, 3);
    rows.add(...first);
    const bad: [Vector, Vector][] = [
      [second[0], second[1].map((value) => -value)],
      [second[0], new Float64Array(SIZE)],
      [new Float64Array(SIZE), second[1]],
      [second[0], second[1].map(() => Number.NaN)],
    ];
    for (const [s, y] of bad) {
      expect(rows.add(s, y)).to.equal(false);
      rows.vectors[rows.history.nextSlot + 5] = new Float64Array(SIZE);
      expect(rows.history.pairs).to.equal(1);
    }
    rows.add(...third);
    expectDense(rows, [first, third], gradient);
  });

  it('a skipped pair costs a full memory its oldest, whose place it has taken', () => {
    const rows = new Rows(3, SIZE);
    const pairs = randomPairs(7, 4);
    for (const pair of pairs.slice(0, 3)) rows.add(...pair);
    rows.add(
      pairs[3][0],
      pairs[3][1].map((value) => -value),
    );
    expectDense(rows, pairs.slice(1, 3), gradient);
    rows.add(...pairs[3]);
    expectDense(rows, pairs.slice(1, 4), gradient);
  });

  it('can be cleared', () => {
    const rows = new Rows(3, SIZE);
    const pairs = randomPairs(8, 3);
    for (const pair of pairs) rows.add(...pair);
    rows.history.clear();
    expectDense(rows, [], gradient);
    rows.add(...pairs[2]);
    expectDense(rows, [pairs[2]], gradient);
  });
});
