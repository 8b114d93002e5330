// value[0] = factor times the sum of squared second differences along the middle axis of [inputs, coefficients, outputs].
// One workgroup of 256; the order of the sum is fixed. Fewer than three coefficients give 0.
override inputs: u32;
override coefficients: u32;
override outputs: u32;
override factor: f32;

@group(0) @binding(0) var<storage, read> u: array<f32>;
@group(0) @binding(1) var<storage, read_write> value: array<f32>;

// Second differences per input.
fn differences() -> u32 {
  return (max(coefficients, 2u) - 2u) * outputs;
}

fn term(row: u32, difference: u32) -> f32 {
  let i = (difference / differences()) * coefficients * outputs + difference % differences();
  let curvature = u[i] - 2.0 * u[i + outputs] + u[i + 2u * outputs];
  return curvature * curvature;
}

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) thread: u32) {
  let sum = workgroupSum(0u, inputs * differences(), thread);
  if (thread == 0u) {
    value[0] = factor * sum;
  }
}
