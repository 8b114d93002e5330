import { activationJetForward, activationJetGradient } from './activation-jets.ts';
import { activationForward, activationGradient } from './activations.ts';
import { adam } from './adam.ts';
import { affineBiasGradient, affineForward, affineInputGradient, affineWeightGradient } from './affine.ts';
import { bandedMultiply, bandedSolve, bandedTransposeMultiply, bandedTransposeSolve } from './banded.ts';
import { advanceCounter } from './counter.ts';
import { differencePenalty, differencePenaltyGradient } from './difference-penalty.ts';
import { gatherRows } from './gather.ts';
import { affineJacobianRows, denseJacobianRows, differenceJacobianRows, splineJacobianRows } from './jacobian-rows.ts';
import type { Kernel } from './kernel.ts';
import { meanSquaredError, meanSquaredErrorGradient } from './mean-squared-error.ts';
import { nonfiniteCount, outsideCount } from './monitors.ts';
import { normalMatrix } from './normal-equations.ts';
import { powerReluForward, powerReluInputGradient, powerReluWeightGradient } from './power-relu-layer.ts';
import { prolongate } from './prolongation.ts';
import { rowDots, sumTiles } from './reductions.ts';
import { edgeBlocks, rowCombination, rowProducts } from './row-products.ts';
import { splineJetCoefficientGradient, splineJetForward, splineJetInputGradient } from './spline-jet.ts';
import { splineJetJacobianRows } from './spline-jet-jacobian-rows.ts';
import { splineCoefficientGradient, splineForward, splineInputGradient } from './spline-layer.ts';
import {
  splineCellOrder,
  splineCoefficientGradientWide,
  splineForwardWide,
  splineInputGradientWide,
} from './spline-layer-wide.ts';
import { accumulate, addScaled, copy, difference, fill, linearCombination } from './vectors.ts';
import { attentionUpdate, weightedSquares, weightedSquaresGradient } from './weighted-squares.ts';

/** Every kernel there is. The generic test compares each one's WGSL to its reference. */
export const kernels: readonly Kernel[] = [
  splineForward,
  splineInputGradient,
  splineCoefficientGradient,
  splineForwardWide,
  splineInputGradientWide,
  splineCellOrder,
  splineCoefficientGradientWide,
  splineJetForward,
  splineJetInputGradient,
  splineJetCoefficientGradient,
  powerReluForward,
  powerReluInputGradient,
  powerReluWeightGradient,
  bandedMultiply,
  bandedTransposeMultiply,
  bandedSolve,
  bandedTransposeSolve,
  prolongate,
  affineForward,
  affineInputGradient,
  affineWeightGradient,
  affineBiasGradient,
  ...Object.values(activationForward),
  ...Object.values(activationGradient),
  ...Object.values(activationJetForward),
  ...Object.values(activationJetGradient),
  meanSquaredError,
  meanSquaredErrorGradient,
  differencePenalty,
  differencePenaltyGradient,
  weightedSquares,
  weightedSquaresGradient,
  attentionUpdate,
  splineJacobianRows,
  splineJetJacobianRows,
  affineJacobianRows,
  denseJacobianRows,
  differenceJacobianRows,
  normalMatrix,
  rowProducts,
  rowCombination,
  edgeBlocks,
  sumTiles,
  rowDots,
  adam,
  advanceCounter,
  addScaled,
  difference,
  linearCombination,
  copy,
  accumulate,
  fill,
  nonfiniteCount,
  outsideCount,
  gatherRows,
];
