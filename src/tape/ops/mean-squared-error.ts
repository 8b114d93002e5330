import {
  meanSquaredErrorGradient,
  meanSquaredErrorTiles,
  meanSquaredError as value,
} from '../../kernels/mean-squared-error.ts';
import { sumTiles } from '../../kernels/reductions.ts';
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
  forward({ inputs: [prediction, target], output, run, scratch }) {
    const count = elements(prediction.shape);
    const tiles = meanSquaredErrorTiles(count);
    const losses = tiles === 1 ? output.buffer : scratch(tiles);
    run(value, { prediction: prediction.buffer, target: target.buffer, losses }, { count, tiles });
    if (tiles > 1) run(sumTiles, { partials: losses, sum: output.buffer }, { tiles, count: 1 });
  },
  backward({ inputs, outputGradient, inputGradients, run }) {
    // The loss does not change when the two change places.
    for (const [own, other] of [
      [0, 1],
      [1, 0],
    ]) {
      const gradient = inputGradients[own]?.buffer;
      if (!gradient) continue;
      const pair = { prediction: inputs[own].buffer, target: inputs[other].buffer };
      const count = elements(inputs[own].shape);
      run(meanSquaredErrorGradient, { ...pair, lossGradient: outputGradient.buffer, gradient }, { count });
    }
  },
};
