// dots[r] = sum over c of matrix[r,c] vector[c].
// One workgroup of 256 per row on a linear grid; the order of the sum is fixed. Any sizes.
override rows: u32;
override columns: u32;

@group(0) @binding(0) var<storage, read> matrix: array<f32>;
@group(0) @binding(1) var<storage, read> vector: array<f32>;
@group(0) @binding(2) var<storage, read_write> dots: array<f32>;

fn term(row: u32, c: u32) -> f32 {
  return matrix[row * columns + c] * vector[c];
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let row = linearIndex(workgroup, 0u, 1u);
  if (row >= rows) {
    return;
  }
  let sum = workgroupSum(row, columns, thread);
  if (thread == 0u) {
    dots[row] = sum;
  }
}
