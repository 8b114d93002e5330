// results[i] = the end of eight chains x ← factor x + seed: independent of one another, and in registers all the time.
// One thread per element, workgroups of 64 on a linear grid; four links of every chain per step.
override threads: u32;
override steps: u32;

@group(0) @binding(0) var<storage, read> seeds: array<f32>;
@group(0) @binding(1) var<storage, read_write> results: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let index = linearIndex(workgroup, local, 64u);
  if (index >= threads) {
    return;
  }
  let seed = vec4(seeds[index]);
  let factor = vec4(0.5);
  var a = seed + vec4(0.0, 1.0, 2.0, 3.0);
  var b = a + 4.0;
  for (var step = 0u; step < steps; step++) {
    a = fma(a, factor, seed);
    b = fma(b, factor, seed);
    a = fma(a, factor, seed);
    b = fma(b, factor, seed);
    a = fma(a, factor, seed);
    b = fma(b, factor, seed);
    a = fma(a, factor, seed);
    b = fma(b, factor, seed);
  }
  let c = a + b;
  results[index] = c.x + c.y + c.z + c.w;
}
