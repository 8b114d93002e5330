import { NestkanError } from '../errors.ts';
import { checkFinite, checkGrid, type SplineGrid } from './grid.ts';
import { windowAt } from './window.ts';

/**
 * All intervals + degree B-splines on uniform extended knots, or one of their derivatives with respect to x, at x.
 *
 * Inside the domain they sum to 1. Outside, each continues linearly: value and slope of the domain's end, higher
 * derivatives zero. At a knot where a derivative jumps, the cell to the right counts; at the domain's end, the left.
 * Source: docs/mathematics.md, "Splines on uniform knots" and "Outside the domain".
 *
 * @param x a number, ±Infinity excluded
 * @param derivative 0 (default) to 3
 * @throws NestkanError DEGREE_OUT_OF_RANGE, INTERVALS_OUT_OF_RANGE, DOMAIN_INVALID, NON_FINITE_INPUT, INVALID_ARGUMENT
 *
 * ```ts
 * bsplineBasis(0, { degree: 1, intervals: 2, domain: [-1, 1] }); // Float64Array [0, 1, 0]
 * ```
 */
export function bsplineBasis(x: number, grid: SplineGrid, derivative = 0): Float64Array {
  checkGrid(grid);
  checkFinite(x);
  checkDerivative(derivative);
  const { degree, intervals, domain } = grid;
  const window = new Float64Array(degree + 1);
  const cell = windowAt(x, { degree, intervals, domainStart: domain[0], domainEnd: domain[1] }, derivative, window);
  const values = new Float64Array(intervals + degree);
  values.set(window, cell);
  return values;
}

function checkDerivative(derivative: number): void {
  if (Number.isInteger(derivative) && derivative >= 0 && derivative <= 3) return;
  throw new NestkanError('INVALID_ARGUMENT', `derivative is ${derivative}, expected 0, 1, 2 or 3`, {
    fix: 'Ask for the value (0) or one of the first three derivatives.',
    where: { derivative },
  });
}
