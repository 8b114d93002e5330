import { dispatch } from '../../backend/dispatch.ts';
import { type JetLayout, jetChannels } from '../../kernels/jet.ts';
import { sumTiles } from '../../kernels/reductions.ts';
import { splineJetCoefficientGradient, splineJetForward, splineJetInputGradient } from '../../kernels/spline-jet.ts';
import { splineJetJacobianRows } from '../../kernels/spline-jet-jacobian-rows.ts';
import { splineGradientTiles } from '../../kernels/spline-layer.ts';
import type { SplineGrid } from '../../splines/grid.ts';
import type { Op, ParameterRows } from '../op.ts';
import { elements, shapeMismatch, type Tensor } from '../tensor.ts';
import { edgesOfSplines } from './parameter-rows.ts';

export interface SplineJetOptions extends SplineGrid, JetLayout {}

/**
 * One layer of a Kolmogorov–Arnold network on directional Taylor jets (src/kernels/jet.ts).
 *
 * Inputs: x [channels, batch, inputs], W [inputs, intervals + degree, outputs]. Output: y [channels, batch, outputs].
 * Source: docs/mathematics.md, "Derivatives with respect to inputs".
 */
export const splineJetLayer: Op<SplineJetOptions> = {
  name: 'spline-jet-layer',
  shape(shapes, options) {
    const [x, weights] = shapes;
    const channels = jetChannels(options);
    const coefficients = options.intervals + options.degree;
    const isJet = x?.length === 3 && x[0] === channels;
    if (isJet && weights?.length === 3 && weights[0] === x[2] && weights[1] === coefficients) {
      return [channels, x[1], weights[2]];
    }
    const expected = `x [${channels}, batch, inputs] and weights [inputs, ${coefficients}, outputs]`;
    throw shapeMismatch('spline-jet-layer', expected, shapes);
  },
  forward({ inputs: [x, weights], output, options, run }) {
    run(splineJetForward, { x: x.buffer, weights: weights.buffer, y: output.buffer }, sizes(x, weights, options));
  },
  backward({ inputs: [x, weights], outputGradient, inputGradients, options, run, scratch }) {
    const constants = sizes(x, weights, options);
    const [xGradient, weightGradient] = inputGradients;
    const shared = { x: x.buffer, outputGradient: outputGradient.buffer };
    if (xGradient) {
      run(splineJetInputGradient, { ...shared, weights: weights.buffer, inputGradient: xGradient.buffer }, constants);
    }
    if (weightGradient) {
      const tiles = splineGradientTiles(constants);
      const count = elements(weights.shape);
      const partials = tiles === 1 ? weightGradient.buffer : scratch(tiles * count);
      run(splineJetCoefficientGradient, { ...shared, partials }, constants);
      if (tiles > 1) run(sumTiles, { partials, sum: weightGradient.buffer }, { tiles, count });
    }
  },
  jacobian({ inputs: [x, weights], adjoint, options }) {
    const layer = sizes(x, weights, options);
    const ofWeights: ParameterRows = {
      ...edgesOfSplines(layer),
      write: ({ values, columns, counter, ...target }) =>
        dispatch(
          splineJetJacobianRows,
          { x: x.buffer, adjoint: adjoint.buffer, counter, values, columns },
          { ...target, ...layer },
        ),
    };
    return [undefined, ofWeights];
  },
};

function sizes(x: Tensor, weights: Tensor, { degree, intervals, domain, directions, order }: SplineJetOptions) {
  const [, batch, inputs] = x.shape;
  const layer = { batch, inputs, outputs: weights.shape[2], intervals, degree };
  return { ...layer, domainStart: domain[0], domainEnd: domain[1], directions, order };
}
