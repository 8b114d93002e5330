import fc from 'fast-check';
import type { SplineGrid } from '../../src/splines/grid.ts';

/** Rounding error of one operation in float64. */
export const EPSILON = 2 ** -53;

export const degrees = fc.integer({ min: 1, max: 5 });

/** Domains without any dyadic luck, of lengths 0.1 to 10. */
const domains = fc
  .tuple(fc.double({ min: -4, max: 4, noNaN: true }), fc.double({ min: 0.1, max: 10, noNaN: true }))
  .map(([start, length]) => [start, start + length] as const);

export function grids(maxIntervals: number): fc.Arbitrary<SplineGrid> {
  return fc.record({ degree: degrees, intervals: fc.integer({ min: 1, max: maxIntervals }), domain: domains });
}

/** A place relative to the domain: 0 is its start, 1 its end. */
export const inside = fc.double({ min: 0, max: 1, noNaN: true });
export const anywhere = fc.double({ min: -2, max: 3, noNaN: true });

export function pointAt({ domain: [start, end] }: SplineGrid, place: number): number {
  return start + place * (end - start);
}

/**
 * Bound of the rounding error of a point's position in units of cells: x, its domain and the spacing each carry one
 * relative rounding, and so do two operations.
 */
export function positionError({ intervals, domain: [start, end] }: SplineGrid, x: number): number {
  const largest = Math.max(Math.abs(start), Math.abs(end), Math.abs(x));
  return (5 * EPSILON * intervals * largest) / (end - start);
}

/** Entries in [−1, 1]; none so small that a product would lose digits to underflow. */
export function vectors(length: number): fc.Arbitrary<Float64Array> {
  return fc
    .float64Array({ minLength: length, maxLength: length, min: -1, max: 1, noNaN: true })
    .map((entries) => entries.map((entry) => (Math.abs(entry) < 1e-100 ? 0 : entry)));
}

export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return Array.from(a).reduce((sum, value, i) => sum + value * b[i], 0);
}

/** Σ |a_i| |b_i|, the scale of the rounding errors of a dot product. */
export function absoluteDot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return Array.from(a).reduce((sum, value, i) => sum + Math.abs(value * b[i]), 0);
}
