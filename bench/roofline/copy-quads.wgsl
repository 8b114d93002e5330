// destination[i] = source[i], four numbers per thread, workgroups of 64 on a linear grid. The count is a multiple of four.
override count: u32;

@group(0) @binding(0) var<storage, read> source: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> destination: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let index = linearIndex(workgroup, local, 64u);
  if (4u * index < count) {
    destination[index] = source[index];
  }
}
