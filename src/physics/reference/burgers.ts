import { type GaussHermite, gaussHermite } from './gauss-hermite.ts';

/** Nodes of the quadrature; enough for viscosities down to 0.003 and times up to 1 in float64. */
const NODES = 200;

/**
 * The solution of u_t + u u_x = ν u_xx with u(x, 0) = −sin πx, u(±1, t) = 0, by the Cole–Hopf transformation:
 * with f(y) = exp(−cos πy / (2πν)),
 *
 * u(x, t) = −∫ sin π(x−η) f(x−η) exp(−η²/(4νt)) dη / ∫ f(x−η) exp(−η²/(4νt)) dη.
 *
 * Both integrals by the same Gauss–Hermite rule; the largest exponent is taken out, so that nothing overflows.
 * Source: Basdevant et al., Spectral and finite difference solutions of the Burgers equation, Computers & Fluids 14 (1986).
 *
 * @param viscosity ν, at least about 0.003
 * @param nodes of the quadrature rule
 */
export function burgersSolution(viscosity: number, nodes: number = NODES): (x: number, t: number) => number {
  let rule: GaussHermite | undefined;
  const exponents = new Float64Array(nodes);
  return (x, t) => {
    if (t === 0) return -Math.sin(Math.PI * x);
    rule ??= gaussHermite(nodes);
    const spread = 2 * Math.sqrt(viscosity * t);
    let largest = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < nodes; i++) {
      const y = x - spread * rule.nodes[i];
      exponents[i] = rule.logWeights[i] - Math.cos(Math.PI * y) / (2 * Math.PI * viscosity);
      largest = Math.max(largest, exponents[i]);
    }
    let numerator = 0;
    let denominator = 0;
    for (let i = 0; i < nodes; i++) {
      const weight = Math.exp(exponents[i] - largest);
      numerator -= weight * Math.sin(Math.PI * (x - spread * rule.nodes[i]));
      denominator += weight;
    }
    return numerator / denominator;
  };
}
