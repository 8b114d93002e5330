// loss[0] = sum over i of (prediction[i] - target[i])^2 / count.
// One workgroup of 256; the order of the sum is fixed. count >= 1.
override count: u32;

@group(0) @binding(0) var<storage, read> prediction: array<f32>;
@group(0) @binding(1) var<storage, read> targets: array<f32>;
@group(0) @binding(2) var<storage, read_write> loss: array<f32>;

fn term(row: u32, i: u32) -> f32 {
  let residual = prediction[i] - targets[i];
  return residual * residual;
}

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) thread: u32) {
  let sum = workgroupSum(0u, count, thread);
  if (thread == 0u) {
    loss[0] = sum / f32(count);
  }
}
