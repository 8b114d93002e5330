// inputGradient[b,p] = sum over q of outputGradient[b,q] W[p,q].
// One thread per element of inputGradient, workgroups of 64 on a linear grid. Any sizes.
override batch: u32;
override inputs: u32;
override outputs: u32;

@group(0) @binding(0) var<storage, read> weights: array<f32>;
@group(0) @binding(1) var<storage, read> outputGradient: array<f32>;
@group(0) @binding(2) var<storage, read_write> inputGradient: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let index = linearIndex(workgroup, local, 64u);
  if (index >= batch * inputs) {
    return;
  }
  let b = index / inputs;
  let p = index % inputs;
  var sum = 0.0;
  for (var q = 0u; q < outputs; q++) {
    sum += outputGradient[b * outputs + q] * weights[p * outputs + q];
  }
  inputGradient[index] = sum;
}
