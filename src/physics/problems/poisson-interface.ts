import { definePde, type Pde } from '../pde.ts';
import { grid, interior, type Sampler } from '../sampling.ts';
import type { BuiltInProblem } from './built-in.ts';

export interface PoissonInterfaceOptions {
  /** Where the equation holds. Default: 8000 quasi-random points. */
  readonly volume?: Sampler;
  /** Nodes per coordinate of the grid of boundary and interface points. Default 51. */
  readonly nodes?: number;
  /** Rate of residual-based attention in the volume. Default 1e-4. */
  readonly attention?: number;
}

/** Coefficient on the left and on the right of x = 0. */
const EPSILON = { left: 1, right: 0.5 };

function solution(x: number, y: number): number {
  return Math.sin((x < 0 ? 1 : 2) * Math.PI * x) * Math.sin(3 * Math.PI * y);
}

/**
 * ∇·(ε∇u) = f on [-1, 1]², u = 0 on the boundary, with a coefficient ε that jumps at x = 0: 1 on the left, ½ on the
 * right. u* = sin πx sin 3πy on the left, sin 2πx sin 3πy on the right.
 *
 * The network sees x, y and |x|, so that u is continuous and u_x may jump; ε u_x must not.
 * Source: Southworth et al., arXiv 2603.04827, section 6.2, with its weights and attention. Its points are the nodes of a
 * grid, {@link poissonInterfaceGridPde}.
 */
export function poissonInterfacePde({
  volume = interior(8000),
  nodes = 51,
  attention = 1e-4,
}: PoissonInterfaceOptions = {}): Pde {
  const counts = { x: nodes, y: nodes };
  return definePde({
    inputs: { x: [-1, 1], y: [-1, 1] },
    features: ({ x, y }) => [x, y, x.abs()],
    terms: {
      volume: {
        on: volume,
        residual: ({ u, at }) =>
          u.xx
            .add(u.yy)
            .mul(at((x) => (x < 0 ? EPSILON.left : EPSILON.right)))
            .sub(at((x, y) => (x < 0 ? -10 : -6.5) * Math.PI ** 2 * solution(x, y))),
        weight: 1e-2,
        attention,
      },
      boundary: { on: grid(counts, { part: 'boundary' }), residual: ({ u }) => u },
      // The sign of −0 is −1: x = −0 is the left side of the interface, where |x| has the slope −1.
      flux: {
        on: [-0, 0].map((x) => grid({ y: nodes }, { part: 'inside', fixed: { x } })) as unknown as [Sampler, Sampler],
        residual: ({ sides: [left, right] }) => right.u.x.mul(EPSILON.right).sub(left.u.x.mul(EPSILON.left)),
        weight: 1e-1,
      },
    },
    exact: solution,
  });
}

export const poissonInterface: BuiltInProblem = {
  title: 'Poisson with an interface',
  about: '∇·(ε∇u) = f on [-1, 1]² with u = 0 on the boundary; ε jumps from 1 to ½ at x = 0, and with it u_x.',
  pde: poissonInterfacePde,
  // Coarse grids that are trained further settle in a bad place more often.
  network: {
    hidden: [5],
    degree: 4,
    levels: 4,
    steps: 60,
  },
};

/** The same on the 49 × 49 inner nodes of a 51 × 51 grid, as in the paper: too few for 32 intervals. */
export function poissonInterfaceGridPde({ nodes = 51, ...options }: PoissonInterfaceOptions = {}): Pde {
  return poissonInterfacePde({ ...options, nodes, volume: grid({ x: nodes, y: nodes }, { part: 'inside' }) });
}
