import { dispatch } from '../../backend/dispatch.ts';
import { splineJacobianRows } from '../../kernels/jacobian-rows.ts';
import { sumTiles } from '../../kernels/reductions.ts';
import {
  splineCoefficientGradient,
  splineForward,
  splineGradientTiles,
  splineInputGradient,
} from '../../kernels/spline-layer.ts';
import {
  isWide,
  splineCellOrder,
  splineCoefficientGradientWide,
  splineForwardWide,
  splineInputGradientWide,
  wideGradientTiles,
} from '../../kernels/spline-layer-wide.ts';
import type { SplineGrid } from '../../splines/grid.ts';
import type { Op, ParameterRows } from '../op.ts';
import { elements, type Shape, shapeMismatch, type Tensor } from '../tensor.ts';
import { edgesOfSplines } from './parameter-rows.ts';

/**
 * One layer of a Kolmogorov–Arnold network: y[b, q] = Σ_p φ_pq(x[b, p]), φ_pq = Σ_k W[p, k, q] B_k.
 *
 * Inputs: x [batch, inputs], W [inputs, intervals + degree, outputs]. Output: y [batch, outputs].
 * Source: docs/mathematics.md, "Local window" and "Outside the domain".
 */
export const splineLayer: Op<SplineGrid> = {
  name: 'spline-layer',
  shape: (shapes, grid) => gridLayerShape('spline-layer', shapes, grid),
  forward({ inputs: [x, weights], output, options, run }) {
    const constants = gridLayerConstants(x, weights, options);
    const forward = isWide(constants) ? splineForwardWide : splineForward;
    run(forward, { x: x.buffer, weights: weights.buffer, y: output.buffer }, constants);
  },
  backward({ inputs: [x, weights], outputGradient, inputGradients, options, run, scratch }) {
    const constants = gridLayerConstants(x, weights, options);
    const [xGradient, weightGradient] = inputGradients;
    if (xGradient) {
      run(
        isWide(constants) ? splineInputGradientWide : splineInputGradient,
        {
          x: x.buffer,
          weights: weights.buffer,
          outputGradient: outputGradient.buffer,
          inputGradient: xGradient.buffer,
        },
        constants,
      );
    }
    if (weightGradient) {
      const wide = isWide(constants);
      const tiles = wide ? wideGradientTiles(constants) : splineGradientTiles(constants);
      const count = elements(weights.shape);
      const partials = tiles === 1 ? weightGradient.buffer : scratch(tiles * count);
      const buffers = { x: x.buffer, outputGradient: outputGradient.buffer, partials };
      if (wide) {
        const tiled = { ...constants, tiles };
        const lengths = splineCellOrder.lengths(tiled);
        const lists = { starts: scratch(lengths.starts, 'uint'), samples: scratch(lengths.samples, 'uint') };
        run(splineCellOrder, { x: x.buffer, ...lists }, tiled);
        run(splineCoefficientGradientWide, { ...buffers, ...lists }, tiled);
      } else {
        run(splineCoefficientGradient, buffers, constants);
      }
      if (tiles > 1) run(sumTiles, { partials, sum: weightGradient.buffer }, { tiles, count });
    }
  },
  jacobian({ inputs: [x, weights], adjoint, options }) {
    const layer = gridLayerConstants(x, weights, options);
    const ofWeights: ParameterRows = {
      ...edgesOfSplines(layer),
      write: ({ values, columns, counter, ...target }) =>
        dispatch(
          splineJacobianRows,
          { x: x.buffer, adjoint: adjoint.buffer, counter, values, columns },
          { ...target, ...layer },
        ),
    };
    return [undefined, ofWeights];
  },
};

/** Output shape of a layer whose edges are functions on `grid`. */
export function gridLayerShape(op: string, shapes: readonly Shape[], grid: SplineGrid): Shape {
  const [x, weights] = shapes;
  const coefficients = grid.intervals + grid.degree;
  if (x?.length === 2 && weights?.length === 3 && weights[0] === x[1] && weights[1] === coefficients) {
    return [x[0], weights[2]];
  }
  throw shapeMismatch(op, `x [batch, inputs] and weights [inputs, ${coefficients}, outputs]`, shapes);
}

export function gridLayerConstants(x: Tensor, weights: Tensor, { degree, intervals, domain }: SplineGrid) {
  return {
    batch: x.shape[0],
    inputs: x.shape[1],
    outputs: weights.shape[2],
    intervals,
    degree,
    domainStart: domain[0],
    domainEnd: domain[1],
  };
}
