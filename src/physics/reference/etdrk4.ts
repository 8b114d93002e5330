/** One step in time of a vector of modes. */
export type ExponentialStepper = (state: Float64Array) => Float64Array;

/** Points on the upper half of the unit circle around each eigenvalue. */
const CONTOUR_POINTS = 32;

/**
 * Fourth-order exponential time differencing for v' = L v + N(v) with diagonal L.
 *
 * Its coefficients suffer cancellation near L = 0, and are therefore means over circles around the eigenvalues.
 * Source: Kassam and Trefethen, Fourth-order time-stepping for stiff PDEs, SIAM J. Sci. Comput. 26 (2005); the scheme
 * is Cox and Matthews'.
 *
 * @param linear L's diagonal
 * @param nonlinear N
 * @param step length of a time step
 */
export function exponentialStepper(
  linear: Float64Array,
  nonlinear: (state: Float64Array) => Float64Array,
  step: number,
): ExponentialStepper {
  const whole = linear.map((eigenvalue) => Math.exp(step * eigenvalue));
  const half = linear.map((eigenvalue) => Math.exp((step * eigenvalue) / 2));
  const { q, f1, f2, f3 } = coefficients(linear, step);
  const combine = (f: (k: number) => number) => linear.map((_, k) => f(k));
  return (v) => {
    const nv = nonlinear(v);
    const a = combine((k) => half[k] * v[k] + q[k] * nv[k]);
    const na = nonlinear(a);
    const b = combine((k) => half[k] * v[k] + q[k] * na[k]);
    const nb = nonlinear(b);
    const c = combine((k) => half[k] * a[k] + q[k] * (2 * nb[k] - nv[k]));
    const nc = nonlinear(c);
    return combine((k) => whole[k] * v[k] + f1[k] * nv[k] + 2 * f2[k] * (na[k] + nb[k]) + f3[k] * nc[k]);
  };
}

interface Complex {
  readonly re: number;
  readonly im: number;
}

/** Means over a circle; eigenvalues are real, so that half of it and real parts are enough. */
function coefficients(linear: Float64Array, step: number) {
  const zeros = () => new Float64Array(linear.length);
  const [q, f1, f2, f3] = [zeros(), zeros(), zeros(), zeros()];
  const share = step / CONTOUR_POINTS;
  linear.forEach((eigenvalue, k) => {
    for (let point = 0; point < CONTOUR_POINTS; point++) {
      const angle = (Math.PI * (point + 0.5)) / CONTOUR_POINTS;
      const z = { re: step * eigenvalue + Math.cos(angle), im: Math.sin(angle) };
      const e = exponential(z);
      const square = times(z, z);
      const cube = times(square, z);
      // (exp(z/2) − 1)/z, and over z³: −4 − z + eᶻ(4 − 3z + z²), 2 + z + eᶻ(z − 2), −4 − 3z − z² + eᶻ(4 − z).
      q[k] += share * realQuotient(sum([1, exponential(sum([0.5, z]))], [-1, ONE]), z);
      f1[k] += share * realQuotient(sum([-4, ONE], [-1, z], [4, e], [-3, times(e, z)], [1, times(e, square)]), cube);
      f2[k] += share * realQuotient(sum([2, ONE], [1, z], [-2, e], [1, times(e, z)]), cube);
      f3[k] += share * realQuotient(sum([-4, ONE], [-3, z], [-1, square], [4, e], [-1, times(e, z)]), cube);
    }
  });
  return { q, f1, f2, f3 };
}

const ONE: Complex = { re: 1, im: 0 };

function sum(...terms: readonly (readonly [factor: number, value: Complex])[]): Complex {
  const part = (name: keyof Complex) => terms.reduce((total, [factor, value]) => total + factor * value[name], 0);
  return { re: part('re'), im: part('im') };
}

function times(a: Complex, b: Complex): Complex {
  return { re: a.re * b.re - a.im * b.im, im: a.re * b.im + a.im * b.re };
}

function exponential({ re, im }: Complex): Complex {
  const size = Math.exp(re);
  return { re: size * Math.cos(im), im: size * Math.sin(im) };
}

function realQuotient(a: Complex, b: Complex): number {
  return (a.re * b.re + a.im * b.im) / (b.re * b.re + b.im * b.im);
}
