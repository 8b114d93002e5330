import type { Pde } from '../pde.ts';
import type { SolveOptions } from '../solve.ts';

/** A problem that comes with the library. */
export interface BuiltInProblem {
  readonly title: string;
  /** One sentence. */
  readonly about: string;
  readonly pde: () => Pde;
  /** Settings that solve it within a minute on two cores. */
  readonly network: SolveOptions;
}
