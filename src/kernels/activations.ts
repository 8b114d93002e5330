/**
 * Pointwise functions y = f(x) and the products outputGradient · f'(x), generated from one table.
 *
 * Formulas go through exp(−|x|), which cannot overflow: WGSL's tanh gives NaN for large arguments on some drivers and
 * is inexact for small ones. NaN stays NaN.
 */
import forwardTemplate from '../../shaders/activation-forward.wgsl';
import gradientTemplate from '../../shaders/activation-gradient.wgsl';
import activationFunctions from '../../shaders/lib/activation-functions.wgsl';
import linearIndex from '../../shaders/lib/linear-index.wgsl';
import nan from '../../shaders/lib/nan.wgsl';
import { defineKernel, type Kernel, linearGrid } from './kernel.ts';

/** A function with its derivative; src/kernels/activation-jets.ts has the second and third. */
export interface Pointwise {
  /** Both as WGSL expressions in x; what they call is in shaders/lib/activation-functions.wgsl. */
  readonly wgsl: readonly [value: string, derivative: string];
  readonly value: (x: number) => number;
  readonly derivative: (x: number) => number;
}

const table = {
  tanh: {
    wgsl: ['hyperbolicTangent(x)', 'hyperbolicSecantSquared(x)'],
    value: Math.tanh,
    derivative: sechSquared,
  },
  sigmoid: {
    wgsl: ['sigmoid(x)', 'sigmoidSlope(x)'],
    value: sigmoid,
    derivative: sigmoidSlope,
  },
  relu: {
    wgsl: ['max(x, 0.0)', 'select(0.0, 1.0, x > 0.0)'],
    value: relu,
    derivative: reluSlope,
  },
  gelu: {
    wgsl: ['gelu(x)', 'geluSlope(x)'],
    value: gelu,
    derivative: geluSlope,
  },
} as const satisfies Record<string, Pointwise>;

export type Activation = keyof typeof table;

export const activations = Object.keys(table) as Activation[];

/** y[i] = f(x[i]) for i < count; gelu is the tanh form x/2 · (1 + tanh(√(2/π) (x + 0.044715 x³))). */
export const activationForward = mapTable((name, { wgsl, value }) =>
  defineKernel({
    name: `${name}-forward`,
    wgsl: linearIndex + nan + activationFunctions + forwardTemplate.replace('VALUE', wgsl[0]),
    bindings: { x: 'read', y: 'write' },
    constants: ['count'],
    lengths: ({ count }) => ({ x: count, y: count }),
    workgroups: ({ count }) => linearGrid(count),
    flops: ({ count }) => 10 * count,
    parts: ({ count }) => count,
    reference({ x, y }, _, first, end) {
      for (let i = first; i < end; i++) y[i] = value(x[i]);
    },
  }),
);

/** inputGradient[i] = outputGradient[i] · f'(x[i]) for i < count; relu'(0) = 0. */
export const activationGradient = mapTable((name, { wgsl, derivative }) =>
  defineKernel({
    name: `${name}-gradient`,
    wgsl: linearIndex + nan + activationFunctions + gradientTemplate.replace('DERIVATIVE', wgsl[1]),
    bindings: { x: 'read', outputGradient: 'read', inputGradient: 'write' },
    constants: ['count'],
    lengths: ({ count }) => ({ x: count, outputGradient: count, inputGradient: count }),
    workgroups: ({ count }) => linearGrid(count),
    flops: ({ count }) => 12 * count,
    parts: ({ count }) => count,
    reference({ x, outputGradient, inputGradient }, _, first, end) {
      for (let i = first; i < end; i++) inputGradient[i] = outputGradient[i] * derivative(x[i]);
    },
  }),
);

/** One kernel for every row of the table. */
export function mapTable<B extends string, C extends string>(
  make: (name: Activation, functions: Pointwise) => Kernel<B, C>,
): Readonly<Record<Activation, Kernel<B, C>>> {
  return {
    tanh: make('tanh', table.tanh),
    sigmoid: make('sigmoid', table.sigmoid),
    relu: make('relu', table.relu),
    gelu: make('gelu', table.gelu),
  };
}

function sechSquared(x: number): number {
  return 4 * sigmoidSlope(2 * x);
}

export function sigmoid(x: number): number {
  const decay = Math.exp(-Math.abs(x));
  return (x < 0 ? decay : 1) / (1 + decay);
}

export function sigmoidSlope(x: number): number {
  const decay = Math.exp(-Math.abs(x));
  return decay / ((1 + decay) * (1 + decay));
}

function relu(x: number): number {
  return Math.max(x, 0);
}

function reluSlope(x: number): number {
  if (Number.isNaN(x)) return x;
  return x > 0 ? 1 : 0;
}

export const GELU_SCALE = Math.sqrt(8 / Math.PI);
export const GELU_CUBIC = 0.044715;
/** Beyond it the sigmoid is 0 or 1 in float64, and powers of x need not be formed. */
export const GELU_REACH = 25;

function gelu(x: number): number {
  const held = Math.max(-GELU_REACH, Math.min(x, GELU_REACH));
  return x * sigmoid(GELU_SCALE * held * (1 + GELU_CUBIC * held * held));
}

function geluSlope(x: number): number {
  const held = Math.max(-GELU_REACH, Math.min(x, GELU_REACH));
  const argument = GELU_SCALE * held * (1 + GELU_CUBIC * held * held);
  const slope = GELU_SCALE * (1 + 3 * GELU_CUBIC * held * held);
  return sigmoid(argument) + held * sigmoidSlope(argument) * slope;
}
