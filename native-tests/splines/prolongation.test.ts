import { expect } from 'chai';
import fc from 'fast-check';
import { bsplineBasis } from '../../src/splines/basis.ts';
import { prolongate, prolongationMatrix } from '../../src/splines/prolongation.ts';
import { errorOf } from '../backends.ts';
import { absoluteDot, anywhere, degrees, dot, EPSILON, grids, pointAt, vectors } from './grids.ts';

const gridAndCoefficients = grids(300).chain((grid) =>
  fc.tuple(fc.constant(grid), vectors(grid.intervals + grid.degree)),
);

describe('Prolongation', () => {
  it('keeps the function and its derivatives, inside and outside the domain', () => {
    fc.assert(
      fc.property(gridAndCoefficients, anywhere, ([grid, coarse], place) => {
        const fine = prolongate(coarse, grid.degree);
        const x = pointAt(grid, place);
        const before = bsplineBasis(x, grid);
        const after = bsplineBasis(x, { ...grid, intervals: 2 * grid.intervals });
        expect(Math.abs(dot(fine, after) - dot(coarse, before))).to.be.at.most(
          1e-12 * Math.max(1, absoluteDot(fine, after), absoluteDot(coarse, before)),
        );
      }),
    );
  });

  it('keeps slopes: degree 2 and more, where they are continuous', () => {
    fc.assert(
      fc.property(gridAndCoefficients, anywhere, ([grid, coarse], place) => {
        fc.pre(grid.degree > 1);
        const fine = prolongate(coarse, grid.degree);
        const x = pointAt(grid, place);
        const before = bsplineBasis(x, grid, 1);
        const after = bsplineBasis(x, { ...grid, intervals: 2 * grid.intervals }, 1);
        expect(Math.abs(dot(fine, after) - dot(coarse, before))).to.be.at.most(
          1e-12 * (absoluteDot(fine, after) + absoluteDot(coarse, before)),
        );
      }),
    );
  });

  // The two-scale relations, written out by hand: fine coefficients 2i and 2i + 1 of u_i, u_{i−1}, u_{i−2}.
  const stencils: Record<number, { even: number[]; odd: number[] }> = {
    1: { even: [1 / 2, 1 / 2], odd: [1, 0] },
    2: { even: [1 / 4, 3 / 4], odd: [3 / 4, 1 / 4] },
    3: { even: [1 / 8, 6 / 8, 1 / 8], odd: [1 / 2, 1 / 2, 0] },
    4: { even: [1 / 16, 10 / 16, 5 / 16], odd: [5 / 16, 10 / 16, 1 / 16] },
    5: { even: [1 / 32, 15 / 32, 15 / 32, 1 / 32], odd: [6 / 32, 20 / 32, 6 / 32] },
  };
  for (const [name, { even, odd }] of Object.entries(stencils)) {
    const degree = Number(name);
    it(`has the stencils of degree ${degree} in its rows`, () => {
      const intervals = 4;
      const { rows, columns, data } = prolongationMatrix({ degree, intervals });
      expect([rows, columns]).to.deep.equal([2 * intervals + degree, intervals + degree]);
      for (let fine = 0; fine < rows; fine++) {
        // Functions are numbered from −degree; storage from 0.
        const i = Math.floor((fine - degree) / 2);
        const stencil = (fine - degree) % 2 === 0 ? even : odd;
        const expected = new Float64Array(columns);
        stencil.forEach((weight, back) => {
          if (weight !== 0) expected[i - back + degree] = weight;
        });
        expect([...data.subarray(fine * columns, (fine + 1) * columns)]).to.deep.equal([...expected]);
      }
    });
  }

  it('keeps constants: every row sums to one', () => {
    fc.assert(
      fc.property(degrees, fc.integer({ min: 1, max: 60 }), (degree, intervals) => {
        const { rows, columns, data } = prolongationMatrix({ degree, intervals });
        for (let i = 0; i < rows; i++) {
          const sum = data.subarray(i * columns, (i + 1) * columns).reduce((total, value) => total + value, 0);
          expect(sum).to.equal(1);
        }
      }),
    );
  });

  it('is the matrix: P times a vector', () => {
    fc.assert(
      fc.property(gridAndCoefficients, ([{ degree, intervals }, coarse]) => {
        const { columns, data } = prolongationMatrix({ degree, intervals });
        prolongate(coarse, degree).forEach((value, i) => {
          const row = data.subarray(i * columns, (i + 1) * columns);
          expect(value).to.be.closeTo(dot(row, coarse), 8 * EPSILON * absoluteDot(row, coarse));
        });
      }),
    );
  });

  it('refuses degrees, interval counts and vectors that do not exist', async () => {
    expect((await errorOf(() => prolongationMatrix({ degree: 6, intervals: 4 }))).code).to.equal('DEGREE_OUT_OF_RANGE');
    expect((await errorOf(() => prolongationMatrix({ degree: 3, intervals: 0 }))).code).to.equal(
      'INTERVALS_OUT_OF_RANGE',
    );
    expect((await errorOf(() => prolongate([1, 2, 3], 3))).code).to.equal('SHAPE_MISMATCH');
  });
});
