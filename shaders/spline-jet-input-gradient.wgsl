// With g, g', g'' the gradients of y, y', y'' and sums over q and, for x, directions:
//   ∂x = Σ g φ' + g' φ'' x' + g'' (φ''' x'² + φ'' x''),   ∂x' = Σ g' φ' + 2 g'' φ'' x',   ∂x'' = Σ g'' φ'.
// After shaders/lib/linear-index.wgsl, src/kernels/spline-wgsl.ts and spline-jet.wgsl.
//
// One thread per (p, b), b fastest, for all channels: neighbours share the weights of their input.
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
  let value = x[inputIndex(0u, b, p)];
  let point = locate(value);
  let slopes = derivativeAt(point, 1u);
  let curvatures = derivativeAt(point, 2u);
  let thirds = derivativeAt(point, 3u);
  // Gradients, in cells. NaN where x is not finite.
  var sum = select(0.0, notANumber(value), isNonfinite(value));
  var firstSums = array<f32, 6>();
  var secondSums = array<f32, 6>();
  // x' and x'', in cells.
  var firsts = array<f32, 6>();
  var seconds = array<f32, 6>();
  for (var j = 0u; j < directions; j++) {
    firstSums[j] = sum;
    secondSums[j] = sum;
    firsts[j] = cellsPerUnitLength * x[inputIndex(firstChannel(j), b, p)];
    if (order == 2u) {
      seconds[j] = cellsPerUnitLength * x[inputIndex(firstChannel(j) + 1u, b, p)];
    }
  }
  let firstWeight = (p * (intervals + degree) + point.cell) * outputs;
  // Looks like a bound known at run time only; lavapipe would unroll the loop and compile for seconds.
  let outputsEnd = select(0u, outputs, arrayLength(&x) > 0u);
  for (var q = 0u; q < outputsEnd; q++) {
    var slope = 0.0;
    var curvature = 0.0;
    var third = 0.0;
    for (var k = 0u; k <= degree; k++) {
      let weight = weights[firstWeight + k * outputs + q];
      slope += slopes[k] * weight;
      curvature += curvatures[k] * weight;
      if (order == 2u) {
        third += thirds[k] * weight;
      }
    }
    sum += outputGradient[outputIndex(0u, b, q)] * slope;
    for (var j = 0u; j < directions; j++) {
      let g1 = outputGradient[outputIndex(firstChannel(j), b, q)];
      sum += g1 * curvature * firsts[j];
      firstSums[j] += g1 * slope;
      if (order == 2u) {
        let g2 = outputGradient[outputIndex(firstChannel(j) + 1u, b, q)];
        sum += g2 * (third * firsts[j] * firsts[j] + curvature * seconds[j]);
        firstSums[j] += 2.0 * g2 * curvature * firsts[j];
        secondSums[j] += g2 * slope;
      }
    }
  }
  inputGradient[inputIndex(0u, b, p)] = sum * cellsPerUnitLength;
  for (var j = 0u; j < directions; j++) {
    inputGradient[inputIndex(firstChannel(j), b, p)] = firstSums[j] * cellsPerUnitLength;
    if (order == 2u) {
      inputGradient[inputIndex(firstChannel(j) + 1u, b, p)] = secondSums[j] * cellsPerUnitLength;
    }
  }
}
