import { expect } from 'chai';
import fc from 'fast-check';
import { bsplineBasis } from '../../src/splines/basis.ts';
import { grevillePoints, uniformKnots } from '../../src/splines/knots.ts';
import { errorOf } from '../backends.ts';
import { absoluteDot, anywhere, dot, EPSILON, grids, inside, pointAt, positionError } from './grids.ts';
import scipy from './scipy-values.json';

/** Operations of a window's evaluation, differences included, each with one rounding. */
const ROUNDINGS = 32;

/** Cells per unit length: the m-th derivative is this to the power m times one with respect to a cell's coordinate. */
function cellsPerUnit({ intervals, domain: [start, end] }: { intervals: number; domain: number[] }): number {
  return intervals / (end - start);
}

describe('B-spline basis', () => {
  for (const { degree, intervals, domain, points } of scipy.uniform) {
    const grid = { degree, intervals, domain: domain as [number, number] };
    it(`equals SciPy's, derivatives included: degree ${degree}, ${intervals} intervals on [${domain}]`, () => {
      for (const { x, derivatives } of points) {
        derivatives.forEach(({ first, values }, derivative) => {
          const expected = new Float64Array(intervals + degree);
          expected.set(values, first);
          const actual = bsplineBasis(x, grid, derivative);
          // Each differentiation with respect to the cell's coordinate at most doubles the largest value. Twice the
          // position's error, because SciPy has its own.
          const scale = (2 * cellsPerUnit(grid)) ** derivative;
          const tolerance = scale * (ROUNDINGS * EPSILON + 4 * positionError(grid, x));
          for (let k = 0; k < expected.length; k++) {
            expect(actual[k], `x ${x}, derivative ${derivative}, k ${k}`).to.be.closeTo(expected[k], tolerance);
          }
        });
      }
    });
  }

  it('sums to one and its derivatives to zero, inside and outside the domain', () => {
    fc.assert(
      fc.property(grids(600), anywhere, fc.integer({ min: 0, max: 3 }), (grid, place, derivative) => {
        const basis = bsplineBasis(pointAt(grid, place), grid, derivative);
        const ones = basis.map(() => 1);
        const tolerance = ROUNDINGS * EPSILON * Math.max(1, absoluteDot(basis, ones));
        expect(dot(basis, ones)).to.be.closeTo(derivative === 0 ? 1 : 0, tolerance);
      }),
    );
  });

  it('is local: at most degree + 1 functions, none of them negative inside the domain', () => {
    fc.assert(
      fc.property(grids(600), inside, (grid, place) => {
        const basis = bsplineBasis(pointAt(grid, place), grid);
        const alive = Array.from(basis.keys()).filter((k) => basis[k] !== 0);
        expect(alive[alive.length - 1] - alive[0]).to.be.at.most(grid.degree);
        // A position that rounds to just outside its cell gives values of the size of that error.
        expect(Math.min(...basis)).to.be.at.least(-2 * positionError(grid, pointAt(grid, place)));
      }),
    );
  });

  it('reproduces straight lines from coefficients at the Greville points, outside the domain too', () => {
    fc.assert(
      fc.property(grids(600), anywhere, (grid, place) => {
        const x = pointAt(grid, place);
        const points = grevillePoints(grid);
        const basis = bsplineBasis(x, grid);
        const scale = absoluteDot(points, basis) + Math.abs(x);
        const sloped = positionError(grid, x) / cellsPerUnit({ ...grid, domain: [...grid.domain] });
        expect(dot(points, basis)).to.be.closeTo(x, 2 * ROUNDINGS * EPSILON * scale + 2 * sloped);
      }),
    );
  });

  it('continues linearly outside the domain: value and slope of its end, no curvature', () => {
    fc.assert(
      fc.property(grids(600), fc.double({ min: 1e-3, max: 2, noNaN: true }), fc.boolean(), (grid, far, right) => {
        const end = right ? grid.domain[1] : grid.domain[0];
        const x = right ? end + far : end - far;
        const value = bsplineBasis(end, grid);
        const slope = bsplineBasis(end, grid, 1);
        const basis = bsplineBasis(x, grid);
        for (let k = 0; k < basis.length; k++) {
          const terms = Math.abs(value[k]) + Math.abs((x - end) * slope[k]);
          expect(basis[k]).to.be.closeTo(value[k] + (x - end) * slope[k], 8 * EPSILON * terms);
        }
        expect(bsplineBasis(x, grid, 1)).to.deep.equal(slope);
        for (const derivative of [2, 3]) {
          expect(bsplineBasis(x, grid, derivative)).to.deep.equal(new Float64Array(basis.length));
        }
      }),
    );
  });

  it('takes the right cell at a knot where a derivative jumps, and the left one at the domain end', () => {
    const grid = { degree: 1, intervals: 2, domain: [-1, 1] as const };
    expect([...bsplineBasis(0, grid, 1)]).to.deep.equal([0, -1, 1]);
    expect([...bsplineBasis(1, grid, 1)]).to.deep.equal([0, -1, 1]);
    expect([...bsplineBasis(-1, grid, 1)]).to.deep.equal([-1, 1, 0]);
  });

  it('lives on knots that continue the spacing and meet the domain exactly', () => {
    const knots = uniformKnots({ degree: 2, intervals: 10, domain: [0.1, 0.7] });
    expect(knots).to.have.length(15);
    expect([knots[2], knots[12]]).to.deep.equal([0.1, 0.7]);
    expect(knots[0]).to.be.closeTo(-0.02, 4 * EPSILON);
    expect(knots[14]).to.be.closeTo(0.82, 4 * EPSILON);
  });

  it('refuses what is no grid, no point or no derivative', async () => {
    const grid = { degree: 3, intervals: 4, domain: [-1, 1] as [number, number] };
    const codeOf = async (x: number, changes: object, derivative?: number) =>
      (await errorOf(() => bsplineBasis(x, { ...grid, ...changes }, derivative))).code;
    for (const degree of [0, 6, 2.5, Number.NaN, '3']) {
      expect(await codeOf(0, { degree })).to.equal('DEGREE_OUT_OF_RANGE');
    }
    for (const intervals of [0, 4097, 1.5, Number.NaN]) {
      expect(await codeOf(0, { intervals })).to.equal('INTERVALS_OUT_OF_RANGE');
    }
    for (const domain of [[1, -1], [0, 0], [0, Number.NaN], [-Infinity, 0], [0], 5, undefined, [-1e308, 1e308]]) {
      expect(await codeOf(0, { domain })).to.equal('DOMAIN_INVALID');
    }
    for (const x of [Number.NaN, Infinity, -Infinity]) expect(await codeOf(x, {})).to.equal('NON_FINITE_INPUT');
    for (const derivative of [-1, 4, 0.5]) expect(await codeOf(0, {}, derivative)).to.equal('INVALID_ARGUMENT');
  });
});
