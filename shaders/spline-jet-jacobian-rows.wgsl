// values[row, (p, ρ, q)] = B_k h + B_k' h' + B_k'' h'' with h = g, h' = Σ_j g' x' + g'' x'', h'' = Σ_j g'' x'², for the one
// k ≡ ρ modulo degree + 1 of the point's cell; columns: the places of those coefficients.
// After shaders/lib/linear-index.wgsl, src/kernels/spline-wgsl.ts, spline-jet.wgsl and jacobian-rows.wgsl.
// One thread per row, input and output: nested loops over outputs and directions take seconds to compile.
// Any sizes. Source: docs/mathematics.md, "Gauss–Newton on local support".
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
  let b = row.point;
  var slopeFactor = 0.0;
  var curvatureFactor = 0.0;
  for (var direction = 0u; direction < directions; direction++) {
    let channel = firstChannel(direction);
    let dx = cellsPerUnitLength * x[inputIndex(channel, b, p)];
    slopeFactor += dx * adjoint[outputIndex(channel, b, q)];
    if (order == 2u) {
      let g2 = adjoint[outputIndex(channel + 1u, b, q)];
      slopeFactor += cellsPerUnitLength * x[inputIndex(channel + 1u, b, p)] * g2;
      curvatureFactor += dx * dx * g2;
    }
  }
  let value = x[inputIndex(0u, b, p)];
  let point = locate(value);
  let windows = derivativeAt(point, 0u);
  let slopes = derivativeAt(point, 1u);
  let curvatures = derivativeAt(point, 2u);
  let factor = adjoint[outputIndex(0u, b, q)];
  for (var j = 0u; j <= degree; j++) {
    var derivative = select(windows[j], notANumber(value), isNonfinite(value)) * factor;
    derivative += slopes[j] * slopeFactor;
    if (order == 2u) {
      derivative += curvatures[j] * curvatureFactor;
    }
    let k = point.cell + j;
    let to = row.at + (p * (degree + 1u) + k % (degree + 1u)) * outputs + q;
    values[to] = derivative;
    columns[to] = column + (p * (intervals + degree) + k) * outputs + q;
  }
}
