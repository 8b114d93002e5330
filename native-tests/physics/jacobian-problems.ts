/** Differential equations that between them use all a residual can: for tests of Jacobians and normal equations. */
import type { Backend } from '../../src/backend/backend.ts';
import { Kan, type KanOptions } from '../../src/models/kan.ts';
import { definePde, type Pde, type PdeDefinition, type Term } from '../../src/physics/pde.ts';
import type { PdeProblem } from '../../src/physics/pde-problem.ts';
import { inverseDiffusionPde } from '../../src/physics/problems/inverse-diffusion.ts';
import { poissonInterfaceGridPde } from '../../src/physics/problems/poisson-interface.ts';
import { faces, interior, points } from '../../src/physics/sampling.ts';

const inputs = { x: [-1, 1], y: [0, 2] } as const;

function define(terms: Record<string, Term<'x' | 'y'>>, more: Partial<PdeDefinition<'x' | 'y'>> = {}): Pde {
  return definePde({ inputs, terms, ...more });
}

export const pdes: Readonly<Record<string, Pde>> = {
  'values alone, first and second derivatives, mixed ones': define({
    values: { on: faces(10), residual: ({ u, x }) => u.mul(u).sub(x), weight: 3 },
    slopes: { on: interior(7), residual: ({ u }) => u.x.add(u.y.mul(u)) },
    curvatures: { on: interior(8), residual: ({ u }) => u.xx.add(u.yy.mul(u)).add(u.xy), weight: 0.1 },
  }),
  'two sides of a term, in values and in slopes': define({
    ends: {
      on: [points([-1, 0.1].map((y) => [-1, y + 1])), points([-1, 0.1].map((y) => [1, y + 1]))],
      residual: ({ sides: [a, b] }) => [a.u.sub(b.u.mul(b.u)), a.u.x.sub(b.u.x)],
    },
    inside: { on: [interior(5), interior(5)], residual: ({ sides: [a, b] }) => a.u.mul(b.u) },
  }),
  'a system of two unknowns, a hard constraint and a trainable scalar': define(
    {
      system: {
        on: interior(10),
        residual: ({ unknowns: { a, b }, scalars, y }) => [
          a.x.sub(b.yy.mul(scalars['c'])),
          b.mul(a.y).sub(y),
          scalars['c'].mul(scalars['d']).sub(a),
        ],
        weight: 0.3,
      },
      jump: {
        on: [points([[-0.2, 1]]), points([[0.3, 1.5]])],
        residual: ({ sides: [a, b], scalars }) => a.unknowns['b'].x.sub(b.unknowns['b'].x.mul(scalars['d'])),
      },
    },
    {
      unknowns: ['a', 'b'],
      scalars: { c: 0.3, d: -1.2 },
      constraints: { a: { distance: ({ x, y }) => x.mul(y), lift: ({ x }) => x.sin() } },
    },
  ),
  'a feature with a kink, a flux across it and attention': poissonInterfaceGridPde({ nodes: 5, attention: 0.2 }),
  'an inverse problem on tabulated measurements': inverseDiffusionPde({ measurements: 5, guess: 0.7 }),
};

/** A small network whose hidden activations leave their domain in places. */
export function kanFor(backend: Backend, { pde, scaling }: PdeProblem, options: Partial<KanOptions> = {}): Kan {
  return Kan.create(backend, {
    widths: [scaling.scale.length, 3, pde.unknowns.length],
    degree: 4,
    intervals: 3,
    hiddenDomain: [-0.7, 0.7],
    scalars: Object.values(pde.scalars),
    seed: 2,
    ...options,
  });
}
