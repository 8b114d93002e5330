// y[b,q] = sum over p, j of W[p,j,q] psi_j(x[b,p]): one layer of the multichannel MLP.
// One thread per element of y, workgroups of 64 on a linear grid. Any sizes.
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> weights: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let index = linearIndex(workgroup, local, 64u);
  if (index >= batch * outputs) {
    return;
  }
  let b = index / outputs;
  let q = index % outputs;
  let coefficients = intervals + degree;
  var sum = 0.0;
  for (var p = 0u; p < inputs; p++) {
    let point = place(x[b * inputs + p]);
    var edge = 0.0;
    for (var j = 0u; j < coefficients; j++) {
      edge += channelValue(point, j) * weights[(p * coefficients + j) * outputs + q];
    }
    sum += edge;
  }
  y[index] = sum;
}
