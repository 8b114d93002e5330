import { defineKernel, linearGrid } from '../../src/kernels/kernel.ts';

const header = (access: string) => `
  @group(0) @binding(0) var<storage, read> x: array<f32>;
  @group(0) @binding(1) var<storage, ${access}> y: array<f32>;
  override count: u32;
`;

/** y = x + 1 */
export const addOne = defineKernel({
  name: 'add-one',
  wgsl: `${header('read_write')}
    @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
      if (id.x < count) { y[id.x] = x[id.x] + 1.0; }
    }`,
  bindings: { x: 'read', y: 'write' },
  constants: ['count'],
  lengths: ({ count }) => ({ x: count, y: count }),
  workgroups: ({ count }) => linearGrid(count),
  flops: ({ count }) => count,
  reference({ x, y }, { count }) {
    for (let i = 0; i < count; i++) y[i] = x[i] + 1;
  },
});

/** total = 2 total + step: not commutative, so that the order of replays shows. */
export const accumulate = defineKernel({
  name: 'accumulate',
  wgsl: `
    @group(0) @binding(0) var<storage, read> step: array<u32>;
    @group(0) @binding(1) var<storage, read_write> total: array<u32>;
    override count: u32;
    @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
      if (id.x < count) { total[id.x] = 2u * total[id.x] + step[id.x]; }
    }`,
  bindings: { step: 'read:uint', total: 'update:uint' },
  constants: ['count'],
  lengths: ({ count }) => ({ step: count, total: count }),
  workgroups: ({ count }) => linearGrid(count),
  flops: ({ count }) => 2 * count,
  reference({ step, total }, { count }) {
    for (let i = 0; i < count; i++) total[i] = 2 * total[i] + step[i];
  },
});

/** Writes 1 to both of its buffers. */
export const fillTwo = defineKernel({
  name: 'fill-two',
  wgsl: `
    @group(0) @binding(0) var<storage, read_write> a: array<f32>;
    @group(0) @binding(1) var<storage, read_write> b: array<f32>;
    override count: u32;
    @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
      if (id.x < count) { a[id.x] = 1.0; b[id.x] = 1.0; }
    }`,
  bindings: { a: 'write', b: 'write' },
  constants: ['count'],
  lengths: ({ count }) => ({ a: count, b: count }),
  workgroups: ({ count }) => linearGrid(count),
  flops: () => 0,
  reference({ a, b }, { count }) {
    a.fill(1, 0, count);
    b.fill(1, 0, count);
  },
});

/** addOne, misspelled on its fourth line. */
export const broken = defineKernel({
  ...addOne,
  name: 'broken',
  wgsl: `${header('read_write')}fn main( { let misspelled = 1; }`,
});

/** addOne, whose WGSL declares another access mode than its descriptor. */
export const wrongAccess = defineKernel({
  ...addOne,
  name: 'wrong-access',
  wgsl: addOne.wgsl.replace(', read>', ', read_write>'),
});
