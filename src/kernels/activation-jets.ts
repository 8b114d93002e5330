/**
 * Pointwise functions of directional Taylor jets (src/kernels/jet.ts) and their gradients, from the table in
 * src/kernels/activations.ts.
 *
 * x and y [channels, count]. Source: docs/mathematics.md, "Derivatives with respect to inputs".
 */
import forwardTemplate from '../../shaders/activation-jet-forward.wgsl';
import gradientTemplate from '../../shaders/activation-jet-gradient.wgsl';
import activationCurvatures from '../../shaders/lib/activation-curvatures.wgsl';
import activationFunctions from '../../shaders/lib/activation-functions.wgsl';
import linearIndex from '../../shaders/lib/linear-index.wgsl';
import nan from '../../shaders/lib/nan.wgsl';
import {
  type Activation,
  GELU_CUBIC,
  GELU_REACH,
  GELU_SCALE,
  mapTable,
  type Pointwise,
  sigmoid,
  sigmoidSlope,
} from './activations.ts';
import { jetChannels } from './jet.ts';
import { defineKernel, type Kernel, linearGrid } from './kernel.ts';

/** Second and third derivatives, in terms of x, `value` = f(x) and `first` = f'(x). */
interface Curvatures {
  /** Both as WGSL expressions; what they call is in shaders/lib/activation-curvatures.wgsl. */
  readonly curvatureWgsl: readonly [second: string, third: string];
  readonly second: (x: number, value: number, first: number) => number;
  readonly third: (x: number, value: number, first: number) => number;
}

const curvatures: Readonly<Record<Activation, Curvatures>> = {
  tanh: {
    curvatureWgsl: ['-2.0 * value * first', 'first * (4.0 - 6.0 * first)'],
    second: (_x, value, first) => -2 * value * first,
    third: (_x, _value, first) => first * (4 - 6 * first),
  },
  sigmoid: {
    curvatureWgsl: ['first * (1.0 - 2.0 * value)', 'first * (1.0 - 6.0 * first)'],
    second: (_x, value, first) => first * (1 - 2 * value),
    third: (_x, _value, first) => first * (1 - 6 * first),
  },
  relu: { curvatureWgsl: ['0.0', '0.0'], second: zero, third: zero },
  gelu: { curvatureWgsl: ['geluSecond(x)', 'geluThird(x)'], second: geluSecond, third: geluThird },
};

type Functions = Pointwise & Curvatures;

function mapJets<B extends string, C extends string>(make: (name: Activation, functions: Functions) => Kernel<B, C>) {
  return mapTable((name, functions) => make(name, { ...functions, ...curvatures[name] }));
}

/** y = f(x), y' = f'(x) x', y'' = f''(x) x'² + f'(x) x''. */
export const activationJetForward = mapJets((name, functions) =>
  defineKernel({
    name: `${name}-jet-forward`,
    wgsl: fill(forwardTemplate, functions),
    bindings: { x: 'read', y: 'write' },
    constants: ['count', 'directions', 'order'],
    lengths(jet) {
      const length = jetChannels(jet) * jet.count;
      return { x: length, y: length };
    },
    workgroups: ({ count }) => linearGrid(count),
    flops: ({ count, directions, order }) => count * (30 + directions * (order === 2 ? 5 : 1)),
    parts: ({ count }) => count,
    reference({ x, y }, { count, directions, order }, start, end) {
      for (let i = start; i < end; i++) {
        const value = functions.value(x[i]);
        const first = functions.derivative(x[i]);
        const second = functions.second(x[i], value, first);
        y[i] = value;
        for (let j = 0; j < directions; j++) {
          const channel = i + (1 + order * j) * count;
          const dx = x[channel];
          y[channel] = first * dx;
          if (order === 2) y[channel + count] = second * dx * dx + first * x[channel + count];
        }
      }
    },
  }),
);

/**
 * With g, g', g'' the gradients with respect to y, y', y'' and sums over directions:
 *   ∂x = g f' + Σ g' f'' x' + g'' (f''' x'² + f'' x''),   ∂x' = g' f' + 2 g'' f'' x',   ∂x'' = g'' f'.
 */
export const activationJetGradient = mapJets((name, functions) =>
  defineKernel({
    name: `${name}-jet-gradient`,
    wgsl: fill(gradientTemplate, functions),
    bindings: { x: 'read', outputGradient: 'read', inputGradient: 'write' },
    constants: ['count', 'directions', 'order'],
    lengths(jet) {
      const length = jetChannels(jet) * jet.count;
      return { x: length, outputGradient: length, inputGradient: length };
    },
    workgroups: ({ count }) => linearGrid(count),
    flops: ({ count, directions, order }) => count * (40 + directions * (order === 2 ? 14 : 4)),
    parts: ({ count }) => count,
    reference({ x, outputGradient, inputGradient }, { count, directions, order }, start, end) {
      for (let i = start; i < end; i++) {
        const value = functions.value(x[i]);
        const first = functions.derivative(x[i]);
        const second = functions.second(x[i], value, first);
        const third = functions.third(x[i], value, first);
        let sum = outputGradient[i] * first;
        for (let j = 0; j < directions; j++) {
          const channel = i + (1 + order * j) * count;
          const dx = x[channel];
          const g1 = outputGradient[channel];
          sum += g1 * second * dx;
          inputGradient[channel] = g1 * first;
          if (order === 1) continue;
          const g2 = outputGradient[channel + count];
          sum += g2 * (third * dx * dx + second * x[channel + count]);
          inputGradient[channel] += 2 * g2 * second * dx;
          inputGradient[channel + count] = g2 * first;
        }
        inputGradient[i] = sum;
      }
    },
  }),
);

function fill(template: string, { wgsl: [value, first], curvatureWgsl: [second, third] }: Functions): string {
  const filled = template
    .replace('VALUE', value)
    .replace('FIRST', first)
    .replace('SECOND', second)
    .replace('THIRD', third);
  return linearIndex + nan + activationFunctions + activationCurvatures + filled;
}

/** 0, but NaN where x is. */
function zero(x: number): number {
  return Number.isNaN(x) ? x : 0;
}

/** f = x σ(z(x)), so f'' = 2 σ' z' + x (σ'' z'² + σ' z''). */
function geluSecond(x: number): number {
  const { held, z1, z2, s1, s2 } = geluParts(x);
  return 2 * s1 * z1 + held * (s2 * z1 * z1 + s1 * z2);
}

/** f''' = 3 (σ'' z'² + σ' z'') + x (σ''' z'³ + 3 σ'' z' z'' + σ' z'''). */
function geluThird(x: number): number {
  const { held, z1, z2, z3, s1, s2, s3 } = geluParts(x);
  return 3 * (s2 * z1 * z1 + s1 * z2) + held * (s3 * z1 * z1 * z1 + 3 * s2 * z1 * z2 + s1 * z3);
}

/** Derivatives of z and, at z, of σ. */
function geluParts(x: number) {
  const held = Math.max(-GELU_REACH, Math.min(x, GELU_REACH));
  const z = GELU_SCALE * held * (1 + GELU_CUBIC * held * held);
  const s1 = sigmoidSlope(z);
  return {
    held,
    z1: GELU_SCALE * (1 + 3 * GELU_CUBIC * held * held),
    z2: 6 * GELU_SCALE * GELU_CUBIC * held,
    z3: 6 * GELU_SCALE * GELU_CUBIC,
    s1,
    s2: s1 * (1 - 2 * sigmoid(z)),
    s3: s1 * (1 - 6 * s1),
  };
}
