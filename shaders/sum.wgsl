// total[0] = sum over i of values[i].
// One workgroup of 256; the order of the sum is fixed. Any count.
override count: u32;

@group(0) @binding(0) var<storage, read> values: array<f32>;
@group(0) @binding(1) var<storage, read_write> total: array<f32>;

fn term(row: u32, i: u32) -> f32 {
  return values[i];
}

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) thread: u32) {
  let sum = workgroupSum(0u, count, thread);
  if (thread == 0u) {
    total[0] = sum;
  }
}
