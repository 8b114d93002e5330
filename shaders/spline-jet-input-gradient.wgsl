// The gradients of shaders/lib/spline-jet-sample.wgsl, for every sample and input.
// After linear-index.wgsl, src/kernels/spline-wgsl.ts, lib/spline-jet.wgsl and lib/spline-jet-sample.wgsl.
//
// One thread per (p, b), b fastest, for all channels: neighbours share the weights of their input.
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> weights: array<f32>;
@group(0) @binding(2) var<storage, read> outputGradient: array<f32>;
@group(0) @binding(3) var<storage, read_write> inputGradient: array<f32>;

var<private> b: u32;

fn inputAt(channel: u32, p: u32) -> f32 {
  return x[inputIndex(channel, b, p)];
}

fn weightAt(index: u32) -> f32 {
  return weights[index];
}

fn outputGradientAt(channel: u32, q: u32) -> f32 {
  return outputGradient[outputIndex(channel, b, q)];
}

fn setInputGradient(channel: u32, p: u32, value: f32) {
  inputGradient[inputIndex(channel, b, p)] = value;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let index = linearIndex(workgroup, local, 64u);
  if (index >= batch * inputs) {
    return;
  }
  let p = index / batch;
  b = index % batch;
  propagateBack(layerGrid(), outputs, locate(inputAt(0u, p)), p);
}
