import { createRandom } from '../../random.ts';
import { definePde, type Pde } from '../pde.ts';
import { interior, points } from '../sampling.ts';
import type { BuiltInProblem } from './built-in.ts';
import { heatSolution } from './heat.ts';

export interface InverseDiffusionOptions {
  /** κ, which training is to find. Default 0.1. */
  readonly diffusivity?: number;
  /** What training starts from. Default 1. */
  readonly guess?: number;
  /** Default 200. */
  readonly measurements?: number;
  /** Standard deviation of the measurements' normal errors; u reaches about 1. Default 0.01. */
  readonly noise?: number;
  /** Of places and errors. Default 0. */
  readonly seed?: number;
}

/** u_t = κ u_xx on [0, 1] × [0, 1]: κ and u from noisy measurements of u at scattered places and times. */
export function inverseDiffusionPde({
  diffusivity = 0.1,
  guess = 1,
  measurements = 200,
  noise = 0.01,
  seed = 0,
}: InverseDiffusionOptions = {}): Pde {
  const exact = heatSolution(diffusivity);
  const random = createRandom(seed);
  const places = Array.from({ length: measurements }, () => [random.uniform(), random.uniform()] as const);
  const measured = places.map(([x, t]) => exact(x, t) + noise * random.normal());
  return definePde({
    inputs: { x: [0, 1], t: [0, 1] },
    scalars: { diffusivity: guess },
    terms: {
      equation: {
        on: interior(1000),
        residual: ({ u, scalars }) => u.t.sub(u.xx.mul(scalars['diffusivity'])),
        weight: 1e-2,
      },
      measurements: { on: points(places), residual: ({ u, at }) => u.sub(at(measured)) },
    },
    exact,
  });
}

export const inverseDiffusion: BuiltInProblem = {
  title: 'A coefficient from measurements',
  about: 'u_t = κ u_xx with unknown κ: found together with u from 200 measurements with 1 % noise; the truth is 0.1.',
  pde: inverseDiffusionPde,
  network: { hidden: [5], degree: 4, levels: 2, steps: 100 },
};
