import { defineKernel, linearGrid } from '../../src/kernels/kernel.ts';
import type { Op } from '../../src/tape/op.ts';
import { elements } from '../../src/tape/tensor.ts';

/** total = Σ_i a[i] b[i], by one invocation. */
const dot = defineKernel({
  name: 'test-dot',
  wgsl: `
    @group(0) @binding(0) var<storage, read> a: array<f32>;
    @group(0) @binding(1) var<storage, read> b: array<f32>;
    @group(0) @binding(2) var<storage, read_write> total: array<f32>;
    override count: u32;
    @compute @workgroup_size(1) fn main() {
      var sum = 0.0;
      for (var i = 0u; i < count; i++) { sum += a[i] * b[i]; }
      total[0] = sum;
    }`,
  bindings: { a: 'read', b: 'read', total: 'write' },
  constants: ['count'],
  lengths: ({ count }) => ({ a: count, b: count, total: 1 }),
  workgroups: () => [1, 1, 1],
  flops: ({ count }) => 2 * count,
  reference({ a, b, total }, { count }) {
    total[0] = 0;
    for (let i = 0; i < count; i++) total[0] += a[i] * b[i];
  },
});

/** result[i] = factor[0] x[i] */
const scaled = defineKernel({
  name: 'test-scaled',
  wgsl: `
    @group(0) @binding(0) var<storage, read> x: array<f32>;
    @group(0) @binding(1) var<storage, read> factor: array<f32>;
    @group(0) @binding(2) var<storage, read_write> result: array<f32>;
    override count: u32;
    @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
      if (id.x < count) { result[id.x] = factor[0] * x[id.x]; }
    }`,
  bindings: { x: 'read', factor: 'read', result: 'write' },
  constants: ['count'],
  lengths: ({ count }) => ({ x: count, factor: 1, result: count }),
  workgroups: ({ count }) => linearGrid(count),
  flops: ({ count }) => count,
  reference({ x, factor, result }, { count }) {
    for (let i = 0; i < count; i++) result[i] = factor[0] * x[i];
  },
});

/** Σ_i a[i] b[i] of two tensors with equally many elements: an op that only these tests know. */
export const weightedSum: Op = {
  name: 'test-weighted-sum',
  shape: () => [1],
  forward({ inputs: [a, b], output, run }) {
    run(dot, { a: a.buffer, b: b.buffer, total: output.buffer }, { count: elements(a.shape) });
  },
  backward({ inputs: [a, b], outputGradient, inputGradients: [aGradient, bGradient], run }) {
    const count = elements(a.shape);
    const factor = outputGradient.buffer;
    if (aGradient) run(scaled, { x: b.buffer, factor, result: aGradient.buffer }, { count });
    if (bGradient) run(scaled, { x: a.buffer, factor, result: bGradient.buffer }, { count });
  },
};
