// All B-splines of one degree and their slopes at every point, by the recursion of Cox and de Boor over every function.
// One thread per point, workgroups of 64 on a linear grid. At most 144 knot intervals.
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
  if (index >= points) {
    return;
  }
  let point = x[index];
  let coefficients = intervals + degree;
  let first = index * coefficients;
  var b: array<f32, 144>;
  for (var i = 0u; i < coefficients + degree; i++) {
    b[i] = select(0.0, 1.0, point >= knots[i] && point < knots[i + 1u]);
  }
  for (var d = 1u; d <= degree; d++) {
    for (var i = 0u; i < coefficients + degree - d; i++) {
      let left = b[i] / (knots[i + d] - knots[i]);
      let right = b[i + 1u] / (knots[i + d + 1u] - knots[i + 1u]);
      if (d == degree) {
        slopes[first + i] = f32(degree) * (left - right);
      }
      b[i] = (point - knots[i]) * left + (knots[i + d + 1u] - point) * right;
    }
  }
  for (var i = 0u; i < coefficients; i++) {
    values[first + i] = b[i];
  }
}
