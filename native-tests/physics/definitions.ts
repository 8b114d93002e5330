import { definePde, type Pde, type PdeDefinition, type Term } from '../../src/physics/pde.ts';

/** Coordinates of problems in tests. */
export const inputs = { x: [-1, 1], y: [0, 2] } as const;
export type Terms = Record<string, Term<'x' | 'y'>>;
export const u: Term<'x' | 'y'>['residual'] = (context) => context.u;

export function define(terms: Terms, more: Partial<PdeDefinition<'x' | 'y'>> = {}): Pde {
  return definePde({ inputs, terms, ...more });
}
