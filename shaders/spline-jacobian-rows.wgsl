// values[row, (p, ρ, q)] = B_k(x[point, p]) adjoint[point, q] for the one k ≡ ρ modulo degree + 1 of the point's cell;
// columns: the places of those coefficients.
// After shaders/lib/linear-index.wgsl, src/kernels/spline-wgsl.ts and jacobian-rows.wgsl.
// One thread per row, input and output. Any sizes. Source: docs/mathematics.md, "Gauss–Newton on local support".
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
  let q = index % outputs;
  let p = index / outputs % inputs;
  let row = rowOf(index / (outputs * inputs), counter[0]);
  if (!row.exists) {
    return;
  }
  let value = x[row.point * inputs + p];
  let factor = adjoint[row.point * outputs + q];
  let point = locate(value);
  let windows = windowAt(point);
  for (var j = 0u; j <= degree; j++) {
    let k = point.cell + j;
    let to = row.at + (p * (degree + 1u) + k % (degree + 1u)) * outputs + q;
    values[to] = select(windows[j], notANumber(value), isNonfinite(value)) * factor;
    columns[to] = column + (p * (intervals + degree) + k) * outputs + q;
  }
}
