// With g, g', g'' the gradients of y, y', y'' and sums over directions:
//   ∂x = g f' + Σ g' f'' x' + g'' (f''' x'² + f'' x''),   ∂x' = g' f' + 2 g'' f'' x',   ∂x'' = g'' f'.
// Template: placeholders are replaced by expressions in x, `value` and `first`, from the table in
// src/kernels/activations.ts. One thread per element of a channel, workgroups of 64 on a linear grid. Any count.
override count: u32;
override directions: u32;
override order: u32;

@group(0) @binding(0) var<storage, read> inputs: array<f32>;
@group(0) @binding(1) var<storage, read> outputGradient: array<f32>;
@group(0) @binding(2) var<storage, read_write> inputGradient: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let index = linearIndex(workgroup, local, 64u);
  if (index >= count) {
    return;
  }
  let x = inputs[index];
  let value = keepNan(x, VALUE);
  let first = keepNan(x, FIRST);
  let second = keepNan(x, SECOND);
  let third = keepNan(x, THIRD);
  var sum = outputGradient[index] * first;
  for (var j = 0u; j < directions; j++) {
    let channel = index + (1u + order * j) * count;
    let dx = inputs[channel];
    let g1 = outputGradient[channel];
    sum += g1 * second * dx;
    var firstGradient = g1 * first;
    if (order == 2u) {
      let g2 = outputGradient[channel + count];
      sum += g2 * (third * dx * dx + second * inputs[channel + count]);
      firstGradient += 2.0 * g2 * second * dx;
      inputGradient[channel + count] = g2 * first;
    }
    inputGradient[channel] = firstGradient;
  }
  inputGradient[index] = sum;
}
