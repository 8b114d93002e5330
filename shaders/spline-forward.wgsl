// y[b,q] = Σ_p Σ_k W[p,k,q] B_k(x[b,p]). After src/kernels/spline-wgsl.ts and lib/columns.wgsl.
//
// A thread is one sample and two columns. It evaluates its windows itself: that costs less than sharing them through
// workgroup memory.
override batch: u32;
override inputs: u32;

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> weights: array<Column>;
@group(0) @binding(2) var<storage, read_write> y: array<Column>;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let row = local / lanes;
  let b = (workgroup.z * 65535u + workgroup.x) * rows + row;
  let column = workgroup.y * 2u * lanes + local % lanes;
  if (row >= rows || b >= batch || column >= columns) {
    return;
  }
  let next = min(column + lanes, columns - 1u);
  // Looks like a bound known at run time only; lavapipe would unroll the loop and compile for seconds.
  let inputsEnd = select(0u, inputs, arrayLength(&y) > 0u);
  var sum = Column();
  var nextSum = Column();
  for (var p = 0u; p < inputsEnd; p++) {
    let value = x[b * inputs + p];
    let point = locate(value);
    let window = windowAt(point);
    var start = (p * (intervals + degree) + point.cell) * columns;
    for (var j = 0u; j <= degree; j++) {
      let factor = select(window[j], notANumber(value), isNonfinite(value));
      sum += factor * weights[start + column];
      nextSum += factor * weights[start + next];
      start += columns;
    }
  }
  y[b * columns + column] = sum;
  if (column + lanes < columns) {
    y[b * columns + next] = nextSum;
  }
}
