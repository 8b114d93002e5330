/**
 * One spline layer applied to directional Taylor jets (src/kernels/jet.ts), and its gradients.
 *
 * With φ = φ_{p,q} = Σ_k W[p,k,q] B_k at x = x[0,b,p], and x', x'' the derivatives of x along a direction:
 *   y[b,q] = Σ_p φ,   y' = Σ_p φ' x',   y'' = Σ_p φ'' x'² + φ' x''.
 *
 * x [channels, batch, inputs], W [inputs, coefficients, outputs], y [channels, batch, outputs]; coefficients =
 * intervals + degree. φ, φ' and φ'' are made once per edge and shared by all directions, so that a direction costs
 * three multiplications. Outside [domainStart, domainEnd] φ continues linearly: φ'' = φ''' = 0 there.
 * Source: docs/mathematics.md, "Derivatives with respect to inputs", "Local window", "Outside the domain".
 */

import jetChannelWgsl from '../../shaders/lib/jet-channel.wgsl';
import linearIndexWgsl from '../../shaders/lib/linear-index.wgsl';
import jetWgsl from '../../shaders/lib/spline-jet.wgsl';
import sampleWgsl from '../../shaders/lib/spline-jet-sample.wgsl';
import tiledCoefficientSums from '../../shaders/lib/tiled-coefficient-sums.wgsl';
import coefficientGradientWgsl from '../../shaders/spline-jet-coefficient-gradient.wgsl';
import forwardWgsl from '../../shaders/spline-jet-forward.wgsl';
import inputGradientWgsl from '../../shaders/spline-jet-input-gradient.wgsl';
import { jetChannels } from './jet.ts';
import { ceilDiv, defineKernel, linearGrid } from './kernel.ts';
import {
  jetCoefficientGradient,
  jetForward,
  jetInputGradient,
  type SplineJetConstants,
} from './spline-jet-references.ts';
import { sampleGrid, splineGradientTiles } from './spline-layer.ts';
import { splineWgsl } from './spline-wgsl.ts';

/** What the kernels on jets share. */
export const splineJetWgsl = jetWgsl + jetChannelWgsl;

const constants = [
  'batch',
  'inputs',
  'outputs',
  'intervals',
  'degree',
  'domainStart',
  'domainEnd',
  'directions',
  'order',
] as const;

function sizes(jet: SplineJetConstants) {
  const { batch, inputs, outputs, intervals, degree } = jet;
  const channels = jetChannels(jet);
  return {
    x: channels * batch * inputs,
    weights: inputs * (intervals + degree) * outputs,
    y: channels * batch * outputs,
  };
}

/** Windows of three derivatives, their products with the weights, and up to three products per direction. */
function flops(jet: SplineJetConstants): number {
  const { batch, inputs, outputs, degree, directions, order } = jet;
  const perPoint = 20 + 3 * (degree + 1) * (degree + 2);
  const perEdge = 6 * (degree + 1) + 2 + (order === 2 ? 6 : 2) * directions;
  return batch * inputs * (perPoint + outputs * perEdge);
}

/** Threads of a workgroup. */
const THREADS = 64;

/** All channels of the layer. A NaN in x[0,b,p] gives NaN in every channel of its sample's y. */
export const splineJetForward = defineKernel({
  name: 'spline-jet-forward',
  wgsl: splineWgsl + splineJetWgsl + forwardWgsl,
  bindings: { x: 'read', weights: 'read', y: 'write' },
  constants,
  lengths: sizes,
  // A workgroup of 64 is a block of outputs by as many samples as fit beside it.
  workgroups({ batch, outputs }) {
    const block = Math.min(outputs, THREADS);
    return sampleGrid(batch, Math.floor(THREADS / block), ceilDiv(outputs, block));
  },
  flops,
  parts: ({ batch }) => batch,
  reference({ x, weights, y }, jet, first, end) {
    jetForward(x, weights, y, jet, { first, end });
  },
});

/**
 * Gradients with respect to every channel of x, with g the gradient with respect to y and sums over q and directions:
 *   ∂x = Σ g φ' + g' φ'' x' + g'' (φ''' x'² + φ'' x''),   ∂x' = Σ g' φ' + 2 g'' φ'' x',   ∂x'' = Σ g'' φ'.
 */
export const splineJetInputGradient = defineKernel({
  name: 'spline-jet-input-gradient',
  wgsl: linearIndexWgsl + splineWgsl + splineJetWgsl + sampleWgsl + inputGradientWgsl,
  bindings: { x: 'read', weights: 'read', outputGradient: 'read', inputGradient: 'write' },
  constants,
  lengths(jet) {
    const { x, weights, y } = sizes(jet);
    return { x, weights, outputGradient: y, inputGradient: x };
  },
  workgroups: ({ batch, inputs }) => linearGrid(batch * inputs),
  flops,
  parts: ({ batch }) => batch,
  reference({ x, weights, outputGradient, inputGradient }, jet, first, end) {
    jetInputGradient(x, weights, outputGradient, inputGradient, jet, { first, end });
  },
});

/** Float32 numbers that a workgroup's memory has left for sums; WGSL has the same number. */
const ROOM = 2880;

/** Workgroups per tile and input: outputs and coefficients are split evenly into as few blocks as threads and memory allow. */
function blocksPerInput({ outputs, intervals, degree }: SplineJetConstants): number {
  const coefficients = intervals + degree;
  const ranges = ceilDiv(coefficients, ROOM - 2 * THREADS);
  const range = ceilDiv(coefficients, ranges);
  const largest = Math.min(Math.floor(THREADS / (degree + 1)), Math.floor(ROOM / (range + 2 * THREADS)));
  return ceilDiv(outputs, largest) * ranges;
}

/**
 * partials[tile,p,k,q] = Σ_{b in tile} B_k h + B_k' h' + B_k'' h'' at x[0,b,p], where h = g, h' = Σ g' x' + g'' x'' and
 * h'' = Σ g'' x'², sums over directions. Tiles as in splineCoefficientGradient, {@link splineGradientTiles} of them.
 *
 * Every sum is made by one thread in a fixed order, so results repeat bit for bit on one device.
 */
export const splineJetCoefficientGradient = defineKernel({
  name: 'spline-jet-coefficient-gradient',
  wgsl: splineWgsl + splineJetWgsl + coefficientGradientWgsl + tiledCoefficientSums,
  bindings: { x: 'read', outputGradient: 'read', partials: 'write' },
  constants,
  lengths(jet) {
    const { x, weights, y } = sizes(jet);
    return { x, outputGradient: y, partials: splineGradientTiles(jet) * weights };
  },
  workgroups: (jet) => [splineGradientTiles(jet), jet.inputs, blocksPerInput(jet)],
  flops,
  parts: (jet) => splineGradientTiles(jet) * jet.inputs,
  reference({ x, outputGradient, partials }, jet, first, end) {
    const tileSamples = ceilDiv(jet.batch, splineGradientTiles(jet));
    jetCoefficientGradient(x, outputGradient, partials, jet, tileSamples, { first, end });
  },
});
