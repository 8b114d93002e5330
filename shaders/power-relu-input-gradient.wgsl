// inputGradient[b,p] = sum over j, q of outputGradient[b,q] W[p,j,q] psi_j'(x[b,p]).
// One thread per element of inputGradient, workgroups of 64 on a linear grid. Any sizes.
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> weights: array<f32>;
@group(0) @binding(2) var<storage, read> outputGradient: array<f32>;
@group(0) @binding(3) var<storage, read_write> inputGradient: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let index = linearIndex(workgroup, local, 64u);
  if (index >= batch * inputs) {
    return;
  }
  let b = index / inputs;
  let p = index % inputs;
  let coefficients = intervals + degree;
  let position = place(x[index]).position;
  var sum = 0.0;
  for (var j = 0u; j < coefficients; j++) {
    let row = (p * coefficients + j) * outputs;
    var product = 0.0;
    for (var q = 0u; q < outputs; q++) {
      product += outputGradient[b * outputs + q] * weights[row + q];
    }
    sum += channelSlope(position, j) * product;
  }
  inputGradient[index] = keepNan(x[index], sum);
}
