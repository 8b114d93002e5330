// result[c] = sum over r of coefficients[r] matrix[r,c].
// One thread per column, workgroups of 64 on a linear grid. Any sizes.
override rows: u32;
override columns: u32;

@group(0) @binding(0) var<storage, read> coefficients: array<f32>;
@group(0) @binding(1) var<storage, read> matrix: array<f32>;
@group(0) @binding(2) var<storage, read_write> result: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let index = linearIndex(workgroup, local, 64u);
  if (index >= columns) {
    return;
  }
  var sum = 0.0;
  for (var row = 0u; row < rows; row++) {
    sum += coefficients[row] * matrix[row * columns + index];
  }
  result[index] = sum;
}
