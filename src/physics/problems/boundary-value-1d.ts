import { definePde, type Pde } from '../pde.ts';
import { interior } from '../sampling.ts';
import type { BuiltInProblem } from './built-in.ts';

export interface BoundaryValue1dOptions {
  /** ε, about the width of the layer at x = 1. Default 0.05. */
  readonly diffusion?: number;
  /** Default 1000. */
  readonly points?: number;
}

/**
 * u' − ε u'' = 1 on [0, 1], u(0) = u(1) = 0: u grows like x and falls to zero within a layer of width ε at x = 1.
 *
 * The ends are a hard constraint: u = x (1 − x) · network.
 */
export function boundaryValue1dPde({ diffusion = 0.05, points = 1000 }: BoundaryValue1dOptions = {}): Pde {
  return definePde({
    inputs: { x: [0, 1] },
    constraints: { u: { distance: ({ x }) => x.sub(x.mul(x)) } },
    terms: {
      equation: { on: interior(points), residual: ({ u }) => u.x.sub(u.xx.mul(diffusion)).sub(1) },
    },
    exact: (x) => x - Math.expm1(x / diffusion) / Math.expm1(1 / diffusion),
  });
}

export const boundaryValue1d: BuiltInProblem = {
  title: 'A boundary layer',
  about: 'u′ − 0.05 u″ = 1 on [0, 1] with u = 0 at both ends, which the network satisfies by construction.',
  pde: boundaryValue1dPde,
  network: { hidden: [3], degree: 4, levels: 3, steps: 100 },
};
