// partials[tile,p,k,q] = Σ_{b in tile} B_k(x[b,p]) outputGradient[b,q], from the lists of spline-cell-order.wgsl.
// After src/kernels/spline-wgsl.ts and lib/columns.wgsl.
//
// A thread is one list, that is one tile and input, and two columns. It goes through the list cell after cell and keeps
// the sums of the degree + 1 coefficients of the cell in registers; when a cell is done, its first coefficient is too.
// Source: docs/mathematics.md, "Reproducible reductions".
override batch: u32;
override inputs: u32;
override tiles: u32;

// Sums are added to larger ones after this many samples, which bounds the error of adding small numbers to large sums.
const RUN = 256u;

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> outputGradient: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> starts: array<u32>;
@group(0) @binding(3) var<storage, read> samples: array<u32>;
@group(0) @binding(4) var<storage, read_write> partials: array<vec4<f32>>;

// Both columns of a thread.
alias Pair = mat2x4<f32>;

// Window of x from the first coefficient of `cell`, where another kernel has found x; at a knot, rounding may have led
// it to the neighbour.
fn windowFrom(cell: u32, x: f32) -> array<f32, 6> {
  var point = locate(x);
  let shift = f32(i32(point.cell) - i32(cell));
  point.left += shift;
  point.right -= shift;
  return windowAt(point);
}

fn write(destination: u32, column: u32, sum: Pair) {
  partials[destination + column] = sum[0];
  if (column + lanes < columns) {
    partials[destination + column + lanes] = sum[1];
  }
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let row = local / lanes;
  let list = workgroup.x * rows + row;
  let column = workgroup.y * 2u * lanes + local % lanes;
  if (row >= rows || list >= tiles * inputs || column >= columns) {
    return;
  }
  let p = list % inputs;
  let next = min(column + lanes, columns - 1u);
  let firstStart = list * (intervals + 1u);
  var destination = list * (intervals + degree) * columns;
  // Looks like a bound known at run time only; lavapipe would unroll the loop.
  let cells = select(0u, intervals, arrayLength(&partials) > 0u);
  var sums = array<Pair, 6>();
  var slot = starts[firstStart];
  for (var cell = 0u; cell < cells; cell++) {
    let cellEnd = starts[firstStart + cell + 1u];
    while (slot < cellEnd) {
      let runEnd = min(slot + RUN, cellEnd);
      var run = array<Pair, 6>();
      for (; slot < runEnd; slot++) {
        let b = samples[slot];
        let value = x[b * inputs + p];
        let window = windowFrom(cell, value);
        let gradient = Pair(outputGradient[b * columns + column], outputGradient[b * columns + next]);
        for (var j = 0u; j <= degree; j++) {
          run[j] += select(window[j], notANumber(value), isNonfinite(value)) * gradient;
        }
      }
      for (var j = 0u; j <= degree; j++) {
        sums[j] += run[j];
      }
    }
    write(destination, column, sums[0]);
    destination += columns;
    for (var j = 0u; j < degree; j++) {
      sums[j] = sums[j + 1u];
    }
    sums[degree] = Pair();
  }
  for (var j = 0u; j < degree; j++) {
    write(destination, column, sums[j]);
    destination += columns;
  }
}
