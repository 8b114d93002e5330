// gradient[r, b] = lossGradient[0] * 2 * factor * weights[b] * residual[r, b].
// One thread per element, workgroups of 64 on a linear grid.
override batch: u32;
override residuals: u32;
override factor: f32;

@group(0) @binding(0) var<storage, read> residual: array<f32>;
@group(0) @binding(1) var<storage, read> weights: array<f32>;
@group(0) @binding(2) var<storage, read> lossGradient: array<f32>;
@group(0) @binding(3) var<storage, read_write> gradient: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let index = linearIndex(workgroup, local, 64u);
  if (index >= residuals * batch) {
    return;
  }
  gradient[index] = lossGradient[0] * 2.0 * factor * weights[index % batch] * residual[index];
}
