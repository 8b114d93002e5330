import { NestkanError } from '../errors.ts';
import { LARGEST_FLOAT32 } from './checks.ts';
import { describe, Expression } from './expression.ts';
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
  /**
   * A given function of the coordinates, sampled in float64, once per point; or its values, one for each point of the
   * term in the order of its sampler, which then must give the same points whatever the seed.
   */
  readonly at: (given: ((...coordinates: number[]) => number) | readonly number[] | Float64Array) => Expression;
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
   * Residual-based attention: every point's weight follows its residual, λ ← (1 − rate) λ + rate |r|/max|r| per
   * step of Adam or Levenberg–Marquardt, from λ = 1. Source: Anagnostopoulos et al., arXiv 2307.00379. Default: none.
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
  if (ranges.length === 0 || Object.keys(terms ?? {}).length === 0) {
    const fix = 'Give at least one of each: definePde({ inputs: { x: [0, 1] }, terms: { … } }).';
    throw invalid('a problem needs inputs and terms', fix);
  }
  checkKeys('a problem', definition, DEFINITION);
  for (const [name, range] of ranges) checkInput(name, range, Object.keys(inputs));
  checkUnknowns(unknowns);
  for (const [name, value] of Object.entries(scalars)) checkScalar(name, value);
  for (const [name, term] of Object.entries<Term<Coordinate>>(terms)) checkTerm(name, term);
  checkFunctions(definition as unknown as PdeDefinition, unknowns);
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

/** What a definition may hold; one that has been checked already is taken again, with what checking adds. */
const DEFINITION = ['inputs', 'unknowns', 'scalars', 'features', 'constraints', 'terms', 'exact', 'testPoints'];
const CHECKED = ['box', 'exactSolutions'];
const TERM = ['on', 'residual', 'weight', 'attention'];
const CONSTRAINT = ['lift', 'distance'];

/** Names that residuals find beside the coordinates, and what formulas keep themselves in. */
const HELPERS = ['u', 'unknowns', 'scalars', 'at', 'sides', 'node'];

/** Names that the errors of a solution have where every term's residual stands under its own name. */
const ERRORS = ['relativeL2', 'maxError'];

function invalid(message: string, fix: string, where?: Record<string, unknown>): NestkanError {
  return new NestkanError('INVALID_ARGUMENT', message, { fix, where });
}

/** What TypeScript sees at once, plain JavaScript would pass over: a misspelt name. */
function checkKeys(what: string, given: object, known: readonly string[], where?: Record<string, unknown>): void {
  const stranger = Object.keys(given).find((key) => !known.includes(key) && !CHECKED.includes(key));
  if (stranger !== undefined) throw invalid(`${what} has no "${stranger}"`, `It takes: ${known.join(', ')}.`, where);
}

function checkInput(name: string, range: readonly [number, number], names: readonly string[]): void {
  const isPair = names.some((a) => names.some((b) => a + b === name));
  if (HELPERS.includes(name) || name in Expression.prototype || isPair) {
    const message = `an input cannot be called ${name}: residuals know that name already`;
    throw invalid(message, 'Choose another name, such as x, y or t.');
  }
  if (range?.length === 2 && range.every(Number.isFinite) && range[0] < range[1]) return;
  throw new NestkanError('DOMAIN_INVALID', `the range of ${name} is [${range}]`, {
    fix: 'Give [start, end], start < end.',
  });
}

function checkUnknowns(unknowns: readonly string[]): void {
  const names: readonly unknown[] = Array.isArray(unknowns) ? unknowns : [];
  const areNames = names.length > 0 && names.every((name) => typeof name === 'string' && name !== '');
  if (areNames && new Set(names).size === names.length) return;
  throw invalid(
    `unknowns is ${Array.isArray(unknowns) ? `[${unknowns.map(describe).join(', ')}]` : describe(unknowns)}`,
    "Give each unknown a name of its own: unknowns: ['u', 'v'].",
  );
}

function checkScalar(name: string, value: number): void {
  if (typeof value === 'number' && Math.abs(value) <= LARGEST_FLOAT32) return;
  throw invalid(`the scalar ${name} starts from ${describe(value)}`, 'Give a number that float32 holds.');
}

function checkTerm(name: string, term: Term<string>): void {
  const where = { term: name };
  const { on, residual, weight = 1, attention = 0 } = term ?? {};
  const samplers: readonly unknown[] = Array.isArray(on) ? on : [on];
  if (typeof residual !== 'function' || samplers.length > 2 || samplers.some((each) => typeof each !== 'function')) {
    const fix = 'Give { on: interior(1000), residual: ({ u }) => … }; on takes a sampler, or two for an interface.';
    throw invalid(`the term ${name} lacks points or a residual`, fix, where);
  }
  checkKeys(`the term ${name}`, term, TERM, where);
  if (ERRORS.includes(name)) {
    const message = `a term cannot be called ${name}: errors against the exact solution are reported under that name`;
    throw invalid(message, 'Choose another name for it.', where);
  }
  const areNumbers = typeof weight === 'number' && typeof attention === 'number';
  if (areNumbers && weight >= 0 && weight <= LARGEST_FLOAT32 && attention >= 0 && attention < 1) return;
  const message = `the term ${name} has weight ${describe(weight)} and attention ${describe(attention)}`;
  throw invalid(message, 'Use a weight from 0, and an attention rate from 0 to below 1.', where);
}

function checkFunctions(
  { features, constraints, exact, testPoints }: PdeDefinition,
  unknowns: readonly string[],
): void {
  const ofUnknown = (what: string, name: string) => {
    if (unknowns.includes(name)) return;
    throw invalid(`there is no unknown ${name} to have ${what}`, `Unknowns are: ${unknowns.join(', ')}.`);
  };
  const check = (what: string, value: unknown, example: string) => {
    if (typeof value === 'function') return;
    throw invalid(`${what} is ${describe(value)}`, `Give a function: ${example}.`);
  };
  if (features !== undefined) check('features', features, 'features: ({ x }) => [x, x.abs()]');
  if (testPoints !== undefined) check('testPoints', testPoints, 'testPoints: interior(1000)');
  for (const [name, constraint] of Object.entries(constraints ?? {})) {
    ofUnknown('a constraint', name);
    check(`the distance of ${name}`, constraint?.distance, 'distance: ({ x }) => x');
    checkKeys(`the constraint of ${name}`, constraint, CONSTRAINT);
    if (constraint.lift !== undefined) check(`the lift of ${name}`, constraint.lift, 'lift: ({ x }) => x.mul(2)');
  }
  if (exact === undefined || typeof exact === 'function') return;
  if (typeof exact !== 'object' || exact === null) check('exact', exact, 'exact: (x) => x * x');
  for (const [name, solution] of Object.entries(exact)) {
    ofUnknown('an exact solution', name);
    check(`the exact solution of ${name}`, solution, `exact: { ${name}: (x) => x * x }`);
  }
}
