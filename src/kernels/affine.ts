/**
 * A plain linear layer y[b,q] = Σ_p x[b,p] W[p,q] + bias[q] and its gradients.
 *
 * x [batch, inputs], W [inputs, outputs], bias [outputs], y [batch, outputs]. Rows from `biasRows` on get no bias: those
 * of a jet (src/kernels/jet.ts) that are derivatives. The gradient of the bias is that of a batch of `biasRows`.
 * Sums over the batch have one workgroup per element. Source: docs/mathematics.md, "Reproducible reductions".
 */
import biasGradientWgsl from '../../shaders/affine-bias-gradient.wgsl';
import forwardWgsl from '../../shaders/affine-forward.wgsl';
import inputGradientWgsl from '../../shaders/affine-input-gradient.wgsl';
import weightGradientWgsl from '../../shaders/affine-weight-gradient.wgsl';
import linearIndex from '../../shaders/lib/linear-index.wgsl';
import workgroupSum from '../../shaders/lib/workgroup-sum.wgsl';
import { defineKernel, type HostArray, linearGrid } from './kernel.ts';

/** y = x W + bias, without the bias from row `biasRows` on. One thread per element of y. */
export const affineForward = defineKernel({
  name: 'affine-forward',
  wgsl: linearIndex + forwardWgsl,
  bindings: { x: 'read', weights: 'read', bias: 'read', y: 'write' },
  constants: ['batch', 'inputs', 'outputs', 'biasRows'],
  lengths: ({ batch, inputs, outputs }) => ({
    x: batch * inputs,
    weights: inputs * outputs,
    bias: outputs,
    y: batch * outputs,
  }),
  workgroups: ({ batch, outputs }) => linearGrid(batch * outputs),
  flops: ({ batch, inputs, outputs }) => 2 * batch * inputs * outputs,
  parts: ({ batch }) => batch,
  reference({ x, weights, bias, y }, { inputs, outputs, biasRows }, first, end) {
    for (let b = first; b < end; b++) {
      const row = b * outputs;
      for (let q = 0; q < outputs; q++) y[row + q] = b < biasRows ? bias[q] : 0;
      addCombination(y, row, { factors: x, first: b * inputs, step: 1, count: inputs }, weights, outputs);
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
  parts: ({ batch }) => batch,
  reference({ weights, outputGradient, inputGradient }, { inputs, outputs }, first, end) {
    for (let b = first; b < end; b++) {
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
  parts: ({ inputs }) => inputs,
  reference({ x, outputGradient, weightGradient }, { batch, inputs, outputs }, first, end) {
    weightGradient.fill(0, first * outputs, end * outputs);
    for (let p = first; p < end; p++) {
      const column = { factors: x, first: p, step: inputs, count: batch };
      addCombination(weightGradient, p * outputs, column, outputGradient, outputs);
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

/** A strided vector of `count` factors. */
interface Factors {
  readonly factors: HostArray;
  readonly first: number;
  readonly step: number;
  readonly count: number;
}

/**
 * target[at + q] += Σ_i factor_i · rows[i, q], rows [count, width]. Four rows at a time: the target is loaded and stored
 * a quarter as often, which halves the time.
 */
function addCombination(
  target: HostArray,
  at: number,
  { factors, first, step, count }: Factors,
  rows: HostArray,
  width: number,
): void {
  const whole = count - (count % 4);
  for (let i = 0; i < whole; i += 4) {
    const from = first + i * step;
    const f0 = factors[from];
    const f1 = factors[from + step];
    const f2 = factors[from + 2 * step];
    const f3 = factors[from + 3 * step];
    const r0 = i * width;
    const r1 = r0 + width;
    const r2 = r1 + width;
    const r3 = r2 + width;
    for (let q = 0; q < width; q++) {
      target[at + q] += f0 * rows[r0 + q] + f1 * rows[r1 + q] + f2 * rows[r2 + q] + f3 * rows[r3 + q];
    }
  }
  for (let i = whole; i < count; i++) {
    const factor = factors[first + i * step];
    for (let q = 0; q < width; q++) target[at + q] += factor * rows[i * width + q];
  }
}
