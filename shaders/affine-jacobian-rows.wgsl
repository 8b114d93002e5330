// values[row, (p, q)] = Σ_c x[c, point, p] adjoint[c, point, q].
// After shaders/lib/linear-index.wgsl and jacobian-rows.wgsl. One thread per row, input and output. Any sizes.
// Source: docs/mathematics.md, "Gauss–Newton on local support".
override channels: u32;
override inputs: u32;
override outputs: u32;

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> adjoint: array<f32>;
@group(0) @binding(2) var<storage, read> counter: array<u32>;
@group(0) @binding(3) var<storage, read_write> values: array<f32>;
@group(0) @binding(4) var<storage, read_write> columns: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let index = linearIndex(workgroup, local, 64u);
  let entry = index % (inputs * outputs);
  let row = rowOf(index / (inputs * outputs), counter[0]);
  if (!row.exists) {
    return;
  }
  var sum = 0.0;
  for (var c = 0u; c < channels; c++) {
    let b = c * traces * samples + row.point;
    sum += x[b * inputs + entry / outputs] * adjoint[b * outputs + entry % outputs];
  }
  values[row.at + entry] = sum;
  columns[row.at + entry] = column + entry;
}
