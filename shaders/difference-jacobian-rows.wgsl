// Rows of the second differences u[p,k,q] - 2 u[p,k+1,q] + u[p,k+2,q]: slot i mod 3 for coefficient i, slot 3 for the difference.
// After shaders/lib/linear-index.wgsl and jacobian-rows.wgsl. One thread per row. Any sizes.
// Source: docs/mathematics.md, "Gauss–Newton on local support".
override coefficients: u32;
override outputs: u32;
override residualColumn: u32;

@group(0) @binding(0) var<storage, read> u: array<f32>;
@group(0) @binding(1) var<storage, read> counter: array<u32>;
@group(0) @binding(2) var<storage, read_write> values: array<f32>;
@group(0) @binding(3) var<storage, read_write> columns: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let row = rowOf(linearIndex(workgroup, local, 64u), counter[0]);
  if (!row.exists) {
    return;
  }
  let perInput = (coefficients - 2u) * outputs;
  let k = row.point % perInput / outputs;
  let first = row.point / perInput * coefficients * outputs + row.point % perInput;
  for (var j = 0u; j < 3u; j++) {
    let to = row.at + (k + j) % 3u;
    values[to] = select(1.0, -2.0, j == 1u);
    columns[to] = column + first + j * outputs;
  }
  values[row.at + 3u] = u[first] - 2.0 * u[first + outputs] + u[first + 2u * outputs];
  columns[row.at + 3u] = residualColumn;
}
