// weightGradient[p,j,q] = sum over b of psi_j(x[b,p]) outputGradient[b,q].
// One workgroup of 256 per weight on a linear grid; the order of the sum is fixed. Any sizes.
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> outputGradient: array<f32>;
@group(0) @binding(2) var<storage, read_write> weightGradient: array<f32>;

fn term(weight: u32, b: u32) -> f32 {
  let q = weight % outputs;
  let j = (weight / outputs) % (intervals + degree);
  let p = weight / outputs / (intervals + degree);
  return channelValue(place(x[b * inputs + p]), j) * outputGradient[b * outputs + q];
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let weight = linearIndex(workgroup, 0u, 1u);
  if (weight >= inputs * (intervals + degree) * outputs) {
    return;
  }
  let sum = workgroupSum(weight, batch, thread);
  if (thread == 0u) {
    weightGradient[weight] = sum;
  }
}
