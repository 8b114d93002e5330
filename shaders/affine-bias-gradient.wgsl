// biasGradient[q] = sum over b of outputGradient[b,q].
// One workgroup of 256 per output on a linear grid; the order of the sum is fixed. Any sizes.
override batch: u32;
override inputs: u32;
override outputs: u32;

@group(0) @binding(0) var<storage, read> outputGradient: array<f32>;
@group(0) @binding(1) var<storage, read_write> biasGradient: array<f32>;

fn term(q: u32, b: u32) -> f32 {
  return outputGradient[b * outputs + q];
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let q = linearIndex(workgroup, 0u, 1u);
  if (q >= outputs) {
    return;
  }
  let sum = workgroupSum(q, batch, thread);
  if (thread == 0u) {
    biasGradient[q] = sum;
  }
}
