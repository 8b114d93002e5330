// gradient[i] = lossGradient[0] 2 (prediction[i] - target[i]) / count.
// One thread per element, workgroups of 64 on a linear grid. count >= 1.
override count: u32;

@group(0) @binding(0) var<storage, read> prediction: array<f32>;
@group(0) @binding(1) var<storage, read> targets: array<f32>;
@group(0) @binding(2) var<storage, read> lossGradient: array<f32>;
@group(0) @binding(3) var<storage, read_write> gradient: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let index = linearIndex(workgroup, local, 64u);
  if (index >= count) {
    return;
  }
  gradient[index] = 2.0 * lossGradient[0] / f32(count) * (prediction[index] - targets[index]);
}
