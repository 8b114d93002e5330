import { activationJetForward, activationJetGradient } from '../../kernels/activation-jets.ts';
import type { Activation } from '../../kernels/activations.ts';
import { type JetLayout, jetChannels } from '../../kernels/jet.ts';
import type { Op } from '../op.ts';
import { elements, shapeMismatch, type Tensor } from '../tensor.ts';

export interface ActivationJetOptions extends JetLayout {
  readonly activation: Activation;
}

/** Pointwise tanh, sigmoid, relu or gelu of a directional Taylor jet (src/kernels/jet.ts) [channels, …]. */
export const activationJet: Op<ActivationJetOptions> = {
  name: 'activation-jet',
  shape(shapes, options) {
    const [x] = shapes;
    const channels = jetChannels(options);
    if (x !== undefined && x.length > 1 && x[0] === channels) return x;
    throw shapeMismatch('activation-jet', `a tensor of ${channels} channels`, shapes);
  },
  forward({ inputs: [x], output, options, run }) {
    run(activationJetForward[options.activation], { x: x.buffer, y: output.buffer }, sizes(x, options));
  },
  backward({ inputs: [x], outputGradient, inputGradients: [xGradient], options, run }) {
    if (!xGradient) return;
    run(
      activationJetGradient[options.activation],
      { x: x.buffer, outputGradient: outputGradient.buffer, inputGradient: xGradient.buffer },
      sizes(x, options),
    );
  },
};

function sizes(x: Tensor, { directions, order }: ActivationJetOptions) {
  return { count: elements(x.shape.slice(1)), directions, order };
}
