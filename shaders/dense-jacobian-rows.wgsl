// values[row, i] = source[offset + point · pointStride + i · entryStride], 0 in traces from sourceTraces on.
// After shaders/lib/linear-index.wgsl and jacobian-rows.wgsl. One thread per row and entry. Any sizes.
// Source: docs/mathematics.md, "Gauss–Newton on local support".
override count: u32;
override offset: u32;
override pointStride: u32;
override entryStride: u32;
override sourceTraces: u32;

@group(0) @binding(0) var<storage, read> source: array<f32>;
@group(0) @binding(1) var<storage, read> counter: array<u32>;
@group(0) @binding(2) var<storage, read_write> values: array<f32>;
@group(0) @binding(3) var<storage, read_write> columns: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let index = linearIndex(workgroup, local, 64u);
  let entry = index % count;
  let row = rowOf(index / count, counter[0]);
  if (!row.exists) {
    return;
  }
  var value = 0.0;
  if (row.point < sourceTraces * samples) {
    value = source[offset + row.point * pointStride + entry * entryStride];
  }
  values[row.at + entry] = value;
  columns[row.at + entry] = column + entry;
}
