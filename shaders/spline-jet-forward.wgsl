// Value and directional derivatives of y[b,q] = Σ_p φ_pq(x[b,p]): y' = Σ_p φ' x', y'' = Σ_p φ'' x'² + φ' x''.
// After src/kernels/spline-wgsl.ts and lib/spline-jet.wgsl.
//
// A workgroup of 64 is `block` outputs by `samples` samples, one thread for all channels of each y. The inputs come in
// chunks of `block`, so that each thread evaluates the windows of one input per chunk, which all outputs then share.
override block: u32 = min(outputs, 64u);
override samples: u32 = 64u / block;

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> weights: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

// Values, slopes and curvatures of the functions at the points.
var<workgroup> windows: array<array<vec3<f32>, 6>, 64>;
var<workgroup> cells: array<u32, 64>;
// x' and x'' of every direction, in cells.
var<workgroup> firsts: array<array<f32, 6>, 64>;
var<workgroup> seconds: array<array<f32, 6>, 64>;

fn evaluatePoint(b: u32, p: u32, slot: u32) {
  let value = x[inputIndex(0u, b, p)];
  let point = locate(value);
  let values = derivativeAt(point, 0u);
  let slopes = derivativeAt(point, 1u);
  let curvatures = derivativeAt(point, 2u);
  for (var k = 0u; k <= degree; k++) {
    windows[slot][k] = select(vec3(values[k], slopes[k], curvatures[k]), vec3(notANumber(value)), isNonfinite(value));
  }
  cells[slot] = point.cell;
  for (var j = 0u; j < directions; j++) {
    firsts[slot][j] = cellsPerUnitLength * x[inputIndex(firstChannel(j), b, p)];
    if (order == 2u) {
      seconds[slot][j] = cellsPerUnitLength * x[inputIndex(firstChannel(j) + 1u, b, p)];
    }
  }
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let sample = local / block;
  let lane = local % block;
  let b = (workgroup.z * 65535u + workgroup.x) * samples + sample;
  let q = workgroup.y * block + lane;
  let inBatch = sample < samples && b < batch;
  // Looks like a bound known at run time only; lavapipe would unroll the loop and compile for half a second.
  let inputsEnd = select(0u, inputs, arrayLength(&y) > 0u);
  var sum = 0.0;
  var firstSums = array<f32, 6>();
  var secondSums = array<f32, 6>();
  for (var first = 0u; first < inputsEnd; first += block) {
    if (inBatch && first + lane < inputs) {
      evaluatePoint(b, first + lane, local);
    }
    workgroupBarrier();
    if (inBatch && q < outputs) {
      let firstSlot = sample * block;
      let chunk = min(block, inputs - first);
      for (var slot = firstSlot; slot < firstSlot + chunk; slot++) {
        let p = first + slot - firstSlot;
        var weight = (p * (intervals + degree) + cells[slot]) * outputs + q;
        // φ, φ' and φ''
        var edge = vec3<f32>();
        for (var k = 0u; k <= degree; k++) {
          edge += windows[slot][k] * weights[weight];
          weight += outputs;
        }
        sum += edge.x;
        for (var j = 0u; j < directions; j++) {
          let dx = firsts[slot][j];
          firstSums[j] += edge.y * dx;
          if (order == 2u) {
            secondSums[j] += edge.z * dx * dx + edge.y * seconds[slot][j];
          }
        }
      }
    }
    workgroupBarrier();
  }
  if (inBatch && q < outputs) {
    y[outputIndex(0u, b, q)] = sum;
    for (var j = 0u; j < directions; j++) {
      y[outputIndex(firstChannel(j), b, q)] = firstSums[j];
      if (order == 2u) {
        y[outputIndex(firstChannel(j) + 1u, b, q)] = secondSums[j];
      }
    }
  }
}
