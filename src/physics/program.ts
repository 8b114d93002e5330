import { type BinaryName, type Expression, inOrder, operands, type UnaryName, unaryValues } from './expression.ts';

/** What one step does; plain data, which can be sent to another thread. */
export type Operation =
  | { readonly type: 'constant'; readonly value: number }
  | { readonly type: 'symbol'; readonly key: string }
  | { readonly type: 'unary'; readonly name: UnaryName }
  | { readonly type: 'binary'; readonly name: BinaryName };

/** One step of straight-line code; operands are numbers of earlier steps. */
export interface Instruction {
  readonly node: Operation;
  readonly operands: readonly number[];
}

/** Formulas as straight-line code in which every distinct subexpression is computed once. */
export interface Program {
  readonly instructions: readonly Instruction[];
  /** Number of the instruction that computes each formula. */
  readonly results: readonly number[];
}

export function compile(roots: readonly Expression[]): Program {
  const instructions: Instruction[] = [];
  const numbers = new Map<Expression, number>();
  const known = new Map<string, number>();
  for (const expression of inOrder(roots)) {
    const inputs = operands(expression).map((operand) => numbers.get(operand)!);
    const key = identity(expression, inputs);
    let number = known.get(key);
    if (number === undefined) {
      number = instructions.push({ node: operationOf(expression), operands: inputs }) - 1;
      known.set(key, number);
    }
    numbers.set(expression, number);
  }
  return { instructions, results: roots.map((root) => numbers.get(root)!) };
}

function operationOf({ node }: Expression): Operation {
  switch (node.type) {
    case 'unary':
      return { type: node.type, name: node.name };
    case 'binary':
      return { type: node.type, name: node.name };
    default:
      return node;
  }
}

function identity({ node }: Expression, inputs: readonly number[]): string {
  if (node.type === 'constant') return `constant ${Object.is(node.value, -0) ? '-0' : node.value}`;
  return node.type === 'symbol' ? `symbol ${node.key}` : `${node.name} ${inputs.join(' ')}`;
}

/** Where symbols' values come from: element `at + b · step` of `from`, for sample b. */
export interface Source {
  readonly from: ArrayLike<number>;
  readonly at: number;
  readonly step: number;
}

/**
 * Runs a program on `count` samples, instruction by instruction: long loops over arrays, which is as fast as compiled
 * code and needs no `eval`, which pages may forbid.
 *
 * @param registers one array of at least `count` elements per instruction
 */
export function execute(
  { instructions }: Program,
  count: number,
  registers: readonly Float64Array[],
  sourceOf: (key: string) => Source,
): void {
  instructions.forEach(({ node, operands: [first, second] }, number) => {
    const result = registers[number];
    const a = registers[first];
    const b = registers[second];
    switch (node.type) {
      case 'constant':
        result.fill(node.value, 0, count);
        return;
      case 'symbol': {
        const { from, at, step } = sourceOf(node.key);
        for (let i = 0; i < count; i++) result[i] = from[at + i * step];
        return;
      }
      case 'unary': {
        const value = unaryValues[node.name];
        for (let i = 0; i < count; i++) result[i] = value(a[i]);
        return;
      }
      case 'binary':
        arithmetic[node.name](result, a, b, count);
    }
  });
}

type Loop = (result: Float64Array, a: Float64Array, b: Float64Array, count: number) => void;

/** Written out, since a call per element would cost several times the arithmetic. */
const arithmetic: Record<BinaryName, Loop> = {
  add(result, a, b, count) {
    for (let i = 0; i < count; i++) result[i] = a[i] + b[i];
  },
  sub(result, a, b, count) {
    for (let i = 0; i < count; i++) result[i] = a[i] - b[i];
  },
  mul(result, a, b, count) {
    for (let i = 0; i < count; i++) result[i] = a[i] * b[i];
  },
  div(result, a, b, count) {
    for (let i = 0; i < count; i++) result[i] = a[i] / b[i];
  },
};

/** WGSL statements `let e0 = …;` for a program, `e` being `name`; `load` gives the WGSL expression of a symbol. */
export function toWgsl({ instructions }: Program, load: (key: string) => string, name = 'e'): string {
  return instructions
    .map(({ node, operands: [a, b] }, number) => {
      return `  let ${name}${number} = ${wgslOf(node, `${name}${a}`, `${name}${b}`, load)};`;
    })
    .join('\n');
}

const OPERATORS = { add: '+', sub: '-', mul: '*', div: '/' } as const;

function wgslOf(node: Operation, a: string, b: string, load: (key: string) => string): string {
  switch (node.type) {
    case 'constant':
      return `f32(${node.value.toExponential()})`;
    case 'symbol':
      return load(node.key);
    case 'binary':
      return `${a} ${OPERATORS[node.name]} ${b}`;
    case 'unary':
      if (node.name === 'neg') return `-${a}`;
      // Some drivers' tanh overflows; a select keeps NaN, which clamp would not.
      return node.name === 'tanh' ? `tanh(select(${a}, 15 * sign(${a}), abs(${a}) > 15))` : `${node.name}(${a})`;
  }
}
