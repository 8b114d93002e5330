// blocks[i, m] += Σ_s weight_s Σ over traces of a_i a_{i + m · outputs}: the bands of an edge's own block of the normal matrix.
// After shaders/lib/linear-index.wgsl. One thread per slot and remainder: no two threads share an entry. Any sizes.
// Source: docs/mathematics.md, "Gauss–Newton on local support".
override samples: u32;
override traces: u32;
override chunk: u32;
override slots: u32;
override slot: u32;
override size: u32;
override inputs: u32;
override width: u32;
override outputs: u32;
override bands: u32;
override factor: f32;

@group(0) @binding(0) var<storage, read> values: array<f32>;
@group(0) @binding(1) var<storage, read> columns: array<u32>;
@group(0) @binding(2) var<storage, read> weights: array<f32>;
@group(0) @binding(3) var<storage, read> counter: array<u32>;
@group(0) @binding(4) var<storage, read_write> blocks: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let index = linearIndex(workgroup, local, 64u);
  let own = index / width;
  if (own >= inputs * width * outputs) {
    return;
  }
  let other = own / (width * outputs) * (width * outputs) + index % width * outputs + own % outputs;
  let first = counter[0] * chunk;
  let count = min(chunk, max(samples, first) - first);
  for (var s = 0u; s < count; s++) {
    let weight = factor * weights[first + s];
    for (var trace = 0u; trace < traces; trace++) {
      let row = (trace * chunk + s) * slots + slot;
      let column = columns[row + own];
      let distance = columns[row + other] - column;
      // Wraps around to a large number where the other one comes first: that pair is another thread's.
      if (distance < width * outputs) {
        blocks[column * bands + distance / outputs] += weight * values[row + own] * values[row + other];
      }
    }
  }
}
