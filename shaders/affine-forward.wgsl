// y[b,q] = sum over p of x[b,p] W[p,q] + bias[q], without the bias for b >= biasRows.
// One thread per element of y, workgroups of 64 on a linear grid. Any sizes.
override batch: u32;
override inputs: u32;
override outputs: u32;
override biasRows: u32;

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> weights: array<f32>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let index = linearIndex(workgroup, local, 64u);
  if (index >= batch * outputs) {
    return;
  }
  let b = index / outputs;
  let q = index % outputs;
  var sum = select(0.0, bias[q], b < biasRows);
  for (var p = 0u; p < inputs; p++) {
    sum += x[b * inputs + p] * weights[p * outputs + q];
  }
  y[index] = sum;
}
