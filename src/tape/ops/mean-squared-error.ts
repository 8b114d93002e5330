import { meanSquaredErrorGradient, meanSquaredError as value } from '../../kernels/mean-squared-error.ts';
import { fill, scaleBy } from '../../kernels/vectors.ts';
import type { Op } from '../op.ts';
import { elements, shapeMismatch } from '../tensor.ts';

/** Mean over all elements of (prediction − target)². Inputs: two tensors of one shape. Output: [1]. */
export const meanSquaredError: Op = {
  name: 'mean-squared-error',
  shape(shapes) {
    const [prediction, target] = shapes;
    if (prediction && String(prediction) === String(target)) return [1];
    throw shapeMismatch('mean-squared-error', 'prediction and target of one shape', shapes);
  },
  forward({ inputs: [prediction, target], output, run }) {
    const count = elements(prediction.shape);
    run(value, { prediction: prediction.buffer, target: target.buffer, loss: output.buffer }, { count });
  },
  backward({ inputs: [prediction, target], outputGradient, inputGradients, run, scratch }) {
    const count = elements(prediction.shape);
    const [predictionGradient, targetGradient] = inputGradients;
    const shared = { prediction: prediction.buffer, target: target.buffer, lossGradient: outputGradient.buffer };
    const gradient = predictionGradient?.buffer ?? scratch(count);
    run(meanSquaredErrorGradient, { ...shared, gradient }, { count });
    if (!targetGradient) return;
    const minusOne = scratch(1);
    run(fill, { target: minusOne }, { count: 1, value: -1 });
    run(scaleBy, { x: gradient, scale: minusOne, result: targetGradient.buffer }, { count });
  },
};
