// output = A^-1 input along the middle axis of [inputs, intervals + degree, outputs], by degree + 1 running sums
// from the last coefficient to the first. Assumes degree <= 5.
// One thread per pair of input and output, workgroups of 64 on a linear grid.
@group(0) @binding(0) var<storage, read> input: array<f32>;
@group(0) @binding(1) var<storage, read_write> output: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let line = linearIndex(workgroup, local, 64u);
  if (line >= inputs * outputs) {
    return;
  }
  let coefficients = intervals + degree;
  let start = (line / outputs) * coefficients * outputs + line % outputs;
  let scale = diagonalScale();
  var sums = array<f32, 6>();
  for (var step = 0u; step < coefficients; step++) {
    let index = start + (coefficients - 1u - step) * outputs;
    var value = input[index] / scale;
    for (var depth = 0u; depth <= degree; depth++) {
      sums[depth] += value;
      value = sums[depth];
    }
    output[index] = value;
  }
}
