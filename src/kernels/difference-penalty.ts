/**
 * The P-spline penalty: squared second differences of the coefficients along their axis.
 *
 * value = factor · Σ_{p,q} Σ_k (u[p,k,q] − 2 u[p,k+1,q] + u[p,k+2,q])², coefficients [inputs, coefficients, outputs].
 * It is 0 with fewer than three coefficients.
 * Source: Eilers and Marx, Flexible smoothing with B-splines and penalties, Statistical Science 11 (1996), equation 11.
 */
import penaltyWgsl from '../../shaders/difference-penalty.wgsl';
import gradientWgsl from '../../shaders/difference-penalty-gradient.wgsl';
import linearIndex from '../../shaders/lib/linear-index.wgsl';
import workgroupSum from '../../shaders/lib/workgroup-sum.wgsl';
import { defineKernel, linearGrid } from './kernel.ts';

/** One workgroup. */
export const differencePenalty = defineKernel({
  name: 'difference-penalty',
  wgsl: workgroupSum + penaltyWgsl,
  bindings: { coefficients: 'read', value: 'write' },
  constants: ['inputs', 'coefficients', 'outputs', 'factor'],
  lengths: ({ inputs, coefficients, outputs }) => ({ coefficients: inputs * coefficients * outputs, value: 1 }),
  workgroups: () => [1, 1, 1],
  flops: ({ inputs, coefficients, outputs }) => 5 * inputs * coefficients * outputs,
  reference({ coefficients: u, value }, { inputs, coefficients, outputs, factor }) {
    let sum = 0;
    for (let p = 0; p < inputs; p++) {
      const first = p * coefficients * outputs;
      const end = first + (coefficients - 2) * outputs;
      for (let i = first; i < end; i++) {
        const difference = u[i] - 2 * u[i + outputs] + u[i + 2 * outputs];
        sum += difference * difference;
      }
    }
    value[0] = factor * sum;
  },
});

/** gradient = valueGradient[0] · ∂value/∂coefficients. One thread per coefficient. */
export const differencePenaltyGradient = defineKernel({
  name: 'difference-penalty-gradient',
  wgsl: linearIndex + gradientWgsl,
  bindings: { coefficients: 'read', valueGradient: 'read', gradient: 'write' },
  constants: ['inputs', 'coefficients', 'outputs', 'factor'],
  lengths: ({ inputs, coefficients, outputs }) => ({
    coefficients: inputs * coefficients * outputs,
    valueGradient: 1,
    gradient: inputs * coefficients * outputs,
  }),
  workgroups: ({ inputs, coefficients, outputs }) => linearGrid(inputs * coefficients * outputs),
  flops: ({ inputs, coefficients, outputs }) => 15 * inputs * coefficients * outputs,
  reference({ coefficients: u, valueGradient, gradient }, { inputs, coefficients, outputs, factor }) {
    const scale = 2 * factor * valueGradient[0];
    // 0, unless the scale is NaN.
    gradient.fill(0 * scale, 0, inputs * coefficients * outputs);
    for (let p = 0; p < inputs; p++) {
      const first = p * coefficients * outputs;
      const end = first + (coefficients - 2) * outputs;
      for (let i = first; i < end; i++) {
        const difference = scale * (u[i] - 2 * u[i + outputs] + u[i + 2 * outputs]);
        gradient[i] += difference;
        gradient[i + outputs] -= 2 * difference;
        gradient[i + 2 * outputs] += difference;
      }
    }
  },
});
