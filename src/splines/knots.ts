import { checkGrid, type SplineGrid } from './grid.ts';

/**
 * The extended uniform knots t_i = a + i·h, i = −degree … intervals + degree, h = (b − a)/intervals.
 *
 * B-spline k (zero-based) lives on knots k … k + degree + 1 of this array. The knots outside the domain continue the
 * spacing; they are not repeated. Computed as the weighted mean of a and b, so that both ends are exact.
 * Source: docs/mathematics.md, "Splines on uniform knots".
 *
 * @returns intervals + 2·degree + 1 knots
 * @throws NestkanError DEGREE_OUT_OF_RANGE, INTERVALS_OUT_OF_RANGE or DOMAIN_INVALID
 */
export function uniformKnots(grid: SplineGrid): Float64Array {
  checkGrid(grid);
  const { degree, intervals, domain } = grid;
  const [start, end] = domain;
  const knots = new Float64Array(intervals + 2 * degree + 1);
  for (let k = 0; k < knots.length; k++) {
    const i = k - degree;
    knots[k] = (start * (intervals - i) + end * i) / intervals;
  }
  return knots;
}

/** Abscissas at which coefficients c_k = f(ξ_k) reproduce a straight line f: the mean of `degree` inner knots. */
export function grevillePoints(grid: SplineGrid): Float64Array {
  checkGrid(grid);
  const { degree, intervals, domain } = grid;
  const [start, end] = domain;
  const points = new Float64Array(intervals + degree);
  for (let k = 0; k < points.length; k++) {
    const i = k + (1 - degree) / 2;
    points[k] = (start * (intervals - i) + end * i) / intervals;
  }
  return points;
}
