// y[b,q] = Σ_p Σ_k W[p,k,q] B_k(x[b,p]). After src/kernels/spline-wgsl.ts.
//
// A workgroup of 64 is `block` outputs by `samples` samples, one thread for each y. The inputs come in chunks of
// `block`, so that each thread evaluates one window per chunk, which all outputs then share.
override batch: u32;
override inputs: u32;
override outputs: u32;
override block: u32 = min(outputs, 64u);
override samples: u32 = 64u / block;

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> weights: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

var<workgroup> windows: array<array<f32, 6>, 64>;
var<workgroup> cells: array<u32, 64>;

fn evaluateWindow(b: u32, p: u32, slot: u32) {
  let value = x[b * inputs + p];
  let point = locate(value);
  let values = windowAt(point);
  for (var j = 0u; j <= degree; j++) {
    windows[slot][j] = select(values[j], notANumber(value), isNonfinite(value));
  }
  cells[slot] = point.cell;
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
  for (var first = 0u; first < inputsEnd; first += block) {
    if (inBatch && first + lane < inputs) {
      evaluateWindow(b, first + lane, local);
    }
    workgroupBarrier();
    if (inBatch && q < outputs) {
      let firstSlot = sample * block;
      let chunk = min(block, inputs - first);
      for (var slot = firstSlot; slot < firstSlot + chunk; slot++) {
        let p = first + slot - firstSlot;
        var weight = (p * (intervals + degree) + cells[slot]) * outputs + q;
        for (var j = 0u; j <= degree; j++) {
          sum += windows[slot][j] * weights[weight];
          weight += outputs;
        }
      }
    }
    workgroupBarrier();
  }
  if (inBatch && q < outputs) {
    y[b * outputs + q] = sum;
  }
}
