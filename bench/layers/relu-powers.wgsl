// ReLU(x - t_j)^degree and its slope for every point and knot. One thread per element, workgroups of 64 on a linear grid.
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> knots: array<f32>;
@group(0) @binding(2) var<storage, read_write> values: array<f32>;
@group(0) @binding(3) var<storage, read_write> slopes: array<f32>;

override points: u32;
override intervals: u32;
override degree: u32;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let index = linearIndex(workgroup, local, 64u);
  let coefficients = intervals + degree;
  if (index >= points * coefficients) {
    return;
  }
  let difference = x[index / coefficients] - knots[index % coefficients];
  let distance = max(difference, 0.0);
  let lower = select(0.0, integerPower(distance, degree - 1u), difference >= 0.0);
  values[index] = distance * lower;
  slopes[index] = f32(degree) * lower;
}
