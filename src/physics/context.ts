/** What residuals are written in: symbols for coordinates, unknowns, scalars and given values. */
import { NestkanError } from '../errors.ts';
import { named } from './checks.ts';
import { describe, Expression, symbol, toExpression } from './expression.ts';
import type { Pde, Point, Unknown } from './pde.ts';
import { scalarKey } from './residual-kernel.ts';

/** A function of the coordinates, or its values at the points of a term, on one of its sides. */
export interface Given {
  readonly trace: number;
  readonly by: ((...coordinates: number[]) => number) | Float64Array;
}

export const coordinateKey = (trace: number, coordinate: string) => `coordinate ${trace} ${coordinate}`;
export const givenKey = (index: number) => `given ${index}`;
export const unknownKey = (trace: number, output: number, derivative: readonly number[]) =>
  `unknown ${trace} ${output} ${derivative.join(' ')}`.trimEnd();

/** What a residual is given at one point, on one side of its term; what it asks `at` for is added to `given`. */
export function pointOf(pde: Pde, trace: number, given: Given[]): Point<string> {
  const names = pde.box.map(([coordinate]) => coordinate);
  const coordinates = coordinateSymbols(pde, trace);
  const unknowns = Object.fromEntries(
    pde.unknowns.map((name, output) => [name, unknownAt(pde, { name, output, trace, names })]),
  );
  const scalars = Object.fromEntries(Object.keys(pde.scalars).map((name, index) => [name, symbol(scalarKey(index))]));
  const at = (value: unknown) => symbol(givenKey(given.push({ trace, by: givenBy(value) }) - 1));
  const point = {
    ...coordinates,
    u: unknowns[pde.unknowns[0]],
    unknowns: onlyKnown(unknowns, 'there is no unknown'),
    scalars: onlyKnown(scalars, 'there is no scalar'),
    at,
  };
  return onlyKnown(point, 'residuals are given no') as unknown as Point<string>;
}

/** What `at` takes; values are copied, so that they stay those that were given. */
function givenBy(value: unknown): Given['by'] {
  if (typeof value === 'function') return value as Given['by'];
  if (Array.isArray(value) || ArrayBuffer.isView(value)) return Float64Array.from(value as unknown as number[]);
  throw new NestkanError('INVALID_ARGUMENT', `at was given ${describe(value)}`, {
    fix: 'Give at a function of the coordinates, at((x) => x * x), or an array with its value at every point. Numbers and formulas go into the residual as they are.',
  });
}

/** Values by name that say which names there are when asked for another, which plain JavaScript takes for undefined. */
export function onlyKnown<Values extends object>(values: Values, otherwise: string): Values {
  return new Proxy(values, {
    get(target, property) {
      if (typeof property === 'symbol' || Object.hasOwn(target, property)) return Reflect.get(target, property);
      throw new NestkanError('INVALID_ARGUMENT', `${otherwise} ${property}`, {
        fix: `There are: ${Object.keys(target).join(', ') || 'none'}.`,
      });
    },
  });
}

export function coordinateSymbols(pde: Pde, trace = 0): Record<string, Expression> {
  return Object.fromEntries(pde.box.map(([name]) => [name, symbol(coordinateKey(trace, name))]));
}

/** Lift and distance of an unknown's hard constraint as formulas of the coordinates: 0 and 1 where there is none. */
export function constraintOf(pde: Pde, unknown: string, trace = 0): { lift: Expression; distance: Expression } {
  const { lift, distance } = pde.constraints?.[unknown] ?? {};
  const formula = (what: string, f: ((point: Record<string, Expression>) => Expression) | undefined, absent: number) =>
    named(`the ${what} of ${unknown}`, { fix: 'Return a formula of the coordinates, such as x.mul(x.sub(1)).' }, () =>
      toExpression(f ? f(onlyKnown(coordinateSymbols(pde, trace), 'there is no coordinate')) : absent),
    );
  return { lift: formula('lift', lift, 0), distance: formula('distance', distance, 1) };
}

interface UnknownPlace {
  readonly name: string;
  readonly output: number;
  readonly trace: number;
  readonly names: readonly string[];
}

/** An unknown with its derivatives as lazy properties; hard constraints enter by the product rule. */
function unknownAt(pde: Pde, { name, output, trace, names }: UnknownPlace): Unknown<string> {
  const network = (...derivative: number[]) => symbol(unknownKey(trace, output, [...derivative].sort()));
  const { lift, distance } = constraintOf(pde, name, trace);
  const by = (f: Expression, ...derivative: number[]) =>
    derivative.reduce((value, index) => value.derivative(coordinateKey(trace, names[index])), f);
  const first = (i: number) =>
    by(lift, i)
      .add(distance.mul(network(i)))
      .add(by(distance, i).mul(network()));
  const second = (i: number, j: number) =>
    by(lift, i, j)
      .add(distance.mul(network(i, j)))
      .add(by(distance, i).mul(network(j)))
      .add(by(distance, j).mul(network(i)))
      .add(by(distance, i, j).mul(network()));
  const value = new Expression(lift.add(distance.mul(network())).node);
  const properties: PropertyDescriptorMap = {};
  names.forEach((a, i) => {
    properties[a] = { get: () => explained(first(i), [name, a], names) };
    names.forEach((b, j) => {
      properties[a + b] = { get: () => explained(second(i, j), [name, a + b], names) };
    });
  });
  return explained(Object.defineProperties(value, properties), [name], names) as Unknown<string>;
}

/** An unknown or a derivative of one, which says what there is when asked for a derivative that there is not. */
function explained(
  formula: Expression,
  [name, taken = '']: readonly [name: string, taken?: string],
  coordinates: readonly string[],
): Expression {
  return new Proxy(formula, {
    get(target, property) {
      // What is awaited is asked for `then`: no derivative, and none was asked for.
      if (typeof property === 'symbol' || property === 'then' || property in target)
        return Reflect.get(target, property);
      const derivatives = coordinates.flatMap((a) => [a, ...coordinates.map((b) => a + b)]);
      const asked = [name, taken, property].filter((part) => part !== '').join('.');
      if (derivatives.includes(taken + property)) {
        throw new NestkanError('INVALID_ARGUMENT', `there is no ${asked}`, {
          fix: `Write ${name}.${taken + property}.`,
        });
      }
      const rest = coordinates.reduce((text, coordinate) => text.replaceAll(coordinate, ''), property);
      throw rest === ''
        ? new NestkanError('INVALID_ARGUMENT', `${asked} is beyond the second derivatives`, {
            fix: `Make a lower derivative an unknown of its own, v = ${name}.${derivatives[1]}, and differentiate that.`,
          })
        : new NestkanError('INVALID_ARGUMENT', `there is no ${asked}`, {
            fix: `Derivatives are: ${derivatives.map((derivative) => `${name}.${derivative}`).join(', ')}.`,
          });
    },
  });
}
