import { formatCount, formatNumber, formatPower } from '../format.ts';

export type ScaleType = 'linear' | 'log';
export type Domain = readonly [min: number, max: number];

export interface Ticks {
  values: number[];
  labels: string[];
}

/** Beyond these a difference or a quotient of two values may leave the range of doubles. */
const LARGEST = 1e300;
const SMALLEST_ON_LOG = 1e-300;
/** Spans below this share of the values count as constant: their tick labels would be all digits. */
const RESOLUTION = 1e-6;
/** Below this a step between ticks would be subnormal: drawn as zero. */
const TINY = 1e-290;
const PLAIN_RANGE = { min: 1e-2, max: 1e5 };

/** Whether a value has a place on an axis: finite, and positive where the axis is logarithmic. */
export function isDrawable(value: number, scale: ScaleType): boolean {
  return Math.abs(value) <= LARGEST && (scale === 'linear' || value >= SMALLEST_ON_LOG);
}

/** Maps a value to the coordinate in which the axis is straight, and back. */
export const straighten = (value: number, scale: ScaleType) => (scale === 'log' ? Math.log10(value) : value);
/** Room around the outermost values of a logarithmic axis ends where normal doubles do. */
const clampExponent = (exponent: number) => Math.min(305, Math.max(-305, exponent));
const unstraighten = (value: number, scale: ScaleType) => (scale === 'log' ? 10 ** clampExponent(value) : value);

/**
 * The range of the drawable values, widened by `padding` (a share of its length) at both ends; null if there are none.
 *
 * A constant gets room around it, so that it is drawn in the middle: half its size (around zero, a half), or half a decade.
 */
export function axisDomain(values: Iterable<number>, scale: ScaleType, padding = 0): Domain | null {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    if (!isDrawable(value, scale)) continue;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  if (min > max) return null;
  const [low, high] = [straighten(min, scale), straighten(max, scale)];
  const span = high - low;
  const size = Math.max(Math.abs(low), Math.abs(high));
  const constant = span <= (scale === 'log' ? RESOLUTION : Math.max(RESOLUTION * size, TINY));
  const aroundConstant = scale === 'log' || size <= TINY ? 1 : size;
  const room = constant ? aroundConstant / 2 : span * padding;
  return [unstraighten(low - room, scale), unstraighten(high + room, scale)];
}

function range(first: number, last: number, step: number): number[] {
  return Array.from({ length: Math.max(0, Math.floor((last - first) / step) + 1) }, (_, index) => first + index * step);
}

/** The step 1, 2 or 5 times a power of ten that gives at most `count` ticks. */
function linearStep(span: number, count: number): { step: number; exponent: number } {
  const raw = span / Math.max(1, count);
  let exponent = Math.floor(Math.log10(raw));
  let mantissa = [1, 2, 5, 10].find((candidate) => candidate * 10 ** exponent >= raw * (1 - 1e-9)) ?? 10;
  if (mantissa === 10) {
    mantissa = 1;
    exponent++;
  }
  return { step: mantissa * 10 ** exponent, exponent };
}

function linearTicks([min, max]: Domain, count: number): Ticks {
  const { step, exponent } = linearStep(max - min, count);
  const slack = 1e-9; // keeps an end that is itself a multiple of the step
  const values = range(Math.ceil(min / step - slack), Math.floor(max / step + slack), 1).map(
    (index) => index * step || 0,
  );
  const largest = Math.max(Math.abs(min), Math.abs(max));
  const plain = largest < 1e7 && (largest >= 1e-3 || largest === 0) && exponent >= -8;
  const digits = Math.max(1, Math.ceil(Math.log10(largest / step)) + 1);
  const label = (value: number) => {
    if (plain) return exponent >= 0 ? formatCount(Math.round(value)) : value.toFixed(-exponent);
    return value === 0 ? '0' : formatPower(Number(value.toPrecision(digits)));
  };
  return { values, labels: values.map(label) };
}

function logTicks([min, max]: Domain, count: number): Ticks {
  const slack = 1e-9;
  const [first, last] = [Math.ceil(Math.log10(min) - slack), Math.floor(Math.log10(max) + slack)];
  const inside = (value: number) => value >= min * (1 - slack) && value <= max * (1 + slack);
  const powers = range(first, last, Math.max(1, Math.ceil((last - first + 1) / count))).map(
    (exponent) => 10 ** exponent,
  );
  const finer = range(first - 1, last, 1).flatMap((exponent) =>
    [1, 2, 5].map((digit) => Number(`${digit}e${exponent}`)),
  );
  const choices = [finer.filter(inside), powers].filter((candidates) => candidates.length >= 2);
  const values = choices.find((candidates) => candidates.length <= count) ?? choices.at(-1);
  if (values === undefined) return linearTicks([min, max], Math.min(count, 4));
  const plain = values.every((value) => value >= PLAIN_RANGE.min && value <= PLAIN_RANGE.max);
  const clean = values.map((value) => Number(value.toPrecision(3)));
  return {
    values: clean,
    labels: clean.map((value) => (plain ? formatCount(value).replace(/^(0\.\d*?)0+$/, '$1') : formatPower(value))),
  };
}

/** At most about `count` ticks at round values, with their labels. */
export function axisTicks(domain: Domain, scale: ScaleType, count: number): Ticks {
  return scale === 'log' ? logTicks(domain, count) : linearTicks(domain, count);
}

/** Ticks at given values, those inside the domain. */
export function fixedTicks(values: readonly number[], [min, max]: Domain): Ticks {
  // Ends of a logarithmic domain come out of a logarithm, a rounding off.
  const slack = 1e-9 * (max - min);
  const inside = values.filter((value) => value >= min - slack && value <= max + slack);
  return {
    values: inside,
    labels: inside.map((value) => (Number.isInteger(value) ? formatCount(value) : formatNumber(value))),
  };
}

/** Position of `value` between the ends of `domain`, from 0 to 1. */
export function axisPosition(value: number, [min, max]: Domain, scale: ScaleType): number {
  const low = straighten(min, scale);
  return (straighten(value, scale) - low) / (straighten(max, scale) - low);
}
