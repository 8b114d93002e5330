import { type ExponentialStepper, exponentialStepper } from './etdrk4.ts';
import { createFft } from './fft.ts';

/** Of the reference solution: twice the usual 512, since layers of width √(2 ε / 5) end up 3 of its grid widths wide. */
const MODES = 1024;
const STEPS = 400;
/** Neighbouring time levels from which values in between are interpolated. */
const STENCIL = 8;

export interface AllenCahnParameters {
  /** ε of u_t = ε u_xx + r (u − u³). */
  readonly diffusion: number;
  /** r. */
  readonly reaction: number;
}

/**
 * The solution of u_t = ε u_xx + r (u − u³) on [-1, 1] × [0, 1], periodic in x, with u(x, 0) = x² cos πx: Fourier modes
 * in x, exponential time differencing (ETDRK4) in t, computed when first asked for.
 *
 * The solution stays even, so that cosines suffice. Starts from the exact Fourier coefficients, whose truncation does
 * not alias the kink at x = ±1 onto smooth modes. Source: Kassam and Trefethen, SIAM J. Sci. Comput. 26 (2005).
 *
 * @param modes a power of two: cosines up to modes/2
 */
export function allenCahnSolution(
  { diffusion, reaction }: AllenCahnParameters,
  { modes = MODES, steps = STEPS }: { modes?: number; steps?: number } = {},
): (x: number, t: number) => number {
  let levels: readonly Float64Array[] | undefined;
  return (x, t) => {
    if (t === 0) return x * x * Math.cos(Math.PI * x);
    levels ??= timeLevels({ diffusion, reaction }, modes, steps);
    return interpolate(levels, x, t);
  };
}

/** Cosine coefficients at times 0, 1/steps, …, 1. */
function timeLevels({ diffusion, reaction }: AllenCahnParameters, modes: number, steps: number): Float64Array[] {
  const linear = Float64Array.from({ length: modes / 2 + 1 }, (_, k) => reaction - diffusion * (Math.PI * k) ** 2);
  const transform = cosineTransform(modes);
  const nonlinear = (coefficients: Float64Array): Float64Array => {
    const values = transform.toValues(coefficients);
    return transform.toCoefficients(values.map((value) => -reaction * value ** 3));
  };
  const stepper: ExponentialStepper = exponentialStepper(linear, nonlinear, 1 / steps);
  const levels = [initialCoefficients(modes)];
  for (let step = 0; step < steps; step++) levels.push(stepper(levels[step]));
  return levels;
}

/** Of x² cos πx = Σ a_k cos kπx, in closed form. */
function initialCoefficients(modes: number): Float64Array {
  const moment = (m: number) => (m === 0 ? 2 / 3 : (4 * (-1) ** m) / (m * Math.PI) ** 2);
  return Float64Array.from(
    { length: modes / 2 + 1 },
    (_, k) => (moment(Math.abs(k - 1)) + moment(k + 1)) / (k === 0 ? 4 : 2),
  );
}

/** Between Σ_k a_k cos kπx and its values at x = 2j/modes, j = 0 … modes − 1. */
function cosineTransform(modes: number) {
  const fft = createFft(modes);
  const half = modes / 2;
  const isEnd = (k: number) => k === 0 || k === half;
  const transformed = (values: Float64Array): Float64Array => {
    fft(values, new Float64Array(modes));
    return values;
  };
  return {
    toValues(coefficients: Float64Array): Float64Array {
      const share = (k: number) => (isEnd(k) ? coefficients[k] : coefficients[k] / 2);
      return transformed(Float64Array.from({ length: modes }, (_, k) => share(k <= half ? k : modes - k)));
    },
    toCoefficients(values: Float64Array): Float64Array {
      const sums = transformed(values.slice());
      return Float64Array.from({ length: half + 1 }, (_, k) => (sums[k] / modes) * (isEnd(k) ? 1 : 2));
    },
  };
}

/** Lagrange interpolation in t of the cosine series at x. */
function interpolate(levels: readonly Float64Array[], x: number, t: number): number {
  const steps = levels.length - 1;
  const position = Math.min(1, Math.max(0, t)) * steps;
  const first = Math.max(0, Math.min(Math.round(position - (STENCIL - 1) / 2), levels.length - STENCIL));
  let value = 0;
  for (let i = first; i < first + STENCIL; i++) {
    let weight = 1;
    for (let j = first; j < first + STENCIL; j++) if (j !== i) weight *= (position - j) / (i - j);
    if (weight !== 0) value += weight * cosineSeries(levels[i], x);
  }
  return value;
}

/** Σ a_k cos kπx by Clenshaw's recurrence. */
function cosineSeries(coefficients: Float64Array, x: number): number {
  const twice = 2 * Math.cos(Math.PI * x);
  let [next, afterNext] = [0, 0];
  for (let k = coefficients.length - 1; k > 0; k--) {
    [next, afterNext] = [coefficients[k] + twice * next - afterNext, next];
  }
  return coefficients[0] + (twice / 2) * next - afterNext;
}
