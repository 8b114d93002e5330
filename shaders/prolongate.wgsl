// fine[p,j,q] = sum over s of 2^-degree C(degree + 1, s) coarse[p,(j + degree - s)/2,q], s of the parity of j + degree.
// One thread per fine coefficient, workgroups of 64 on a linear grid. Every index is in range: with s of that parity
// and at most j + degree, (j + degree - s)/2 lies in 0 ... intervals + degree - 1.
override inputs: u32;
override outputs: u32;
override intervals: u32;
override degree: u32;

@group(0) @binding(0) var<storage, read> coarse: array<f32>;
@group(0) @binding(1) var<storage, read_write> fine: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let index = linearIndex(workgroup, local, 64u);
  let fineCount = 2u * intervals + degree;
  if (index >= inputs * fineCount * outputs) {
    return;
  }
  let q = index % outputs;
  let j = (index / outputs) % fineCount;
  let p = index / outputs / fineCount;
  var sum = 0.0;
  var binomial = 1.0;
  for (var s = 0u; s <= min(degree + 1u, j + degree); s++) {
    if ((j + degree - s) % 2u == 0u) {
      let k = (j + degree - s) / 2u;
      sum += binomial * coarse[(p * (intervals + degree) + k) * outputs + q];
    }
    binomial = binomial * f32(degree + 1u - s) / f32(s + 1u);
  }
  fine[index] = sum / f32(1u << degree);
}
