/** Nodes z and logarithms of weights with ∫ f(z) exp(−z²) dz ≈ Σ exp(logWeights[i]) f(nodes[i]). */
export interface GaussHermite {
  readonly nodes: Float64Array;
  /** Logarithms: outer weights of large rules underflow. */
  readonly logWeights: Float64Array;
}

/** Halvings that leave one root, and Newton's method in its basin. */
const BISECTIONS = 40;
const NEWTON_STEPS = 4;

/**
 * The Gauss–Hermite rule of `count` nodes, ascending; at most a few hundred, beyond which the polynomials overflow.
 *
 * Roots are isolated by bisection on the number of sign changes of the orthonormal Hermite polynomials (a Sturm
 * sequence), then polished by Newton's method. Source: Golub and Welsch, Math. Comp. 23 (1969); Press et al.,
 * Numerical Recipes, section 4.6.
 */
export function gaussHermite(count: number): GaussHermite {
  const nodes = new Float64Array(count);
  const logWeights = new Float64Array(count);
  for (let index = 0; index < count; index++) {
    let [low, high] = [-Math.sqrt(2 * count + 1), Math.sqrt(2 * count + 1)];
    for (let halving = 0; halving < BISECTIONS; halving++) {
      const middle = (low + high) / 2;
      if (rootsAbove(count, middle) < count - index) high = middle;
      else low = middle;
    }
    let z = (low + high) / 2;
    for (let step = 0; step < NEWTON_STEPS; step++) {
      const { value, slope } = hermite(count, z);
      z -= value / slope;
    }
    nodes[index] = z;
    logWeights[index] = Math.log(2) - 2 * Math.log(Math.abs(hermite(count, z).slope));
  }
  return { nodes, logWeights };
}

/** The orthonormal polynomial of that degree and its slope, √(2 degree) times the polynomial of one degree less. */
function hermite(degree: number, z: number): { value: number; slope: number } {
  let [before, value] = [0, Math.PI ** -0.25];
  for (let n = 1; n <= degree; n++) {
    [before, value] = [value, z * Math.sqrt(2 / n) * value - Math.sqrt((n - 1) / n) * before];
  }
  return { value, slope: Math.sqrt(2 * degree) * before };
}

/** Roots of the polynomial of that degree above z: sign changes along the sequence of all degrees up to it. */
function rootsAbove(degree: number, z: number): number {
  let [before, value] = [0, Math.PI ** -0.25];
  let changes = 0;
  for (let n = 1; n <= degree; n++) {
    const next = z * Math.sqrt(2 / n) * value - Math.sqrt((n - 1) / n) * before;
    if (next < 0 !== value < 0) changes++;
    [before, value] = [value, next];
  }
  return changes;
}
