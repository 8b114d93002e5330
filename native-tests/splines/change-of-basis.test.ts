import { expect } from 'chai';
import fc from 'fast-check';
import { bsplineBasis } from '../../src/splines/basis.ts';
import {
  changeOfBasisDiagonals,
  changeOfBasisMatrix,
  generalChangeOfBasis,
  multiplyByA,
  multiplyByATransposed,
  solveWithA,
  solveWithATransposed,
} from '../../src/splines/change-of-basis.ts';
import type { SplineGrid } from '../../src/splines/grid.ts';
import { uniformKnots } from '../../src/splines/knots.ts';
import type { Matrix } from '../../src/splines/matrix.ts';
import { errorOf } from '../backends.ts';
import { absoluteDot, dot, EPSILON, grids, inside, pointAt, positionError, vectors } from './grids.ts';
import scipy from './scipy-values.json';

const operations = { multiplyByA, multiplyByATransposed, solveWithA, solveWithATransposed };

function rowsOf({ rows, columns, data }: Matrix): Float64Array[] {
  return Array.from({ length: rows }, (_, i) => data.subarray(i * columns, (i + 1) * columns));
}

function transposed({ rows, columns, data }: Matrix): Matrix {
  const result = new Float64Array(data.length);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) result[j * rows + i] = data[i * columns + j];
  return { rows: columns, columns: rows, data: result };
}

function reluPowers(knots: ArrayLike<number>, degree: number, x: number): Float64Array {
  return Float64Array.from({ length: knots.length - degree - 1 }, (_, j) => Math.max(x - knots[j], 0) ** degree);
}

/** Relative error of the differences of neighbouring knots. */
function spacingError(grid: SplineGrid): number {
  const knots = uniformKnots(grid);
  return 2 * positionError(grid, Math.max(Math.abs(knots[0]), Math.abs(knots[knots.length - 1])));
}

const gridAndVector = grids(40).chain((grid) => fc.tuple(fc.constant(grid), vectors(grid.intervals + grid.degree)));

describe('Change of basis', () => {
  it('turns powers of ReLU into B-splines: A ψ = b on uniform knots', () => {
    fc.assert(
      fc.property(grids(12), inside, (grid, place) => {
        const x = pointAt(grid, place);
        const relu = reluPowers(uniformKnots(grid), grid.degree, x);
        const basis = bsplineBasis(x, grid);
        // Powers of differences of knots that carry the spacing's relative error.
        const relative = (2 * grid.degree + 4) * (EPSILON + spacingError(grid));
        rowsOf(changeOfBasisMatrix(grid)).forEach((row, i) => {
          const tolerance = relative * absoluteDot(row, relu) + 4 * positionError(grid, x);
          expect(dot(row, relu)).to.be.closeTo(basis[i], tolerance);
        });
      }),
    );
  });

  for (const { degree, knots, points } of scipy.random) {
    it(`turns powers of ReLU into SciPy's B-splines on knots without pattern: degree ${degree}`, () => {
      const rows = rowsOf(generalChangeOfBasis(knots, degree));
      for (const { x, values } of points) {
        const relu = reluPowers(knots, degree, x);
        rows.forEach((row, i) => {
          expect(dot(row, relu)).to.be.closeTo(values[i], 16 * degree * EPSILON * absoluteDot(row, relu));
        });
      }
    });
  }

  it('has the closed form and the recursion agree on uniform knots', () => {
    fc.assert(
      fc.property(grids(40), (grid) => {
        const closed = changeOfBasisMatrix(grid);
        const general = generalChangeOfBasis(uniformKnots(grid), grid.degree);
        expect([general.rows, general.columns]).to.deep.equal([closed.rows, closed.columns]);
        // Every level of the recursion divides by one difference of knots; terms add up without cancellation.
        const relative = (grid.degree + 1) * (4 * EPSILON + 2 * spacingError(grid));
        closed.data.forEach((value, at) => {
          expect(general.data[at]).to.be.closeTo(value, relative * Math.abs(value));
        });
      }),
    );
  });

  it('is upper triangular with degree + 2 diagonals', () => {
    const { data, columns } = changeOfBasisMatrix({ degree: 3, intervals: 4, domain: [0, 4] });
    const firstRow = [1, -4, 6, -4, 1, 0, 0].map((value) => value / 6);
    firstRow.forEach((value, j) => {
      expect(data[j]).to.be.closeTo(value, EPSILON);
    });
    for (let i = 0; i < columns; i++) {
      for (let j = 0; j < columns; j++) {
        if (j < i || j > i + 4) expect(data[i * columns + j]).to.equal(0);
      }
    }
  });

  it('multiplies by A and its transpose in place as the dense matrix does', () => {
    fc.assert(
      fc.property(gridAndVector, ([grid, vector]) => {
        const diagonals = changeOfBasisDiagonals(grid);
        const matrix = changeOfBasisMatrix(grid);
        for (const [multiply, dense] of [
          [multiplyByA, matrix],
          [multiplyByATransposed, transposed(matrix)],
        ] as const) {
          const result = vector.slice();
          multiply(diagonals, result);
          rowsOf(dense).forEach((row, i) => {
            expect(result[i]).to.be.closeTo(dot(row, vector), 8 * EPSILON * absoluteDot(row, vector));
          });
        }
      }),
    );
  });

  it('solves what it multiplied, with A and with its transpose', () => {
    fc.assert(
      fc.property(gridAndVector, ([grid, vector]) => {
        const diagonals = changeOfBasisDiagonals(grid);
        for (const [multiply, solve] of [
          [multiplyByA, solveWithA],
          [multiplyByATransposed, solveWithATransposed],
        ] as const) {
          const result = vector.slice();
          multiply(diagonals, result);
          solve(diagonals, result);
          const tolerance = 16 * EPSILON * inverseTimesAbsolute(grid);
          vector.forEach((value, i) => {
            expect(result[i]).to.be.closeTo(value, tolerance);
          });
        }
      }),
    );
  });

  it('treats strided lines as it treats vectors, and nothing beside them', () => {
    fc.assert(
      fc.property(gridAndVector, fc.constantFrom(...Object.values(operations)), ([grid, vector], operation) => {
        const diagonals = changeOfBasisDiagonals(grid);
        const [offset, stride, count] = [2, 3, vector.length];
        const buffer = new Float64Array(offset + stride * count).fill(7);
        vector.forEach((value, i) => {
          buffer[offset + i * stride] = value;
        });
        operation(diagonals, buffer, { offset, stride, count });
        operation(diagonals, vector);
        buffer.forEach((value, at) => {
          const onLine = at >= offset && (at - offset) % stride === 0;
          expect(value).to.equal(onLine ? vector[(at - offset) / stride] : 7);
        });
      }),
    );
  });

  // The paper's figures for 50 intervals: condition numbers of AᵀA, two digits printed.
  for (const [degree, condition] of [
    [1, 9.4e6],
    [2, 1.2e10],
    [3, 1.1e13],
  ]) {
    it(`has the condition number ${condition} at 50 intervals, degree ${degree}`, () => {
      const diagonals = changeOfBasisDiagonals({ degree, intervals: 50, domain: [0, 1] });
      const largest = largestEigenvalue(50 + degree, (vector) => {
        multiplyByA(diagonals, vector);
        multiplyByATransposed(diagonals, vector);
      });
      const inverseOfSmallest = largestEigenvalue(50 + degree, (vector) => {
        solveWithATransposed(diagonals, vector);
        solveWithA(diagonals, vector);
      });
      expect((largest * inverseOfSmallest) / condition).to.be.closeTo(1, 0.06);
    });
  }

  it('refuses knots that do not increase', async () => {
    for (const knots of [
      [0, 1, 1, 2, 3],
      [0, 1],
      [0, 1, Number.NaN, 3],
      [0, 1, 2, 3, Infinity],
    ]) {
      expect((await errorOf(() => generalChangeOfBasis(knots, 2))).code).to.equal('INVALID_ARGUMENT');
    }
    expect((await errorOf(() => generalChangeOfBasis([0, 1, 2], 0))).code).to.equal('DEGREE_OUT_OF_RANGE');
  });
});

/** Largest row sum of |A⁻¹| |A|, which bounds how much rounding errors grow in a solve; the same for Aᵀ. */
function inverseTimesAbsolute(grid: SplineGrid): number {
  const size = grid.intervals + grid.degree;
  // A⁻¹ has positive entries only, so |A⁻¹| |A| 1 is one solve.
  const diagonals = changeOfBasisDiagonals(grid);
  const sums = new Float64Array(size).fill(1);
  multiplyByA(diagonals.map(Math.abs), sums);
  solveWithA(diagonals, sums);
  return Math.max(...sums);
}

/** By power iteration, which has two digits long before it has converged. */
function largestEigenvalue(size: number, apply: (vector: Float64Array) => void): number {
  let vector = Float64Array.from({ length: size }, (_, i) => Math.sin(7 * i + 1));
  let value = 0;
  for (let iteration = 0; iteration < 400; iteration++) {
    const next = vector.slice();
    apply(next);
    value = dot(vector, next) / dot(vector, vector);
    const norm = Math.sqrt(dot(next, next));
    vector = next.map((entry) => entry / norm);
  }
  return value;
}
