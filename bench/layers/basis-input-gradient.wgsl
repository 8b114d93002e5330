// inputGradient[i] = sum over j of valueGradient[i,j] slopes[i,j]. One thread per point, workgroups of 64.
@group(0) @binding(0) var<storage, read> valueGradient: array<f32>;
@group(0) @binding(1) var<storage, read> slopes: array<f32>;
@group(0) @binding(2) var<storage, read_write> inputGradient: array<f32>;

override points: u32;
override coefficients: u32;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let index = linearIndex(workgroup, local, 64u);
  if (index >= points) {
    return;
  }
  var sum = 0.0;
  for (var j = 0u; j < coefficients; j++) {
    sum += valueGradient[index * coefficients + j] * slopes[index * coefficients + j];
  }
  inputGradient[index] = sum;
}
