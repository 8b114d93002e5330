import { NestkanError } from '../errors.ts';

export const MAX_DEGREE = 5;
export const MAX_INTERVALS = 4096;

/** A uniform spline grid: `intervals` cells on `domain` = [a, b], carrying splines of `degree`. */
export interface SplineGrid {
  readonly degree: number;
  readonly intervals: number;
  readonly domain: readonly [number, number];
}

/**
 * Refuses what is no grid.
 *
 * @throws NestkanError DEGREE_OUT_OF_RANGE, INTERVALS_OUT_OF_RANGE or DOMAIN_INVALID
 */
export function checkGrid({ degree, intervals, domain }: SplineGrid): void {
  checkDegree(degree);
  checkIntervals(intervals);
  checkDomain(domain);
}

export function checkDegree(degree: number): void {
  if (Number.isInteger(degree) && degree >= 1 && degree <= MAX_DEGREE) return;
  throw new NestkanError(
    'DEGREE_OUT_OF_RANGE',
    `degree is ${degree}, expected a whole number from 1 to ${MAX_DEGREE}`,
    {
      fix: 'Use degree 3 (cubic) for regression, 4 for second-order physics.',
      where: { degree },
    },
  );
}

export function checkIntervals(intervals: number): void {
  if (Number.isInteger(intervals) && intervals >= 1 && intervals <= MAX_INTERVALS) return;
  throw new NestkanError(
    'INTERVALS_OUT_OF_RANGE',
    `intervals is ${intervals}, expected a whole number from 1 to ${MAX_INTERVALS}`,
    { fix: 'Start with 4 intervals and let refinement double them.', where: { intervals } },
  );
}

export function checkDomain(domain: readonly [number, number]): void {
  const [start, end] = Array.isArray(domain) && domain.length === 2 ? domain : [Number.NaN, Number.NaN];
  if (Number.isFinite(start) && Number.isFinite(end) && Number.isFinite(end - start) && start < end) return;
  throw new NestkanError('DOMAIN_INVALID', `domain is [${domain}], expected two finite numbers, the smaller first`, {
    fix: 'Give the domain as [start, end] with start < end, for example [-1, 1].',
    where: { domain },
  });
}

/** @throws NestkanError NON_FINITE_INPUT */
export function checkFinite(x: number): void {
  if (Number.isFinite(x)) return;
  throw new NestkanError('NON_FINITE_INPUT', `a spline was asked for its value at ${x}`, {
    fix: 'Remove or replace missing and infinite values before evaluating.',
  });
}
