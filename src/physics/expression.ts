import { NestkanError } from '../errors.ts';

export type UnaryName = 'neg' | 'sin' | 'cos' | 'exp' | 'log' | 'sqrt' | 'tanh' | 'abs' | 'sign';
export type BinaryName = 'add' | 'sub' | 'mul' | 'div';

/** What an {@link Expression} is made of. Symbols are told apart by their keys. */
export type ExpressionNode =
  | { readonly type: 'constant'; readonly value: number }
  | { readonly type: 'symbol'; readonly key: string }
  | { readonly type: 'unary'; readonly name: UnaryName; readonly a: Expression }
  | { readonly type: 'binary'; readonly name: BinaryName; readonly a: Expression; readonly b: Expression };

export type Operand = Expression | number;

/** Derivative of a unary function at a; the sign's own derivative is zero, as one-sided limits want it. */
const derivatives: Record<UnaryName, (a: Expression, whole: Expression) => Expression> = {
  neg: () => constant(-1),
  sin: (a) => a.cos(),
  cos: (a) => a.sin().neg(),
  exp: (_, whole) => whole,
  log: (a) => constant(1).div(a),
  sqrt: (_, whole) => constant(0.5).div(whole),
  tanh: (_, whole) => constant(1).sub(whole.mul(whole)),
  abs: (a) => a.sign(),
  sign: () => constant(0),
};

/** Values of the unary functions in float64. The sign tells −0 from +0, so that both sides of a kink can be asked for. */
export const unaryValues: Record<UnaryName, (a: number) => number> = {
  neg: (a) => -a,
  sin: Math.sin,
  cos: Math.cos,
  exp: Math.exp,
  log: Math.log,
  sqrt: Math.sqrt,
  tanh: Math.tanh,
  abs: Math.abs,
  sign: (a) => (a === 0 ? (Object.is(a, -0) ? -1 : 1) : Math.sign(a)),
};

export const binaryValues: Record<BinaryName, (a: number, b: number) => number> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
};

/**
 * An immutable formula in symbols: what residuals are written in. It is differentiated symbolically, evaluated in
 * float64, and compiled into kernels (src/physics/residual-kernel.ts).
 *
 * ```ts
 * const x = symbol('x');
 * const f = x.mul(x).add(1).sqrt();
 * console.log(evaluate(f, new Map([['x', 2]])), evaluate(f.derivative('x'), new Map([['x', 2]])));
 * ```
 */
export class Expression {
  readonly node: ExpressionNode;

  constructor(node: ExpressionNode) {
    this.node = node;
  }

  add(other: Operand): Expression {
    return binary('add', this, toExpression(other));
  }

  sub(other: Operand): Expression {
    return binary('sub', this, toExpression(other));
  }

  mul(other: Operand): Expression {
    return binary('mul', this, toExpression(other));
  }

  div(other: Operand): Expression {
    return binary('div', this, toExpression(other));
  }

  /** A whole-number power. Throws INVALID_ARGUMENT for any other exponent: use exp and log. */
  pow(exponent: number): Expression {
    if (!Number.isInteger(exponent)) {
      throw new NestkanError('INVALID_ARGUMENT', `the exponent is ${describe(exponent)}, expected a whole number`, {
        fix: 'Use sqrt, or exp and log, for other powers.',
      });
    }
    if (exponent < 0) return constant(1).div(this.pow(-exponent));
    if (exponent < 2) return exponent === 0 ? constant(1) : this;
    const half = this.pow(Math.floor(exponent / 2));
    return exponent % 2 === 0 ? half.mul(half) : half.mul(half).mul(this);
  }

  neg(): Expression {
    return unary('neg', this);
  }
  sin(): Expression {
    return unary('sin', this);
  }
  cos(): Expression {
    return unary('cos', this);
  }
  exp(): Expression {
    return unary('exp', this);
  }
  log(): Expression {
    return unary('log', this);
  }
  sqrt(): Expression {
    return unary('sqrt', this);
  }
  tanh(): Expression {
    return unary('tanh', this);
  }
  abs(): Expression {
    return unary('abs', this);
  }
  sign(): Expression {
    return unary('sign', this);
  }

  /** `2 * u` has no value while a residual is traced, and would be NaN for ever after. */
  [Symbol.toPrimitive](hint: string): string {
    if (hint === 'string') return '[formula]';
    throw new NestkanError('INVALID_ARGUMENT', 'a formula was used as a number', {
      fix: 'Combine formulas with methods: u.mul(2), u.sub(f), x.sin() in place of 2 * u, u - f, Math.sin(x).',
    });
  }

  /** Partial derivative with respect to the symbol `key`; every other symbol counts as independent of it. */
  derivative(key: string): Expression {
    return differentiate(this, key, new Map());
  }
}

/** By its shape: a formula may come from another copy of the library. */
export function isExpression(value: unknown): value is Expression {
  if (typeof value !== 'object' || value === null) return false;
  const { node } = value as Partial<Expression>;
  return ['constant', 'symbol', 'unary', 'binary'].includes(node?.type as string);
}

export function symbol(key: string): Expression {
  return new Expression({ type: 'symbol', key });
}

export function constant(value: number): Expression {
  return new Expression({ type: 'constant', value });
}

/** Every distinct expression of a formula, operands before what uses them. */
export function inOrder(roots: readonly Expression[]): Expression[] {
  const seen = new Set<Expression>();
  const visit = (expression: Expression): void => {
    if (seen.has(expression)) return;
    operands(expression).forEach(visit);
    seen.add(expression);
  };
  roots.forEach(visit);
  return [...seen];
}

export function operands({ node }: Expression): readonly Expression[] {
  switch (node.type) {
    case 'constant':
    case 'symbol':
      return [];
    case 'binary':
      return [node.a, node.b];
    default:
      return [node.a];
  }
}

/** Keys of the symbols that occur. */
export function symbolsOf(roots: readonly Expression[]): Set<string> {
  const keys = new Set<string>();
  for (const { node } of inOrder(roots)) if (node.type === 'symbol') keys.add(node.key);
  return keys;
}

/** Value in float64. Throws INVALID_ARGUMENT for a symbol without a value. */
export function evaluate(root: Expression, values: ReadonlyMap<string, number>): number {
  const results = new Map<Expression, number>();
  for (const expression of inOrder([root])) results.set(expression, resultOf(expression, results, values));
  return results.get(root)!;
}

function resultOf(
  { node }: Expression,
  results: ReadonlyMap<Expression, number>,
  values: ReadonlyMap<string, number>,
): number {
  switch (node.type) {
    case 'constant':
      return node.value;
    case 'symbol': {
      const value = values.get(node.key);
      if (value !== undefined) return value;
      throw new NestkanError('INVALID_ARGUMENT', `the symbol ${node.key} has no value here`, {
        fix: `Use one of: ${[...values.keys()].join(', ')}.`,
      });
    }
    case 'unary':
      return unaryValues[node.name](results.get(node.a)!);
    case 'binary':
      return binaryValues[node.name](results.get(node.a)!, results.get(node.b)!);
  }
}

/** A number as a formula. Throws INVALID_ARGUMENT for what is neither. */
export function toExpression(operand: Operand): Expression {
  if (typeof operand === 'number' && Number.isFinite(operand)) return constant(operand);
  if (isExpression(operand)) return operand;
  throw new NestkanError('INVALID_ARGUMENT', `a formula was combined with ${describe(operand)}`, {
    fix: 'Combine formulas with formulas and finite numbers; look for misspelt names.',
  });
}

/** What stands where a formula should, for messages. */
export function describe(value: unknown): string {
  if (typeof value === 'function' || typeof value === 'symbol') return `a ${typeof value}`;
  if (isExpression(value)) return 'a formula';
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'an array' : 'an object';
  return typeof value === 'string' ? `the text "${value}"` : String(value);
}

function constantOf({ node }: Expression): number | undefined {
  return node.type === 'constant' ? node.value : undefined;
}

function unary(name: UnaryName, a: Expression): Expression {
  const value = constantOf(a);
  return value === undefined ? new Expression({ type: 'unary', name, a }) : constant(unaryValues[name](value));
}

/** Folds constants and drops neutral elements, which differentiation makes in numbers. */
function binary(name: BinaryName, a: Expression, b: Expression): Expression {
  const [left, right] = [constantOf(a), constantOf(b)];
  if (left !== undefined && right !== undefined) return constant(binaryValues[name](left, right));
  if (name === 'add' && left === 0) return b;
  if ((name === 'add' || name === 'sub') && right === 0) return a;
  if (name === 'sub' && left === 0) return b.neg();
  if (name === 'mul' && (left === 0 || right === 0)) return constant(0);
  if (name === 'mul' && left === 1) return b;
  if ((name === 'mul' || name === 'div') && right === 1) return a;
  if (name === 'div' && left === 0) return constant(0);
  return new Expression({ type: 'binary', name, a, b });
}

function differentiate(root: Expression, key: string, known: Map<Expression, Expression>): Expression {
  for (const expression of inOrder([root])) {
    if (!known.has(expression)) known.set(expression, derivativeOf(expression, key, known));
  }
  return known.get(root)!;
}

function derivativeOf(expression: Expression, key: string, known: ReadonlyMap<Expression, Expression>): Expression {
  const { node } = expression;
  switch (node.type) {
    case 'constant':
      return constant(0);
    case 'symbol':
      return constant(node.key === key ? 1 : 0);
    case 'unary': {
      const inner = known.get(node.a)!;
      return constantOf(inner) === 0 ? constant(0) : derivatives[node.name](node.a, expression).mul(inner);
    }
    case 'binary': {
      const [a, b] = [node.a, node.b];
      const [da, db] = [known.get(a)!, known.get(b)!];
      if (node.name === 'add') return da.add(db);
      if (node.name === 'sub') return da.sub(db);
      if (node.name === 'mul') return da.mul(b).add(a.mul(db));
      return da.div(b).sub(a.mul(db).div(b.mul(b)));
    }
  }
}
