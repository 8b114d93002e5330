// inputGradient[b,p] = Σ_q outputGradient[b,q] Σ_k W[p,k,q] B_k'(x[b,p]).
// After src/kernels/spline-wgsl.ts and lib/columns.wgsl.
//
// A thread is one sample and two inputs, which share the gradients that it reads. Neighbouring threads are neighbouring
// samples and share the weights of their inputs.
override batch: u32;
override inputs: u32;

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> weights: array<Column>;
@group(0) @binding(2) var<storage, read> outputGradient: array<Column>;
@group(0) @binding(3) var<storage, read_write> inputGradient: array<f32>;

struct Edges {
  slopes: array<f32, 6>,
  // Where the weights of the cell's first coefficient begin.
  start: u32,
}

fn edgesFrom(b: u32, p: u32) -> Edges {
  let point = locate(x[b * inputs + p]);
  return Edges(windowDerivative(1u, point.left, point.right), (p * (intervals + degree) + point.cell) * columns);
}

fn slopesOf(edges: Edges, column: u32) -> Column {
  var slope = Column();
  for (var j = 0u; j <= degree; j++) {
    slope += edges.slopes[j] * weights[edges.start + j * columns + column];
  }
  return slope;
}

fn write(b: u32, p: u32, gradient: Column) {
  let value = x[b * inputs + p];
  inputGradient[b * inputs + p] = select(total(gradient) * cellsPerUnitLength, notANumber(value), isNonfinite(value));
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let b = (workgroup.z * 65535u + workgroup.x) * THREADS + local;
  let p = 2u * workgroup.y;
  if (b >= batch) {
    return;
  }
  let next = min(p + 1u, inputs - 1u);
  let edges = edgesFrom(b, p);
  let nextEdges = edgesFrom(b, next);
  // Looks like a bound known at run time only; lavapipe would unroll the loop.
  let columnsEnd = select(0u, columns, arrayLength(&inputGradient) > 0u);
  var gradient = Column();
  var nextGradient = Column();
  for (var column = 0u; column < columnsEnd; column++) {
    let factor = outputGradient[b * columns + column];
    gradient += factor * slopesOf(edges, column);
    nextGradient += factor * slopesOf(nextEdges, column);
  }
  write(b, p, gradient);
  if (next > p) {
    write(b, next, nextGradient);
  }
}
