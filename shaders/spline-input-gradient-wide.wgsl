// inputGradient[b,p] = Σ_q outputGradient[b,q] Σ_k W[p,k,q] B_k'(x[b,p]).
// After shaders/lib/nan.wgsl, spline-window.wgsl and wide-columns.wgsl.
//
// A thread is one sample and two columns, whose gradients it keeps. What the lanes of a sample have found for CHUNK
// inputs is added up in workgroup memory. More columns than a workgroup has are taken one block after the other.
const CHUNK = 8u;

override batch: u32;
override inputs: u32;
// One more than the sums: neighbouring threads then use different banks both when writing and when reading.
override stride: u32 = rows * CHUNK + 1u;

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> weights: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> outputGradient: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> inputGradient: array<f32>;

var<workgroup> parts: array<f32, lanes * stride>;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let firstSample = (workgroup.z * 65535u + workgroup.x) * rows;
  let row = local / lanes;
  let lane = local % lanes;
  let b = min(firstSample + row, batch - 1u);
  // Look like bounds known at run time only; lavapipe would unroll the loops and compile for seconds.
  let inputsEnd = select(0u, inputs, arrayLength(&inputGradient) > 0u);
  let columnsEnd = min(columns, inputsEnd * columns);
  for (var firstColumn = 0u; firstColumn < columnsEnd; firstColumn += 2u * lanes) {
    let column = min(firstColumn + lane, columns - 1u);
    let next = min(column + lanes, columns - 1u);
    let gradient = select(vec4<f32>(), outputGradient[b * columns + column], firstColumn + lane < columns);
    let nextGradient = select(vec4<f32>(), outputGradient[b * columns + next], firstColumn + lane + lanes < columns);
    for (var first = 0u; first < inputsEnd; first += CHUNK) {
      let end = min(first + CHUNK, inputsEnd);
      for (var p = first; p < end && row < rows; p++) {
        let point = locate(x[b * inputs + p]);
        let slopes = windowDerivative(1u, point.left, point.right);
        var start = (p * (intervals + degree) + point.cell) * columns;
        var part = 0.0;
        for (var j = 0u; j <= degree; j++) {
          part += slopes[j] * (dot(gradient, weights[start + column]) + dot(nextGradient, weights[start + next]));
          start += columns;
        }
        parts[lane * stride + row * CHUNK + p - first] = part;
      }
      workgroupBarrier();
      for (var entry = local; entry < rows * CHUNK; entry += THREADS) {
        let sample = firstSample + entry / CHUNK;
        let p = first + entry % CHUNK;
        if (sample < batch && p < end) {
          let destination = sample * inputs + p;
          var sum = 0.0;
          for (var part = entry; part < lanes * stride; part += stride) {
            sum += parts[part];
          }
          sum *= cellsPerUnitLength;
          if (firstColumn > 0u) {
            sum += inputGradient[destination];
          }
          let value = x[destination];
          inputGradient[destination] = select(sum, notANumber(value), isNonfinite(value));
        }
      }
      workgroupBarrier();
    }
  }
}
