// sums[place + k] += seed · seed, k < 4, in workgroup memory, at places known at run time only: multiply-adds that read and
// write their sum each, as those of a tile's gradient. Every thread has sums of its own; all are read before one is written.
// One thread per element, workgroups of 64 on a linear grid; results[i] is the first sum of thread i.
override threads: u32;
override steps: u32;

const ROWS = 32u;
// Odd, so that rows lie in different memory banks.
const STRIDE = 65u;

@group(0) @binding(0) var<storage, read> seeds: array<f32>;
@group(0) @binding(1) var<storage, read_write> results: array<f32>;

var<workgroup> sums: array<f32, (ROWS + 4u) * STRIDE>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let index = linearIndex(workgroup, local, 64u);
  let seed = seeds[min(index, threads - 1u)];
  var place = index * 40503u;
  for (var step = 0u; step < steps; step++) {
    place = (place * 13u + 7u) & (ROWS - 1u);
    let first = place * STRIDE + local;
    let totals = fma(
      vec4(seed), vec4(seed),
      vec4(sums[first], sums[first + STRIDE], sums[first + 2u * STRIDE], sums[first + 3u * STRIDE]));
    sums[first] = totals.x;
    sums[first + STRIDE] = totals.y;
    sums[first + 2u * STRIDE] = totals.z;
    sums[first + 3u * STRIDE] = totals.w;
  }
  if (index < threads) {
    results[index] = sums[local];
  }
}
