/** Numbers as people read them; shared by the reports, the charts, the documents' tables and the command line. */

const MISSING = '–';

/**
 * A number at `digits` significant digits: plain between 1e-3 and 1e6, otherwise scientific; integers below 1e6 in full.
 *
 * Missing values give a dash. `formatNumber(1.234e-5) === '1.23e-5'`, `formatNumber(0.5) === '0.500'`.
 */
export function formatNumber(value: number | null | undefined, digits = 3): string {
  if (value === null || value === undefined) return MISSING;
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '∞' : '-∞';
  if (value === 0) return '0';
  if (Number.isInteger(value) && Math.abs(value) < 1e6) return String(value);
  // Rounding may carry into the next decade (999.96 → 1000): decide on the rounded number.
  const rounded = Number(value.toPrecision(digits));
  const size = Math.abs(rounded);
  if (size < 1e-3 || size >= 1e6) return value.toExponential(digits - 1).replace('e+', 'e');
  const decimals = Math.max(0, digits - 1 - Math.floor(Math.log10(size)));
  return value.toFixed(decimals);
}

/** A count with thousands separated by commas: `formatCount(12345) === '12,345'`. */
export function formatCount(value: number | null | undefined): string {
  if (value === null || value === undefined) return MISSING;
  if (!Number.isFinite(value)) return formatNumber(value);
  if (!Number.isInteger(value) || Math.abs(value) >= 1e15) return formatNumber(value);
  return String(value).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** A duration given in seconds, in the unit that suits it: `formatSeconds(0.0123) === '12.3 ms'`. */
export function formatSeconds(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined) return MISSING;
  if (!Number.isFinite(seconds) || seconds < 0) return `${formatNumber(seconds)} s`;
  if (seconds === 0) return '0 s';
  if (seconds < 0.9995e-3) return `${formatNumber(seconds * 1e6)} µs`;
  if (seconds < 0.9995) return `${formatNumber(seconds * 1e3)} ms`;
  if (seconds < 59.95) return `${formatNumber(seconds)} s`;
  const whole = Math.round(seconds);
  const minutes = Math.floor(whole / 60);
  return minutes < 60
    ? `${minutes} min ${whole % 60} s`
    : `${formatCount(Math.floor(minutes / 60))} h ${minutes % 60} min`;
}

/** A remark under a chart that leaves values out; none where it leaves none out. */
export function notDrawn(count: number, reason: string): string[] {
  return count === 0 ? [] : [`${formatCount(count)} ${count === 1 ? 'value is' : 'values are'} not drawn: ${reason}.`];
}

/** How many times the best: `formatRatio(1) === '1×'`, `formatRatio(9.21) === '9.2×'`, `formatRatio(312.4) === '312×'`. */
export function formatRatio(ratio: number | null | undefined): string {
  if (ratio === null || ratio === undefined || Number.isNaN(ratio)) return MISSING;
  if (!Number.isFinite(ratio)) return `${formatNumber(ratio)}×`;
  const size = Math.abs(ratio);
  if (size >= 9.95 && size < 1e6) return `${formatCount(Math.round(ratio))}×`;
  return `${formatNumber(ratio, 2).replace(/^(-?\d+)\.0$/, '$1')}×`;
}

const SUPERSCRIPTS: Record<string, string> = { '-': '⁻' };
for (const [digit, sign] of [...'⁰¹²³⁴⁵⁶⁷⁸⁹'].entries()) SUPERSCRIPTS[digit] = sign;

/** Scientific notation as print has it: `formatPower(2e-5) === '2·10⁻⁵'`. For the ticks of logarithmic axes. */
export function formatPower(value: number): string {
  const [mantissa, exponent] = value.toExponential().split('e');
  const power = `10${[...exponent.replace('+', '')].map((character) => SUPERSCRIPTS[character]).join('')}`;
  if (mantissa === '1') return power;
  return `${mantissa === '-1' ? '-' : `${mantissa}·`}${power}`;
}
