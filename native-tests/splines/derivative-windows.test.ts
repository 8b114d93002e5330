import { expect } from 'chai';
import fc from 'fast-check';
import { bsplineBasis } from '../../src/splines/basis.ts';
import { derivativeWindowsAt } from '../../src/splines/derivative-windows.ts';

const grids = fc.record({
  degree: fc.integer({ min: 1, max: 5 }),
  intervals: fc.integer({ min: 1, max: 40 }),
  start: fc.double({ min: -3, max: 3, noNaN: true }),
  length: fc.double({ min: 0.1, max: 8, noNaN: true }),
});
/** Places in units of the domain: inside, at the ends and outside. */
const places = fc.array(fc.oneof(fc.double({ min: -1, max: 2, noNaN: true }), fc.constantFrom(0, 1)), {
  minLength: 1,
  maxLength: 9,
});

function windowsOf(degree: number, points: number) {
  const windows = () => new Float64Array(points * (degree + 1));
  return [windows(), windows(), windows(), windows()] as const;
}

describe('windows of all derivatives', () => {
  it('are the basis functions and their derivatives to the third, inside and outside the domain', () => {
    fc.assert(
      fc.property(grids, places, ({ degree, intervals, start, length }, where) => {
        const [domainStart, domainEnd] = [start, start + length];
        const x = where.map((place) => (place === 1 ? domainEnd : domainStart + place * length));
        const cells = new Int32Array(x.length);
        const windows = windowsOf(degree, x.length);
        const range = { first: 0, count: x.length };
        derivativeWindowsAt(x, range, { degree, intervals, domainStart, domainEnd }, cells, windows);
        const cellsPerUnit = intervals / (domainEnd - domainStart);
        x.forEach((point, i) => {
          // Left of the knot or right of it is a matter of rounding there, and the highest derivative jumps.
          const place = (point - domainStart) * cellsPerUnit;
          const atKnot = Math.abs(place - Math.round(place)) < 1e-9 && point !== domainStart && point !== domainEnd;
          windows.forEach((window, m) => {
            if (atKnot && m >= degree) return;
            const basis = bsplineBasis(point, { degree, intervals, domain: [domainStart, domainEnd] }, m);
            for (let j = 0; j <= degree; j++) {
              const expected = basis[cells[i] + j] / cellsPerUnit ** m;
              // A point's place in cells carries eps · place; the continuation multiplies it by the distance.
              const bound = 1e-13 * (1 + Math.abs(place));
              expect(window[i * (degree + 1) + j], `derivative ${m} at ${point}`).to.be.closeTo(expected, bound);
            }
          });
        });
      }),
      { numRuns: 300 },
    );
  });

  it('of NaN are NaN', () => {
    const windows = windowsOf(3, 2);
    const grid = { degree: 3, intervals: 4, domainStart: -1, domainEnd: 1 };
    derivativeWindowsAt([Number.NaN, 0], { first: 0, count: 2 }, grid, new Int32Array(2), windows);
    for (const window of windows) {
      expect(window.subarray(0, 4).every(Number.isNaN)).to.equal(true);
      expect(window.subarray(4).every(Number.isFinite)).to.equal(true);
    }
  });
});
