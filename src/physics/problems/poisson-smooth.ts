import { definePde, type Pde } from '../pde.ts';
import { faces, interior } from '../sampling.ts';
import type { BuiltInProblem } from './built-in.ts';

export interface PoissonSmoothOptions {
  /** Quasi-random points inside. Default 2000. */
  readonly volumePoints?: number;
  /** Quasi-random points on the four sides. Default 400. */
  readonly boundaryPoints?: number;
}

/** −Δu = f on [-1, 1]², u = 0 on the boundary, u* = sin πx sin πy. */
export function poissonSmoothPde({ volumePoints = 2000, boundaryPoints = 400 }: PoissonSmoothOptions = {}): Pde {
  const exact = (x: number, y: number) => Math.sin(Math.PI * x) * Math.sin(Math.PI * y);
  return definePde({
    inputs: { x: [-1, 1], y: [-1, 1] },
    terms: {
      volume: {
        on: interior(volumePoints),
        residual: ({ u, at }) => u.xx.add(u.yy).add(at((x, y) => 2 * Math.PI ** 2 * exact(x, y))),
        weight: 1e-3,
      },
      boundary: { on: faces(boundaryPoints), residual: ({ u }) => u },
    },
    exact,
  });
}

export const poissonSmooth: BuiltInProblem = {
  title: 'Poisson with a smooth solution',
  about: '−Δu = f on [-1, 1]² with u = 0 on the boundary; the solution is sin πx sin πy.',
  pde: poissonSmoothPde,
  network: {
    hidden: [5],
    degree: 4,
    levels: 4,
    steps: 100,
  },
};
