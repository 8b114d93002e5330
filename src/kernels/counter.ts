/** Counts steps, chunks of samples … on the device. */
import advanceCounterWgsl from '../../shaders/advance-counter.wgsl';
import { defineKernel } from './kernel.ts';

/** counter[0] ← counter[0] + 1. */
export const advanceCounter = defineKernel({
  name: 'advance-counter',
  wgsl: advanceCounterWgsl,
  bindings: { counter: 'update:uint' },
  constants: [],
  lengths: () => ({ counter: 1 }),
  workgroups: () => [1, 1, 1],
  flops: () => 1,
  reference({ counter }) {
    counter[0]++;
  },
});
