// sums[tile, column] += Σ_s values[s, slot] factors[s] over the tile's samples of a chunk.
// After shaders/lib/linear-index.wgsl. One thread per slot and tile: no two slots share a column. Any sizes.
// Source: docs/mathematics.md, "Gauss–Newton on local support".
override samples: u32;
override traces: u32;
override chunk: u32;
override slots: u32;
override size: u32;
override tiles: u32;

@group(0) @binding(0) var<storage, read> values: array<f32>;
@group(0) @binding(1) var<storage, read> columns: array<u32>;
@group(0) @binding(2) var<storage, read> factors: array<f32>;
@group(0) @binding(3) var<storage, read> counter: array<u32>;
@group(0) @binding(4) var<storage, read_write> sums: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let index = linearIndex(workgroup, local, 64u);
  let slot = index % slots;
  let tile = index / slots;
  if (tile >= tiles) {
    return;
  }
  let share = (chunk + tiles - 1u) / tiles;
  let start = min(tile * share, chunk);
  let first = counter[0] * chunk;
  let end = min(min(start + share, chunk), max(samples, first) - first);
  for (var trace = 0u; trace < traces; trace++) {
    for (var s = start; s < end; s++) {
      let at = (trace * chunk + s) * slots + slot;
      sums[tile * size + columns[at]] += values[at] * factors[s];
    }
  }
}
