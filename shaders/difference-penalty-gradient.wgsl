// gradient[p,k,q] = 2 factor valueGradient[0] (d[k] - 2 d[k-1] + d[k-2]), d[k] = u[k] - 2 u[k+1] + u[k+2] along the
// middle axis of [inputs, coefficients, outputs], d[k] = 0 where it would leave the axis.
// One thread per coefficient, workgroups of 64 on a linear grid. Any sizes.
override inputs: u32;
override coefficients: u32;
override outputs: u32;
override factor: f32;

@group(0) @binding(0) var<storage, read> u: array<f32>;
@group(0) @binding(1) var<storage, read> valueGradient: array<f32>;
@group(0) @binding(2) var<storage, read_write> gradient: array<f32>;

fn curvature(i: u32) -> f32 {
  return u[i] - 2.0 * u[i + outputs] + u[i + 2u * outputs];
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let index = linearIndex(workgroup, local, 64u);
  if (index >= inputs * coefficients * outputs) {
    return;
  }
  let k = (index / outputs) % coefficients;
  var sum = 0.0;
  if (k + 2u < coefficients) {
    sum += curvature(index);
  }
  if (k >= 1u && k + 1u < coefficients) {
    sum -= 2.0 * curvature(index - outputs);
  }
  if (k >= 2u) {
    sum += curvature(index - 2u * outputs);
  }
  gradient[index] = 2.0 * factor * valueGradient[0] * sum;
}
