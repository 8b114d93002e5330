import { allenCahn } from './problems/allen-cahn.ts';
import { boundaryValue1d } from './problems/boundary-value-1d.ts';
import type { BuiltInProblem } from './problems/built-in.ts';
import { burgers } from './problems/burgers.ts';
import { heat } from './problems/heat.ts';
import { inverseDiffusion } from './problems/inverse-diffusion.ts';
import { poissonInterface } from './problems/poisson-interface.ts';
import { poissonSmooth } from './problems/poisson-smooth.ts';

/** Problems that come with the library, by the name that `nestkan solve` takes. */
export const builtInProblems: Readonly<Record<string, BuiltInProblem>> = {
  'boundary-value-1d': boundaryValue1d,
  heat,
  'poisson-smooth': poissonSmooth,
  'poisson-interface': poissonInterface,
  burgers,
  'allen-cahn': allenCahn,
  'inverse-diffusion': inverseDiffusion,
};
