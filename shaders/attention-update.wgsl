// weights[b] = (1 - rate) weights[b] + rate |r_b| / max |r|, |r_b|^2 = sum over r of residual[r, b]^2.
// One workgroup of 256. Where all residuals are zero the second term is zero. NaN stays NaN: a maximum may drop it, the
// quotient does not.
override batch: u32;
override residuals: u32;
override rate: f32;

@group(0) @binding(0) var<storage, read> residual: array<f32>;
@group(0) @binding(1) var<storage, read_write> weights: array<f32>;

var<workgroup> largest: array<f32, 256>;

fn magnitude(b: u32) -> f32 {
  var squares = 0.0;
  for (var r = 0u; r < residuals; r++) {
    let value = residual[r * batch + b];
    squares += value * value;
  }
  return sqrt(squares);
}

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) thread: u32) {
  var most = 0.0;
  for (var b = thread; b < batch; b += 256u) {
    most = max(most, magnitude(b));
  }
  largest[thread] = most;
  workgroupBarrier();
  for (var width = 128u; width > 0u; width /= 2u) {
    if (thread < width) {
      largest[thread] = max(largest[thread], largest[thread + width]);
    }
    workgroupBarrier();
  }
  let scale = select(0.0, rate / largest[0], largest[0] > 0.0);
  for (var b = thread; b < batch; b += 256u) {
    weights[b] = (1.0 - rate) * weights[b] + scale * magnitude(b);
  }
}
