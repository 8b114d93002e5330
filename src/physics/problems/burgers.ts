import { definePde, type Pde } from '../pde.ts';
import { burgersSolution } from '../reference/burgers.ts';
import { grid, interior, type Sampler } from '../sampling.ts';
import type { BuiltInProblem } from './built-in.ts';

export interface BurgersOptions {
  /** ν; at least about 0.003, which the reference solution needs. Default 0.01. */
  readonly viscosity?: number;
  /** Where the equation holds. Default: 6000 quasi-random points. */
  readonly volume?: Sampler;
  /** Of the equation in the loss, beside 1 for the initial values and the walls. Default 0.1. */
  readonly weight?: number;
  /** Nodes of the initial line and of each wall. Default 64. */
  readonly nodes?: number;
}

/**
 * u_t + u u_x = ν u_xx on [-1, 1] × [0, 1], u(x, 0) = −sin πx, u(±1, t) = 0: a wave that steepens at x = 0.
 *
 * The exact solution is Cole's and Hopf's.
 */
export function burgersPde({
  viscosity = 0.01,
  volume = interior(6000),
  weight = 0.1,
  nodes = 64,
}: BurgersOptions = {}): Pde {
  return definePde({
    inputs: { x: [-1, 1], t: [0, 1] },
    terms: {
      equation: {
        on: volume,
        residual: ({ u }) => u.t.add(u.mul(u.x)).sub(u.xx.mul(viscosity)),
        weight,
      },
      initial: {
        on: grid({ x: nodes }, { fixed: { t: 0 } }),
        residual: ({ u, x }) => u.add(x.mul(Math.PI).sin()),
      },
      walls: { on: walls(nodes), residual: ({ u }) => u },
    },
    exact: burgersSolution(viscosity),
  });
}

/**
 * The same as the paper poses it: on a grid of 64 × 64 nodes in space and time, all weights 1.
 *
 * Its nodes are further apart than the layer at x = 0 is wide; networks that fit them all may err between them.
 * Source: Southworth et al., arXiv 2603.04827, table 3.
 */
export function burgersGridPde(options: Pick<BurgersOptions, 'viscosity'> = {}): Pde {
  return burgersPde({ ...options, volume: grid({ x: 64, t: 64 }), weight: 1 });
}

/** Nodes on x = ±1. */
function walls(nodes: number): Sampler {
  return (context) => {
    const [left, right] = [-1, 1].map((x) => grid({ t: nodes }, { fixed: { x } })(context));
    return { ...left, rows: 2 * nodes, data: Float64Array.of(...left.data, ...right.data) };
  };
}

export const burgers: BuiltInProblem = {
  title: 'Burgers’ equation',
  about: 'u_t + u u_x = ν u_xx with ν = 0.01: a sine wave steepens into a layer at x = 0.',
  pde: burgersPde,
  network: {
    hidden: [5, 5],
    degree: 4,
    levels: 4,
    steps: 100,
  },
};
