import { dispatch } from '../../backend/dispatch.ts';
import { affineBiasGradient, affineForward, affineInputGradient, affineWeightGradient } from '../../kernels/affine.ts';
import { affineJacobianRows } from '../../kernels/jacobian-rows.ts';
import type { Op, ParameterRows } from '../op.ts';
import { elements, shapeMismatch, type Tensor } from '../tensor.ts';
import { denseRows, edgesOfOne } from './parameter-rows.ts';

/**
 * y = x W + b, or y = x W where no bias is given.
 *
 * Inputs: x [batch, inputs], W [inputs, outputs], optionally b [outputs]. Output: y [batch, outputs].
 * Of jets x [channels, batch, inputs] (src/kernels/jet.ts) every channel is multiplied and channel 0 gets the bias.
 */
export const affine: Op = {
  name: 'affine',
  shape(shapes) {
    const [x, weights, bias] = shapes;
    const fits = (x?.length === 2 || x?.length === 3) && weights?.length === 2 && x.at(-1) === weights[0];
    if (fits && (bias === undefined || (bias.length === 1 && bias[0] === weights[1]))) {
      return [...x.slice(0, -1), weights[1]];
    }
    throw shapeMismatch('affine', 'x [batch, inputs], weights [inputs, outputs] and bias [outputs]', shapes);
  },
  forward({ inputs: [x, weights, bias], output, run, scratch }) {
    const constants = sizes(x, weights);
    const offset = bias?.buffer ?? scratch(constants.outputs);
    run(affineForward, { x: x.buffer, weights: weights.buffer, bias: offset, y: output.buffer }, constants);
  },
  backward({ inputs: [x, weights], outputGradient, inputGradients: [xGradient, weightGradient, biasGradient], run }) {
    const constants = sizes(x, weights);
    const shared = { outputGradient: outputGradient.buffer };
    if (xGradient) {
      run(affineInputGradient, { ...shared, weights: weights.buffer, inputGradient: xGradient.buffer }, constants);
    }
    if (weightGradient) {
      run(affineWeightGradient, { ...shared, x: x.buffer, weightGradient: weightGradient.buffer }, constants);
    }
    if (biasGradient) {
      const channel = { ...constants, batch: constants.biasRows };
      run(affineBiasGradient, { ...shared, biasGradient: biasGradient.buffer }, channel);
    }
  },
  jacobian({ inputs: [x, weights], adjoint }) {
    const { batch, inputs, outputs, biasRows } = sizes(x, weights);
    const shared = { adjoint: adjoint.buffer };
    const ofWeights: ParameterRows = {
      ...edgesOfOne(inputs * outputs),
      write: ({ values, columns, counter, ...target }) =>
        dispatch(
          affineJacobianRows,
          { ...shared, x: x.buffer, counter, values, columns },
          { ...target, channels: batch / biasRows, inputs, outputs },
        ),
    };
    return [undefined, ofWeights, denseRows(adjoint.buffer, { count: outputs, pointStride: outputs, entryStride: 1 })];
  },
};

function sizes(x: Tensor, weights: Tensor) {
  const [inputs, outputs] = weights.shape;
  return { batch: elements(x.shape) / inputs, inputs, outputs, biasRows: x.shape[x.shape.length - 2] };
}
