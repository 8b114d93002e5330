// sum[i] = sum over t of partials[t,i], in the order of t and in runs of 32 tiles to keep rounding errors small.
// One thread per element of sum, workgroups of 64 on a linear grid. Any sizes.
override tiles: u32;
override count: u32;

@group(0) @binding(0) var<storage, read> partials: array<f32>;
@group(0) @binding(1) var<storage, read_write> sum: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let index = linearIndex(workgroup, local, 64u);
  if (index >= count) {
    return;
  }
  var total = 0.0;
  for (var start = 0u; start < tiles; start += 32u) {
    var run = 0.0;
    for (var tile = start; tile < min(start + 32u, tiles); tile++) {
      run += partials[tile * count + index];
    }
    total += run;
  }
  sum[index] = total;
}
