// y = f(x), y' = f'(x) x', y'' = f''(x) x'² + f'(x) x'' for the derivatives along every direction. Template: placeholders
// are replaced by expressions in x, `value` and `first`, from the table in src/kernels/activations.ts.
// One thread per element of a channel, workgroups of 64 on a linear grid. Any count.
override count: u32;
override directions: u32;
override order: u32;

@group(0) @binding(0) var<storage, read> inputs: array<f32>;
@group(0) @binding(1) var<storage, read_write> outputs: array<f32>;

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
  outputs[index] = value;
  for (var j = 0u; j < directions; j++) {
    let channel = index + (1u + order * j) * count;
    let dx = inputs[channel];
    outputs[channel] = first * dx;
    if (order == 2u) {
      outputs[channel + count] = second * dx * dx + first * inputs[channel + count];
    }
  }
}
