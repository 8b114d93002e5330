// y[b,q] = Σ_p Σ_k W[p,k,q] B_k(x[b,p]). After shaders/lib/spline-window.wgsl.
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
  let bits = bitcast<u32>(value);
  if (isFiniteBits(bits)) {
    let point = locate(value);
    windows[slot] = windowAt(point);
    cells[slot] = point.cell;
  } else {
    for (var j = 0u; j < 6u; j++) {
      windows[slot][j] = notANumber(bits);
    }
    cells[slot] = 0u;
  }
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let sample = local / block;
  let lane = local % block;
  let b = (workgroup.z * 65535u + workgroup.x) * samples + sample;
  let q = workgroup.y * block + lane;
  let inBatch = sample < samples && b < batch;
  var sum = 0.0;
  for (var first = 0u; first < inputs; first += block) {
    if (inBatch && first + lane < inputs) {
      evaluateWindow(b, first + lane, local);
    }
    workgroupBarrier();
    if (inBatch && q < outputs) {
      let chunk = min(block, inputs - first);
      for (var i = 0u; i < chunk; i++) {
        let slot = sample * block + i;
        var from = ((first + i) * (intervals + degree) + cells[slot]) * outputs + q;
        for (var j = 0u; j <= degree; j++) {
          sum += windows[slot][j] * weights[from];
          from += outputs;
        }
      }
    }
    workgroupBarrier();
  }
  if (inBatch && q < outputs) {
    y[b * outputs + q] = sum;
  }
}
