/**
 * A plain linear layer y[b,q] = Σ_p x[b,p] W[p,q] + bias[q] and its gradients.
 *
 * x [batch, inputs], W [inputs, outputs], bias [outputs], y [batch, outputs].
 * Sums over the batch have one workgroup per element. Source: docs/mathematics.md, "Reproducible reductions".
 */
import biasGradientWgsl from '../../shaders/affine-bias-gradient.wgsl';
import forwardWgsl from '../../shaders/affine-forward.wgsl';
import inputGradientWgsl from '../../shaders/affine-input-gradient.wgsl';
import weightGradientWgsl from '../../shaders/affine-weight-gradient.wgsl';
import linearIndex from '../../shaders/lib/linear-index.wgsl';
import workgroupSum from '../../shaders/lib/workgroup-sum.wgsl';
import { defineKernel, linearGrid } from './kernel.ts';

/** y = x W + bias. One thread per element of y. */
export const affineForward = defineKernel({
  name: 'affine-forward',
  wgsl: linearIndex + forwardWgsl,
  bindings: { x: 'read', weights: 'read', bias: 'read', y: 'write' },
  constants: ['batch', 'inputs', 'outputs'],
  lengths: ({ batch, inputs, outputs }) => ({
    x: batch * inputs,
    weights: inputs * outputs,
    bias: outputs,
    y: batch * outputs,
  }),
  workgroups: ({ batch, outputs }) => linearGrid(batch * outputs),
  flops: ({ batch, inputs, outputs }) => 2 * batch * inputs * outputs,
  reference({ x, weights, bias, y }, { batch, inputs, outputs }) {
    for (let b = 0; b < batch; b++) {
      const row = b * outputs;
      for (let q = 0; q < outputs; q++) y[row + q] = bias[q];
      for (let p = 0; p < inputs; p++) {
        const value = x[b * inputs + p];
        for (let q = 0; q < outputs; q++) y[row + q] += value * weights[p * outputs + q];
      }
    }
  },
});

/** inputGradient = outputGradient Wᵀ. One thread per element. */
export const affineInputGradient = defineKernel({
  name: 'affine-input-gradient',
  wgsl: linearIndex + inputGradientWgsl,
  bindings: { weights: 'read', outputGradient: 'read', inputGradient: 'write' },
  constants: ['batch', 'inputs', 'outputs'],
  lengths: ({ batch, inputs, outputs }) => ({
    weights: inputs * outputs,
    outputGradient: batch * outputs,
    inputGradient: batch * inputs,
  }),
  workgroups: ({ batch, inputs }) => linearGrid(batch * inputs),
  flops: ({ batch, inputs, outputs }) => 2 * batch * inputs * outputs,
  reference({ weights, outputGradient, inputGradient }, { batch, inputs, outputs }) {
    for (let b = 0; b < batch; b++) {
      for (let p = 0; p < inputs; p++) {
        let sum = 0;
        for (let q = 0; q < outputs; q++) sum += outputGradient[b * outputs + q] * weights[p * outputs + q];
        inputGradient[b * inputs + p] = sum;
      }
    }
  },
});

/** weightGradient = xᵀ outputGradient. One workgroup per weight. */
export const affineWeightGradient = defineKernel({
  name: 'affine-weight-gradient',
  wgsl: linearIndex + workgroupSum + weightGradientWgsl,
  bindings: { x: 'read', outputGradient: 'read', weightGradient: 'write' },
  constants: ['batch', 'inputs', 'outputs'],
  lengths: ({ batch, inputs, outputs }) => ({
    x: batch * inputs,
    outputGradient: batch * outputs,
    weightGradient: inputs * outputs,
  }),
  workgroups: ({ inputs, outputs }) => linearGrid(inputs * outputs, 1),
  flops: ({ batch, inputs, outputs }) => 2 * batch * inputs * outputs,
  reference({ x, outputGradient, weightGradient }, { batch, inputs, outputs }) {
    weightGradient.fill(0, 0, inputs * outputs);
    for (let b = 0; b < batch; b++) {
      for (let p = 0; p < inputs; p++) {
        const value = x[b * inputs + p];
        for (let q = 0; q < outputs; q++) weightGradient[p * outputs + q] += value * outputGradient[b * outputs + q];
      }
    }
  },
});

/** biasGradient[q] = Σ_b outputGradient[b,q]. One workgroup per output. */
export const affineBiasGradient = defineKernel({
  name: 'affine-bias-gradient',
  wgsl: linearIndex + workgroupSum + biasGradientWgsl,
  bindings: { outputGradient: 'read', biasGradient: 'write' },
  constants: ['batch', 'inputs', 'outputs'],
  lengths: ({ batch, outputs }) => ({ outputGradient: batch * outputs, biasGradient: outputs }),
  workgroups: ({ outputs }) => linearGrid(outputs, 1),
  flops: ({ batch, outputs }) => batch * outputs,
  reference({ outputGradient, biasGradient }, { batch, outputs }) {
    biasGradient.fill(0, 0, outputs);
    for (let b = 0; b < batch; b++) {
      for (let q = 0; q < outputs; q++) biasGradient[q] += outputGradient[b * outputs + q];
    }
  },
});
