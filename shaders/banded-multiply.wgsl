// output = A input along the middle axis of [inputs, intervals + degree, outputs].
// One thread per element, workgroups of 64 on a linear grid. Any sizes.
@group(0) @binding(0) var<storage, read> input: array<f32>;
@group(0) @binding(1) var<storage, read_write> output: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let index = linearIndex(workgroup, local, 64u);
  let coefficients = intervals + degree;
  if (index >= inputs * coefficients * outputs) {
    return;
  }
  let k = (index / outputs) % coefficients;
  var binomial = 1.0;
  var sum = input[index];
  for (var s = 1u; s <= min(degree + 1u, coefficients - 1u - k); s++) {
    binomial = nextBinomial(binomial, s);
    sum += binomial * input[index + s * outputs];
  }
  output[index] = diagonalScale() * sum;
}
