import { NestkanError } from '../errors.ts';
import { MAX_DIRECTIONS } from '../kernels/jet.ts';
import { named } from './checks.ts';
import { type Given, onlyKnown, pointOf } from './context.ts';
import { describe, type Expression, inOrder, isExpression, symbol, symbolsOf } from './expression.ts';
import type { Pde, ResidualContext, Term } from './pde.ts';
import { fieldKey, jetKey, type ResidualKernels, residualKernels } from './residual-kernel.ts';

/** Values that do not depend on the network: what was given, and formulas of the coordinates. */
export interface Fields {
  /** Formulas of the symbols {@link coordinateKey} and {@link givenKey}. */
  readonly expressions: readonly Expression[];
  readonly given: readonly Given[];
}

/** A term's residual, traced: the directions along which it differentiates, its kernels, the fields they read. */
export interface TracedTerm {
  readonly name: string;
  readonly term: Term<string>;
  readonly traces: number;
  /** Unit vectors and sums of two, one row per direction. */
  readonly directions: readonly (readonly number[])[];
  readonly order: 0 | 1 | 2;
  readonly kernels: ResidualKernels;
  readonly fields: Fields;
  /** Whether values were given at the term's own points, so that its residual has a meaning at no others. */
  readonly isTabulated: boolean;
}

/** Runs a term's residual once on symbols, and plans how to compute what it asks for. */
export function traceTerm(pde: Pde, name: string, term: Term<string>): TracedTerm {
  const traces = Array.isArray(term.on) ? 2 : 1;
  const given: Given[] = [];
  const sides = Array.from({ length: traces }, (_, trace) => pointOf(pde, trace, given));
  const context = onlyKnown({ ...sides[0], sides }, 'residuals are given no') as unknown as ResidualContext<string>;
  const traced = equationsOf(name, () => term.residual(context));
  const derivatives = [...symbolsOf(traced)].filter((key) => key.startsWith('unknown ')).map(derivativeOf);
  const order = Math.max(0, ...derivatives.map((derivative) => derivative.length)) as 0 | 1 | 2;
  const directions = planDirections(derivatives, pde.box.length, name);
  const channel = (derivative: readonly number[], along: readonly number[]) =>
    derivative.length === 0
      ? 0
      : 1 + order * directions.findIndex((row) => String(row) === String(along)) + derivative.length - 1;
  const inJets = substitute(traced, (key) => {
    if (!key.startsWith('unknown ')) return undefined;
    const [, trace, output, ...rest] = key.split(' ').map(Number);
    const jet = (derivative: readonly number[], along: readonly number[]) =>
      symbol(jetKey(trace, channel(derivative, along), output));
    const [first, second = first] = rest;
    const axis = (index: number) => unit(index, pde.box.length);
    if (first === second) return jet(rest, rest.length === 0 ? [] : axis(first));
    // u_xy = ½ (u_vv − u_xx − u_yy), v = e_x + e_y: docs/mathematics.md, "Derivatives with respect to inputs".
    const both = axis(first).map((value, index) => value + axis(second)[index]);
    return jet(rest, both)
      .sub(jet(rest, axis(first)))
      .sub(jet(rest, axis(second)))
      .mul(0.5);
  });
  const { equations, expressions } = hoistFields(inJets);
  const kernels = residualKernels(
    equations,
    {
      channels: 1 + order * directions.length,
      traces,
      outputs: pde.unknowns.length,
      fields: expressions.length,
      scalars: Object.keys(pde.scalars).length,
      residuals: equations.length,
    },
    name,
  );
  const isTabulated = given.some(({ by }) => typeof by !== 'function');
  return { name, term, traces, directions, order, kernels, fields: { expressions, given }, isTabulated };
}

const FORMULAS = 'u, its derivatives and coordinates combined with add, sub, mul …, or an array of such formulas';

/** What a residual returns, checked; what it throws, with the term's name. */
function equationsOf(name: string, residual: () => unknown): readonly Expression[] {
  const where = { term: name };
  const equations = [named(`the residual of ${name}`, { fix: `Return ${FORMULAS}.`, where }, residual)].flat();
  const stranger = equations.findIndex((equation) => !isExpression(equation));
  if (equations.length > 0 && stranger < 0) return equations as Expression[];
  const what = equations.length === 0 ? 'an empty array' : describe(equations[stranger]);
  throw new NestkanError('INVALID_ARGUMENT', `the residual of ${name} is ${what}`, {
    fix: `Return ${FORMULAS}.`,
    where,
  });
}

function derivativeOf(key: string): number[] {
  return key.split(' ').slice(3).map(Number);
}

/** Unit vectors for first and pure second derivatives, sums of two for mixed ones. */
function planDirections(derivatives: readonly (readonly number[])[], dimension: number, term: string): number[][] {
  const rows = new Map<string, number[]>();
  const put = (row: number[]) => rows.set(String(row), row);
  for (const derivative of derivatives) for (const index of derivative) put(unit(index, dimension));
  for (const [first, second] of derivatives) {
    if (second === undefined || first === second) continue;
    put(unit(first, dimension).map((value, index) => value + unit(second, dimension)[index]));
  }
  if (rows.size <= MAX_DIRECTIONS) return [...rows.values()];
  throw new NestkanError('INVALID_ARGUMENT', `the term ${term} differentiates along ${rows.size} directions`, {
    fix: `Split it into terms of at most ${MAX_DIRECTIONS} directions each.`,
    where: { term },
  });
}

function unit(index: number, dimension: number): number[] {
  return Array.from({ length: dimension }, (_, position) => (position === index ? 1 : 0));
}

/** The formulas with symbols replaced. */
function substitute(roots: readonly Expression[], replacement: (key: string) => Expression | undefined): Expression[] {
  const replaced = new Map<Expression, Expression>();
  for (const expression of inOrder(roots)) {
    const { node } = expression;
    if (node.type === 'symbol') replaced.set(expression, replacement(node.key) ?? expression);
    else if (node.type === 'unary') replaced.set(expression, replaced.get(node.a)![node.name]());
    else if (node.type === 'binary') replaced.set(expression, replaced.get(node.a)![node.name](replaced.get(node.b)!));
    else replaced.set(expression, expression);
  }
  return roots.map((root) => replaced.get(root)!);
}

/** Replaces the largest subformulas that do not depend on the network by fields, computed once in float64. */
function hoistFields(roots: readonly Expression[]): { equations: Expression[]; expressions: Expression[] } {
  const expressions: Expression[] = [];
  const fixed = new Set<Expression>();
  for (const expression of inOrder(roots)) {
    const { node } = expression;
    const isFixed =
      node.type === 'constant' ||
      (node.type === 'symbol' && /^(coordinate|given) /.test(node.key)) ||
      (node.type === 'unary' && fixed.has(node.a)) ||
      (node.type === 'binary' && fixed.has(node.a) && fixed.has(node.b));
    if (isFixed) fixed.add(expression);
  }
  const known = new Map<Expression, Expression>();
  const hoist = (expression: Expression): Expression => {
    const before = known.get(expression);
    if (before) return before;
    const { node } = expression;
    let result = expression;
    if (fixed.has(expression) && node.type !== 'constant') result = symbol(fieldKey(expressions.push(expression) - 1));
    else if (node.type === 'unary') result = hoist(node.a)[node.name]();
    else if (node.type === 'binary') result = hoist(node.a)[node.name](hoist(node.b));
    known.set(expression, result);
    return result;
  };
  return { equations: roots.map(hoist), expressions };
}
