// destination[i] = value.
// One thread per element, workgroups of 64 on a linear grid. Any count.
override count: u32;
override value: f32;

@group(0) @binding(0) var<storage, read_write> destination: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let index = linearIndex(workgroup, local, 64u);
  if (index >= count) {
    return;
  }
  destination[index] = value;
}
