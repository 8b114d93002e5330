// loss[0] = factor * sum over b of weights[b] * sum over r of residual[r, b]^2.
// One workgroup of 256; the order of the sum is fixed.
override batch: u32;
override residuals: u32;
override factor: f32;

@group(0) @binding(0) var<storage, read> residual: array<f32>;
@group(0) @binding(1) var<storage, read> weights: array<f32>;
@group(0) @binding(2) var<storage, read_write> loss: array<f32>;

fn term(row: u32, i: u32) -> f32 {
  return weights[i % batch] * residual[i] * residual[i];
}

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) thread: u32) {
  let sum = workgroupSum(0u, residuals * batch, thread);
  if (thread == 0u) {
    loss[0] = factor * sum;
  }
}
