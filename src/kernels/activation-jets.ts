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
import { mapTable, type Pointwise } from './activations.ts';
import { jetChannels } from './jet.ts';
import { defineKernel, linearGrid } from './kernel.ts';

/** y = f(x), y' = f'(x) x', y'' = f''(x) x'² + f'(x) x''. */
export const activationJetForward = mapTable((name, functions) =>
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
    reference({ x, y }, { count, directions, order }) {
      for (let i = 0; i < count; i++) {
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
export const activationJetGradient = mapTable((name, functions) =>
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
    reference({ x, outputGradient, inputGradient }, { count, directions, order }) {
      for (let i = 0; i < count; i++) {
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

function fill(template: string, { wgsl: [value, first, second, third] }: Pointwise): string {
  const filled = template
    .replace('VALUE', value)
    .replace('FIRST', first)
    .replace('SECOND', second)
    .replace('THIRD', third);
  return linearIndex + nan + activationFunctions + activationCurvatures + filled;
}
