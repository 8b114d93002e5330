// inputGradient[b,p] = Σ_q outputGradient[b,q] Σ_k W[p,k,q] B_k'(x[b,p]).
// After shaders/lib/linear-index.wgsl and src/kernels/spline-wgsl.ts.
//
// One thread per (p, b), b fastest: neighbours share the weights of their input.
override batch: u32;
override inputs: u32;
override outputs: u32;

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> weights: array<f32>;
@group(0) @binding(2) var<storage, read> outputGradient: array<f32>;
@group(0) @binding(3) var<storage, read_write> inputGradient: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let index = linearIndex(workgroup, local, 64u);
  if (index >= batch * inputs) {
    return;
  }
  let p = index / batch;
  let b = index % batch;
  let value = x[b * inputs + p];
  if (isNonfinite(value)) {
    inputGradient[b * inputs + p] = notANumber(value);
    return;
  }
  let point = locate(value);
  let slopes = windowDerivative(1u, point.left, point.right);
  let firstOutput = b * outputs;
  var weight = (p * (intervals + degree) + point.cell) * outputs;
  var sum = 0.0;
  for (var output = firstOutput; output < firstOutput + outputs; output++) {
    var slope = 0.0;
    for (var j = 0u; j <= degree; j++) {
      slope += slopes[j] * weights[weight + j * outputs];
    }
    sum += outputGradient[output] * slope;
    weight++;
  }
  inputGradient[b * inputs + p] = sum * cellsPerUnitLength;
}
