/** The references of the layers of a network in one kernel (src/kernels/network-gradient.ts): those of their own kernels. */
import { affineBiasGradient, affineForward, affineInputGradient, affineWeightGradient } from './affine.ts';
import type { HostArray } from './kernel.ts';
import type { AffineNetworkLayer, NetworkLayer, NetworkPoints, SplineNetworkLayer } from './network-plan.ts';
import { splineJetCoefficientGradient, splineJetForward, splineJetInputGradient } from './spline-jet.ts';
import { splineCoefficientGradient, splineForward, splineInputGradient } from './spline-layer.ts';

/** Sweeps of one layer over a batch of points, x [channels, batch, inputs] and y [channels, batch, outputs]. */
export interface LayerReferences {
  forward(x: HostArray, parameters: HostArray, y: HostArray): void;
  inputGradient(x: HostArray, parameters: HostArray, outputGradient: HostArray, gradient: HostArray): void;
  /** Overwrites the layer's places in the flat gradient. */
  parameterGradient(x: HostArray, outputGradient: HostArray, flat: HostArray): void;
}

export function layerReferences(layer: NetworkLayer, points: NetworkPoints, batch: number): LayerReferences {
  return layer.type === 'affine' ? affineReferences(layer, points, batch) : splineReferences(layer, points, batch);
}

function splineReferences(layer: SplineNetworkLayer, points: NetworkPoints, batch: number): LayerReferences {
  const { inputs, outputs, intervals, degree, domain, firstParameter } = layer;
  const grid = { batch, inputs, outputs, intervals, degree, domainStart: domain[0], domainEnd: domain[1] };
  const end = firstParameter + inputs * (intervals + degree) * outputs;
  const own = (flat: HostArray) => flat.subarray(firstParameter, end) as HostArray;
  const { order, directions } = points;
  if (order === 0) {
    return {
      forward: (x, parameters, y) => splineForward.reference({ x, weights: own(parameters), y }, grid),
      inputGradient: (x, parameters, outputGradient, inputGradient) =>
        splineInputGradient.reference({ x, weights: own(parameters), outputGradient, inputGradient }, grid),
      parameterGradient: (x, outputGradient, flat) =>
        splineCoefficientGradient.reference({ x, outputGradient, partials: own(flat) }, grid),
    };
  }
  const jet = { ...grid, directions, order };
  return {
    forward: (x, parameters, y) => splineJetForward.reference({ x, weights: own(parameters), y }, jet),
    inputGradient: (x, parameters, outputGradient, inputGradient) =>
      splineJetInputGradient.reference({ x, weights: own(parameters), outputGradient, inputGradient }, jet),
    parameterGradient: (x, outputGradient, flat) =>
      splineJetCoefficientGradient.reference({ x, outputGradient, partials: own(flat) }, jet),
  };
}

function affineReferences(
  { inputs, outputs, firstParameter, firstBias }: AffineNetworkLayer,
  { order, directions }: NetworkPoints,
  points: number,
): LayerReferences {
  // Rows of derivatives, which come after those of values, get no bias.
  const sizes = { batch: points * (1 + order * directions), inputs, outputs };
  const biasRows = firstBias === undefined ? 0 : points;
  const weights = (flat: HostArray) => flat.subarray(firstParameter, firstParameter + inputs * outputs) as HostArray;
  const bias = (flat: HostArray) => flat.subarray(firstBias ?? 0, (firstBias ?? 0) + outputs) as HostArray;
  return {
    forward: (x, flat, y) =>
      affineForward.reference({ x, weights: weights(flat), bias: bias(flat), y }, { ...sizes, biasRows }),
    inputGradient: (_, flat, outputGradient, inputGradient) =>
      affineInputGradient.reference({ weights: weights(flat), outputGradient, inputGradient }, sizes),
    parameterGradient(x, outputGradient, flat) {
      affineWeightGradient.reference({ x, outputGradient, weightGradient: weights(flat) }, sizes);
      if (firstBias === undefined) return;
      affineBiasGradient.reference({ outputGradient, biasGradient: bias(flat) }, { ...sizes, batch: points });
    },
  };
}
