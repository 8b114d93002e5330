// products[s] = factor weights[s] Σ over traces and slots of values · vector[column], for the samples of a chunk.
// After shaders/lib/linear-index.wgsl. One thread per sample. Any sizes.
// Source: docs/mathematics.md, "Gauss–Newton on local support".
override samples: u32;
override traces: u32;
override chunk: u32;
override slots: u32;
override size: u32;
override factor: f32;

@group(0) @binding(0) var<storage, read> values: array<f32>;
@group(0) @binding(1) var<storage, read> columns: array<u32>;
@group(0) @binding(2) var<storage, read> weights: array<f32>;
@group(0) @binding(3) var<storage, read> counter: array<u32>;
@group(0) @binding(4) var<storage, read> vector: array<f32>;
@group(0) @binding(5) var<storage, read_write> products: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let s = linearIndex(workgroup, local, 64u);
  let sample = counter[0] * chunk + s;
  if (s >= chunk || sample >= samples) {
    return;
  }
  var sum = 0.0;
  for (var trace = 0u; trace < traces; trace++) {
    let first = (trace * chunk + s) * slots;
    for (var a = first; a < first + slots; a++) {
      sum += values[a] * vector[columns[a]];
    }
  }
  products[s] = factor * weights[sample] * sum;
}
