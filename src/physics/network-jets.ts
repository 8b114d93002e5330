import { NestkanError } from '../errors.ts';
import { biasName, isGridLayer, type Layer, weightsName } from '../models/layer.ts';
import type { Network } from '../models/network.ts';
import { activationJet } from '../tape/ops/activation-jet.ts';
import { affine } from '../tape/ops/affine.ts';
import { splineJetLayer } from '../tape/ops/spline-jet-layer.ts';
import type { Tape } from '../tape/tape.ts';
import type { Tensor } from '../tape/tensor.ts';

export interface JetPlan {
  readonly directions: number;
  readonly order: 0 | 1 | 2;
}

/**
 * Records a network on jets [channels, batch, inputs]: values with derivatives along a few directions. Order 0 is the
 * value alone.
 *
 * Source: docs/mathematics.md, "Derivatives with respect to inputs".
 */
export function applyToJets(tape: Tape, network: Network, jets: Tensor, plan: JetPlan): Tensor {
  const { directions, order } = plan;
  if (order === 0) {
    const [, batch, inputs] = jets.shape;
    const values = network.apply(tape, { ...jets, shape: [batch, inputs] });
    return { ...values, shape: [1, ...values.shape] };
  }
  return network.layers.reduce(
    (input, layer, index) => applyLayer(tape, network, { layer, index, input, directions, order }),
    jets,
  );
}

interface Step {
  readonly layer: Layer;
  readonly index: number;
  readonly input: Tensor;
  readonly directions: number;
  readonly order: 1 | 2;
}

function applyLayer(
  tape: Tape,
  { parameters, kind }: Network,
  { layer, index, input, directions, order }: Step,
): Tensor {
  if (layer.type === 'activation') {
    return tape.apply(activationJet, [input], { activation: layer.activation, directions, order });
  }
  const weights = parameters.get(weightsName(index));
  if (layer.type === 'affine') {
    const inputs = layer.bias ? [input, weights, parameters.get(biasName(index))] : [input, weights];
    return tape.apply(affine, inputs, undefined);
  }
  if (isGridLayer(layer) && layer.type === 'spline') {
    return tape.apply(splineJetLayer, [input, weights], { ...layer.grid, directions, order });
  }
  throw new NestkanError('INVALID_ARGUMENT', `derivatives of a ${kind} are not available`, {
    fix: "Train a Kan in coordinates { geometry: 'power-relu', gradient: 'power-relu' }: the iterates are the same.",
  });
}
