import { definePde, type Pde } from '../pde.ts';
import { face, faces, interior } from '../sampling.ts';
import type { BuiltInProblem } from './built-in.ts';

export interface HeatOptions {
  /** κ. Default 0.1. */
  readonly diffusivity?: number;
  /** Quasi-random points of space and time. Default 1000. */
  readonly points?: number;
}

/** Two sines that die away at their own rates: solves u_t = κ u_xx with u = 0 at x = 0 and x = 1. */
export function heatSolution(diffusivity: number): (x: number, t: number) => number {
  const mode = (k: number, x: number, t: number) =>
    Math.exp(-diffusivity * (k * Math.PI) ** 2 * t) * Math.sin(k * Math.PI * x);
  return (x, t) => mode(1, x, t) + 0.5 * mode(3, x, t);
}

/** u_t = κ u_xx on [0, 1] × [0, 1], u = 0 at both ends, u(x, 0) = sin πx + ½ sin 3πx. */
export function heatPde({ diffusivity = 0.1, points = 1000 }: HeatOptions = {}): Pde {
  const exact = heatSolution(diffusivity);
  return definePde({
    inputs: { x: [0, 1], t: [0, 1] },
    terms: {
      equation: { on: interior(points), residual: ({ u }) => u.t.sub(u.xx.mul(diffusivity)) },
      initial: { on: face({ t: 0 }, 100), residual: ({ u, at }) => u.sub(at(exact)), weight: 10 },
      ends: { on: faces(200, { coordinates: ['x'] }), residual: ({ u }) => u, weight: 10 },
    },
    exact,
  });
}

export const heat: BuiltInProblem = {
  title: 'Heat equation',
  about: 'u_t = 0.1 u_xx on a rod with cold ends, from sin πx + ½ sin 3πx.',
  pde: heatPde,
  network: { hidden: [5], degree: 4, levels: 3, steps: 100 },
};
