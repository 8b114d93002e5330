/** Cholesky's factor against its definition, L Lᵀ = A + shift · I, on random matrices. */
import { expect } from 'chai';
import { factorise, factoriseWith, solveFactorised } from '../../src/optimizers/cholesky.ts';
import { openTileProducts } from '../../src/optimizers/cholesky-simd.ts';
import { createRandom } from '../../src/random.ts';

const SIZES = [...Array.from({ length: 40 }, (_, i) => i + 1), 150];
const ROUNDOFF = 2 ** -53;
const UNTOUCHED = 12345;

/** G Gᵀ / size for a random G with a few more columns than rows: positive definite. */
function positiveDefinite(size: number, seed: number, columns = size + 3): Float64Array {
  const random = createRandom(seed);
  const g = Float64Array.from({ length: size * columns }, () => random.normal());
  return square(size, (i, j) => {
    let sum = 0;
    for (let k = 0; k < columns; k++) sum += g[i * columns + k] * g[j * columns + k];
    return sum / size;
  });
}

function square(size: number, entry: (i: number, j: number) => number): Float64Array {
  return Float64Array.from({ length: size * size }, (_, index) => entry(Math.floor(index / size), index % size));
}

/** The factor, made where other numbers lay before. */
function factorOf(matrix: Float64Array, size: number, shift = 0): Float64Array | undefined {
  const factor = new Float64Array(size * size).fill(UNTOUCHED);
  return factorise(matrix, size, shift, factor) ? factor : undefined;
}

const norm = (values: ArrayLike<number>) => Math.hypot(...Array.from(values));

describe("Cholesky's factorisation", () => {
  it('has the same bits in WebAssembly and in TypeScript, one size after another', () => {
    const simd = openTileProducts()!;
    for (const size of [...SIZES, 3, 64]) {
      const matrix = positiveDefinite(size, size);
      const [factor, exact] = [0, 0].map(() => new Float64Array(size * size).fill(UNTOUCHED));
      expect(factoriseWith(simd, matrix, size, 0.1, factor)).to.equal(true);
      factoriseWith(undefined, matrix, size, 0.1, exact);
      expect(
        factor.every((value, i) => Object.is(value, exact[i])),
        `size ${size}`,
      ).to.equal(true);
    }
    const indefinite = square(20, (i, j) => (i === j ? 1 : 0.5 + 1 / (1 + Math.abs(i - j))));
    expect(factoriseWith(simd, indefinite, 20, 0, new Float64Array(400))).to.equal(false);
  });

  it('L is lower triangular with L Lᵀ = A + shift · I, from the lower triangle of A', () => {
    for (const size of SIZES) {
      for (const shift of [0, 0.7]) {
        const matrix = positiveDefinite(size, size);
        // The upper triangle is nobody's business.
        const lower = matrix.map((value, index) => (index % size > Math.floor(index / size) ? Number.NaN : value));
        const factor = factorOf(lower, size, shift)!;
        for (let i = 0; i < size; i++) {
          for (let j = 0; j < size; j++) {
            const entry = factor[i * size + j];
            if (j > i) {
              expect(entry).to.equal(UNTOUCHED);
              continue;
            }
            let [product, terms] = [0, 0];
            for (let k = 0; k <= j; k++) {
              product += factor[i * size + k] * factor[j * size + k];
              terms += Math.abs(factor[i * size + k] * factor[j * size + k]);
            }
            const expected = matrix[i * size + j] + (i === j ? shift : 0);
            // Higham, Accuracy and Stability of Numerical Algorithms, theorem 10.3, and the product made here.
            const bound = 2 * (size + 2) * ROUNDOFF * terms;
            expect(product, `size ${size}, entry (${i}, ${j})`).to.be.closeTo(expected, bound);
          }
          expect(factor[i * size + i]).to.be.above(0);
        }
      }
    }
  });

  it('gives the factor that a matrix was made from', () => {
    for (const size of SIZES) {
      const random = createRandom(size);
      // Diagonally dominant, so that no error grows.
      const expected = square(size, (i, j) => (j > i ? 0 : i === j ? 1 + random.uniform() : random.normal() / size));
      const product = square(size, (i, j) => {
        let sum = 0;
        for (let k = 0; k < size; k++) sum += expected[i * size + k] * expected[j * size + k];
        return sum;
      });
      const factor = factorOf(product, size)!;
      expected.forEach((value, index) => {
        if (index % size <= Math.floor(index / size)) expect(factor[index]).to.be.closeTo(value, 1e-13);
      });
    }
  });

  it('solves: the residual is that of rounding', () => {
    for (const size of SIZES) {
      for (const shift of [0, 1e-3]) {
        const matrix = positiveDefinite(size, size + 100);
        const random = createRandom(size);
        const right = Float64Array.from({ length: size }, () => random.normal());
        const x = right.slice();
        solveFactorised(factorOf(matrix, size, shift)!, size, x);
        const residual = right.map((value, i) => {
          let sum = value - shift * x[i];
          for (let j = 0; j < size; j++) sum -= matrix[i * size + j] * x[j];
          return sum;
        });
        // Backward stability (theorem 10.4 there) with a constant of the size of its own.
        const bound = 4 * (size + 2) * ROUNDOFF * (norm(matrix) * norm(x) + norm(right));
        expect(norm(residual), `size ${size}, shift ${shift}`).to.be.below(bound);
      }
    }
  });

  it('works in a factor that is larger than the matrix, as one kept from before may be', () => {
    const matrix = positiveDefinite(9, 1);
    const factor = new Float64Array(400).fill(UNTOUCHED);
    expect(factorise(matrix, 9, 0, factor)).to.equal(true);
    const own = factorOf(matrix, 9)!;
    expect([...factor.subarray(0, 81)]).to.deep.equal([...own]);
    expect(factor.subarray(81).every((value) => value === UNTOUCHED)).to.equal(true);
  });

  it('refuses what is not positive definite, wherever that shows, and what is not finite', () => {
    for (const size of SIZES) {
      for (const row of new Set([0, Math.floor(size / 2), size - 1])) {
        const matrix = positiveDefinite(size, size);
        const entry = row * size + row;
        // The Schur complement of the other rows is at most the diagonal entry itself.
        const broken = (value: number) => matrix.map((old, index) => (index === entry ? value : old));
        for (const value of [-1e-3, 0, Number.NaN]) {
          expect(factorOf(broken(value), size), `size ${size}, entry ${row} is ${value}`).to.equal(undefined);
        }
        // A shift beyond what is missing mends it.
        expect(factorOf(broken(-1e-3), size, 2 * norm(matrix))).not.to.equal(undefined);
        expect(factorOf(matrix, size, Number.NaN)).to.equal(undefined);
      }
    }
  });

  it('refuses a matrix whose rank is one too small, unless it is shifted', () => {
    for (const size of [2, 5, 8, 23]) {
      // Whole numbers, so that nothing is rounded on the way to the last pivot, which is 0.
      const factor = square(size, (i, j) => (j > i || i === size - 1 ? 0 : i === j ? 1 : ((i * j) % 3) - 1));
      for (let j = 0; j < size - 1; j++) factor[(size - 1) * size + j] = 1;
      const matrix = square(size, (i, j) => {
        let sum = 0;
        for (let k = 0; k < size; k++) sum += factor[i * size + k] * factor[j * size + k];
        return sum;
      });
      expect(factorOf(matrix, size)).to.equal(undefined);
      expect(factorOf(matrix, size, 1e-3)).not.to.equal(undefined);
    }
  });
});
