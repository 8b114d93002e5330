// results[i] = Σ_steps Σ_k seed · table[place + 5k], k < 4: multiply-adds that load a factor each, at a place which is known
// at run time only, as those of a spline at a point. The table stays in the cache.
// One thread per element, workgroups of 64 on a linear grid; places are random, and others at every step.
override threads: u32;
override steps: u32;

const TABLE = 1024u;

@group(0) @binding(0) var<storage, read> seeds: array<f32>;
@group(0) @binding(1) var<storage, read> table: array<f32>;
@group(0) @binding(2) var<storage, read_write> results: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let index = linearIndex(workgroup, local, 64u);
  if (index >= threads) {
    return;
  }
  let seed = seeds[index];
  var sums = vec4<f32>();
  var place = index * 40503u;
  for (var step = 0u; step < steps; step++) {
    place = (place * 1021u + 331u) & (TABLE - 1u);
    sums = fma(vec4(seed), vec4(table[place], table[place + 5u], table[place + 10u], table[place + 15u]), sums);
  }
  results[index] = sums.x + sums.y + sums.z + sums.w;
}
