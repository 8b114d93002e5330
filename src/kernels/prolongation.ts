/**
 * Two-scale refinement n → 2n of spline coefficients, along the coefficient axis.
 *
 * fine[p,j,q] = Σ_k 2^{−degree} C(degree + 1, j + degree − 2k) coarse[p,k,q]; the function stays the same everywhere.
 * coarse [inputs, intervals + degree, outputs], fine [inputs, 2·intervals + degree, outputs]; `intervals` is the coarse n.
 * Source: docs/mathematics.md, "Two-scale refinement".
 */
import linearIndex from '../../shaders/lib/linear-index.wgsl';
import prolongateWgsl from '../../shaders/prolongate.wgsl';
import { refinementMask } from '../splines/prolongation.ts';
import { defineKernel, linearGrid } from './kernel.ts';

/** One thread per fine coefficient. */
export const prolongate = defineKernel({
  name: 'prolongate',
  wgsl: linearIndex + prolongateWgsl,
  bindings: { coarse: 'read', fine: 'write' },
  constants: ['inputs', 'outputs', 'intervals', 'degree'],
  lengths: ({ inputs, outputs, intervals, degree }) => ({
    coarse: inputs * (intervals + degree) * outputs,
    fine: inputs * (2 * intervals + degree) * outputs,
  }),
  workgroups: ({ inputs, outputs, intervals, degree }) => linearGrid(inputs * (2 * intervals + degree) * outputs),
  flops: ({ inputs, outputs, intervals, degree }) => inputs * (2 * intervals + degree) * outputs * (degree + 2),
  reference({ coarse, fine }, { inputs, outputs, intervals, degree }) {
    const mask = refinementMask(degree);
    const coarseCount = intervals + degree;
    const fineCount = 2 * intervals + degree;
    for (let p = 0; p < inputs; p++) {
      for (let j = 0; j < fineCount; j++) {
        const target = (p * fineCount + j) * outputs;
        fine.fill(0, target, target + outputs);
        for (let s = (j + degree) % 2; s <= Math.min(degree + 1, j + degree); s += 2) {
          const source = (p * coarseCount + (j + degree - s) / 2) * outputs;
          for (let q = 0; q < outputs; q++) fine[target + q] += mask[s] * coarse[source + q];
        }
      }
    }
  },
});
