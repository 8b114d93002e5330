import { powerReluForward, powerReluInputGradient, powerReluWeightGradient } from '../../kernels/power-relu-layer.ts';
import type { SplineGrid } from '../../splines/grid.ts';
import type { Op } from '../op.ts';
import { gridLayerConstants, gridLayerShape } from './spline-layer.ts';

/**
 * One layer of a multichannel MLP: y[b, q] = Σ_p Σ_j W[p, j, q] ReLU(x[b, p] − t_j)^degree, continued linearly.
 *
 * Inputs: x [batch, inputs], W [inputs, intervals + degree, outputs]. Output: y [batch, outputs].
 * Source: docs/mathematics.md, "Power-ReLU basis and the change of basis".
 */
export const powerReluLayer: Op<SplineGrid> = {
  name: 'power-relu-layer',
  shape: (shapes, grid) => gridLayerShape('power-relu-layer', shapes, grid),
  forward({ inputs: [x, weights], output, options, run }) {
    const constants = gridLayerConstants(x, weights, options);
    run(powerReluForward, { x: x.buffer, weights: weights.buffer, y: output.buffer }, constants);
  },
  backward({ inputs: [x, weights], outputGradient, inputGradients: [xGradient, weightGradient], options, run }) {
    const constants = gridLayerConstants(x, weights, options);
    const shared = { x: x.buffer, outputGradient: outputGradient.buffer };
    if (xGradient) {
      run(powerReluInputGradient, { ...shared, weights: weights.buffer, inputGradient: xGradient.buffer }, constants);
    }
    if (weightGradient) run(powerReluWeightGradient, { ...shared, weightGradient: weightGradient.buffer }, constants);
  },
};
