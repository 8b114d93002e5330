// destination[i,c] = source[order[(counter[0] batch + i) mod rows],c]: the counter-th mini-batch of an endless shuffled pass.
// One thread per element of destination, workgroups of 64 on a linear grid. Assumes order[i] < rows < 2^31.
override rows: u32;
override columns: u32;
override batch: u32;

@group(0) @binding(0) var<storage, read> source: array<f32>;
@group(0) @binding(1) var<storage, read> order: array<u32>;
@group(0) @binding(2) var<storage, read> counter: array<u32>;
@group(0) @binding(3) var<storage, read_write> destination: array<f32>;

// a b mod rows by doubling: the product may not fit 32 bits. Assumes a < rows.
fn productModRows(a: u32, b: u32) -> u32 {
  var result = 0u;
  var doubled = a;
  for (var bits = b; bits > 0u; bits >>= 1u) {
    if ((bits & 1u) == 1u) {
      result = (result + doubled) % rows;
    }
    doubled = (2u * doubled) % rows;
  }
  return result;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let index = linearIndex(workgroup, local, 64u);
  if (index >= batch * columns) {
    return;
  }
  let first = productModRows(counter[0] % rows, batch);
  let position = (first + (index / columns) % rows) % rows;
  destination[index] = source[order[position] * columns + index % columns];
}
