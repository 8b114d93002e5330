import { NestkanError } from '../errors.ts';
import { Expression } from './expression.ts';
import type { Box, Sampler } from './sampling.ts';

/** An unknown function where a residual uses it: its value, with its derivatives as properties, first and second. */
export type Unknown<Coordinate extends string> = Expression & {
  readonly [Derivative in Coordinate | `${Coordinate}${Coordinate}`]: Expression;
};

/** Coordinates, unknowns and helpers at one point. */
export type Point<Coordinate extends string> = {
  readonly [Name in Coordinate]: Expression;
} & {
  /** The first unknown, or the only one. */
  readonly u: Unknown<Coordinate>;
  /** All unknowns, by name. */
  readonly unknowns: Readonly<Record<string, Unknown<Coordinate>>>;
  /** Trainable scalars, by name. */
  readonly scalars: Readonly<Record<string, Expression>>;
  /** A given function of the coordinates; sampled in float64, once per point. */
  readonly at: (f: (...coordinates: number[]) => number) => Expression;
};

/** What a residual is written in: a point, and for terms with two sides both of them. */
export type ResidualContext<Coordinate extends string> = Point<Coordinate> & {
  readonly sides: readonly Point<Coordinate>[];
};

export interface Term<Coordinate extends string> {
  /** Where it holds. Two samplers give the two sides of an interface, point by point. */
  readonly on: Sampler | readonly [Sampler, Sampler];
  /** What shall be zero there; several equations as an array. */
  readonly residual: (context: ResidualContext<Coordinate>) => Expression | readonly Expression[];
  /** Of the mean square of this residual in the loss. Default 1. */
  readonly weight?: number;
  /**
   * Residual-based attention: every point's weight follows its residual, λ ← (1 − rate) λ + rate |r|/max|r| per Adam
   * step, from λ = 1. Source: Anagnostopoulos et al., arXiv 2307.00379. Default: none.
   */
  readonly attention?: number;
}

/** A boundary condition that holds by construction: u = lift + distance · network. */
export interface HardConstraint<Coordinate extends string> {
  readonly lift?: (point: { readonly [Name in Coordinate]: Expression }) => Expression;
  /** Zero exactly where the condition holds. */
  readonly distance: (point: { readonly [Name in Coordinate]: Expression }) => Expression;
}

/** A differential equation as users state it. */
export interface PdeDefinition<Coordinate extends string = string> {
  /** Coordinates with their ranges, in order. */
  readonly inputs: { readonly [Name in Coordinate]: readonly [number, number] };
  /** Names of the unknown functions. Default ['u']. */
  readonly unknowns?: readonly string[];
  /** Initial values of trainable scalars, for inverse problems. */
  readonly scalars?: Readonly<Record<string, number>>;
  /** What the network sees instead of the bare coordinates. */
  readonly features?: (point: { readonly [Name in Coordinate]: Expression }) => readonly Expression[];
  readonly constraints?: Readonly<Record<string, HardConstraint<Coordinate>>>;
  readonly terms: Readonly<Record<string, Term<Coordinate>>>;
  /** The solution, of the first unknown or of all by name, where it is known. */
  readonly exact?:
    | ((...coordinates: number[]) => number)
    | Readonly<Record<string, (...coordinates: number[]) => number>>;
  /** Where errors are measured. Default: a grid of about 10 000 nodes. */
  readonly testPoints?: Sampler;
}

/** A checked definition. */
export interface Pde extends PdeDefinition {
  readonly box: Box;
  readonly unknowns: readonly string[];
  readonly scalars: Readonly<Record<string, number>>;
  readonly exactSolutions: readonly (((...coordinates: number[]) => number) | undefined)[];
}

/**
 * States a differential equation.
 *
 * ```ts
 * const pde = definePde({
 *   inputs: { x: [0, 1] },
 *   terms: {
 *     equation: { on: interior(100), residual: ({ u, at }) => u.xx.add(at((x) => Math.PI ** 2 * Math.sin(Math.PI * x))) },
 *     ends: { on: faces(2), residual: ({ u }) => u },
 *   },
 *   exact: (x) => Math.sin(Math.PI * x),
 * });
 * ```
 *
 * @throws NestkanError INVALID_ARGUMENT or DOMAIN_INVALID
 */
export function definePde<const Coordinate extends string>(definition: PdeDefinition<Coordinate>): Pde {
  const { inputs, unknowns = ['u'], scalars = {}, terms, exact } = definition ?? {};
  const ranges = Object.entries<readonly [number, number]>(inputs ?? {});
  if (ranges.length === 0 || Object.keys(terms ?? {}).length === 0 || unknowns.length === 0) {
    throw new NestkanError('INVALID_ARGUMENT', 'a problem needs inputs, unknowns and terms', {
      fix: 'Give at least one of each: definePde({ inputs: { x: [0, 1] }, terms: { … } }).',
    });
  }
  for (const [name, range] of ranges) checkInput(name, range, Object.keys(inputs));
  for (const [name, term] of Object.entries<Term<Coordinate>>(terms)) checkTerm(name, term);
  const exactSolutions = unknowns.map((name, index) =>
    typeof exact === 'function' ? (index === 0 ? exact : undefined) : exact?.[name],
  );
  return {
    ...(definition as unknown as PdeDefinition),
    box: ranges.map(([name, [start, end]]) => [name, start, end]),
    unknowns,
    scalars,
    exactSolutions,
  };
}

/** Names that residuals find beside the coordinates, and what formulas keep themselves in. */
const HELPERS = ['u', 'unknowns', 'scalars', 'at', 'sides', 'node'];

function checkInput(name: string, range: readonly [number, number], names: readonly string[]): void {
  const isPair = names.some((a) => names.some((b) => a + b === name));
  if (HELPERS.includes(name) || name in Expression.prototype || isPair) {
    throw new NestkanError('INVALID_ARGUMENT', `an input cannot be called ${name}: residuals know that name already`, {
      fix: 'Choose another name, such as x, y or t.',
    });
  }
  if (range?.length === 2 && range.every(Number.isFinite) && range[0] < range[1]) return;
  throw new NestkanError('DOMAIN_INVALID', `the range of ${name} is [${range}]`, {
    fix: 'Give [start, end], start < end.',
  });
}

function checkTerm(name: string, { on, residual, weight = 1, attention = 0 }: Term<string>): void {
  const where = { term: name };
  const samplers: readonly unknown[] = Array.isArray(on) ? on : [on];
  if (typeof residual !== 'function' || samplers.length > 2 || samplers.some((each) => typeof each !== 'function')) {
    throw new NestkanError('INVALID_ARGUMENT', `the term ${name} lacks points or a residual`, {
      fix: 'Give { on: interior(1000), residual: ({ u }) => … }; on takes a sampler, or two for an interface.',
      where,
    });
  }
  if (weight >= 0 && Number.isFinite(weight) && attention >= 0 && attention < 1) return;
  throw new NestkanError('INVALID_ARGUMENT', `the term ${name} has weight ${weight} and attention ${attention}`, {
    fix: 'Use a weight from 0, and an attention rate from 0 to below 1.',
    where,
  });
}
