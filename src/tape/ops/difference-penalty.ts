import { differencePenaltyGradient, differencePenalty as value } from '../../kernels/difference-penalty.ts';
import type { Op } from '../op.ts';
import { shapeMismatch, type Tensor } from '../tensor.ts';

/**
 * factor · Σ over edges of the squared second differences of the coefficients: the P-spline roughness penalty.
 *
 * Input: coefficients [inputs, coefficients, outputs]. Output: [1]. Source: Eilers and Marx, Flexible smoothing with
 * B-splines and penalties, Statistical Science 11 (1996).
 */
export const differencePenalty: Op<{ factor: number }> = {
  name: 'difference-penalty',
  shape(shapes) {
    if (shapes[0]?.length === 3) return [1];
    throw shapeMismatch('difference-penalty', 'coefficients [inputs, coefficients, outputs]', shapes);
  },
  forward({ inputs: [coefficients], output, options, run }) {
    run(value, { coefficients: coefficients.buffer, value: output.buffer }, sizes(coefficients, options));
  },
  backward({ inputs: [coefficients], outputGradient, inputGradients: [gradient], options, run }) {
    if (!gradient) return;
    run(
      differencePenaltyGradient,
      { coefficients: coefficients.buffer, valueGradient: outputGradient.buffer, gradient: gradient.buffer },
      sizes(coefficients, options),
    );
  },
};

function sizes({ shape: [inputs, coefficients, outputs] }: Tensor, { factor }: { factor: number }) {
  return { inputs, coefficients, outputs, factor };
}
