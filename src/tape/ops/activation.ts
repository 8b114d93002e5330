import { type Activation, activationForward, activationGradient } from '../../kernels/activations.ts';
import type { Op } from '../op.ts';
import { elements } from '../tensor.ts';

/** Pointwise tanh, sigmoid, relu or gelu of a tensor of any shape. */
export const activation: Op<Activation> = {
  name: 'activation',
  shape: ([x]) => x,
  forward({ inputs: [x], output, options, run }) {
    run(activationForward[options], { x: x.buffer, y: output.buffer }, { count: elements(x.shape) });
  },
  backward({ inputs: [x], outputGradient, inputGradients: [xGradient], options, run }) {
    if (!xGradient) return;
    run(
      activationGradient[options],
      { x: x.buffer, outputGradient: outputGradient.buffer, inputGradient: xGradient.buffer },
      { count: elements(x.shape) },
    );
  },
};
