/** What a run watches without a readback: counts of bad values. */
import nan from '../../shaders/lib/nan.wgsl';
import workgroupCount from '../../shaders/lib/workgroup-count.wgsl';
import nonfiniteCountWgsl from '../../shaders/nonfinite-count.wgsl';
import outsideCountWgsl from '../../shaders/outside-count.wgsl';
import { defineKernel } from './kernel.ts';

/** counts[slot] = how many of the first `count` values are NaN or infinite, by their bits. One workgroup. */
export const nonfiniteCount = defineKernel({
  name: 'nonfinite-count',
  wgsl: nan + workgroupCount + nonfiniteCountWgsl,
  bindings: { values: 'read', counts: 'update:uint' },
  constants: ['count', 'slot', 'slots'],
  lengths: ({ count, slots }) => ({ values: count, counts: slots }),
  workgroups: () => [1, 1, 1],
  flops: ({ count }) => count,
  reference({ values, counts }, { count, slot }) {
    let total = 0;
    for (let i = 0; i < count; i++) if (!Number.isFinite(values[i])) total++;
    counts[slot] = total;
  },
});

/** counts[slot] = how many of the first `count` values lie outside [domainStart, domainEnd]; NaN does not. */
export const outsideCount = defineKernel({
  name: 'outside-count',
  wgsl: workgroupCount + outsideCountWgsl,
  bindings: { values: 'read', counts: 'update:uint' },
  constants: ['count', 'slot', 'slots', 'domainStart', 'domainEnd'],
  lengths: ({ count, slots }) => ({ values: count, counts: slots }),
  workgroups: () => [1, 1, 1],
  flops: ({ count }) => count,
  reference({ values, counts }, { count, slot, domainStart, domainEnd }) {
    let total = 0;
    for (let i = 0; i < count; i++) if (values[i] < domainStart || values[i] > domainEnd) total++;
    counts[slot] = total;
  },
});
