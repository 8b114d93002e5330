// Gradients with respect to every channel of one input of one sample of a spline layer on jets; order 0 is the value alone.
// With g, g', g'' the gradients of y, y', y'' and sums over q and, for x, directions:
//   ∂x = Σ g φ' + g' φ'' x' + g'' (φ''' x'² + φ'' x''),   ∂x' = Σ g' φ' + 2 g'' φ'' x',   ∂x'' = Σ g'' φ'.
// The including kernel defines directions, order and the functions inputAt(channel, p), weightAt(index),
// outputGradientAt(channel, q) and setInputGradient(channel, p, value). After src/kernels/spline-wgsl.ts and
// jet-channel.wgsl.
fn propagateBack(grid: Grid, outputs: u32, point: Point, p: u32) {
  let value = inputAt(0u, p);
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
    firsts[j] = grid.cellsPerUnitLength * inputAt(firstChannel(j), p);
    if (order == 2u) {
      seconds[j] = grid.cellsPerUnitLength * inputAt(firstChannel(j) + 1u, p);
    }
  }
  let firstWeight = (p * (grid.intervals + degree) + point.cell) * outputs;
  // Looks like a bound known at run time only; lavapipe would unroll the loop and compile for seconds.
  let outputsEnd = select(0u, outputs, arrayLength(&x) > 0u);
  for (var q = 0u; q < outputsEnd; q++) {
    var slope = 0.0;
    var curvature = 0.0;
    var third = 0.0;
    for (var k = 0u; k <= degree; k++) {
      let weight = weightAt(firstWeight + k * outputs + q);
      slope += slopes[k] * weight;
      if (order > 0u) {
        curvature += curvatures[k] * weight;
      }
      if (order == 2u) {
        third += thirds[k] * weight;
      }
    }
    sum += outputGradientAt(0u, q) * slope;
    for (var j = 0u; j < directions; j++) {
      let g1 = outputGradientAt(firstChannel(j), q);
      sum += g1 * curvature * firsts[j];
      firstSums[j] += g1 * slope;
      if (order == 2u) {
        let g2 = outputGradientAt(firstChannel(j) + 1u, q);
        sum += g2 * (third * firsts[j] * firsts[j] + curvature * seconds[j]);
        firstSums[j] += 2.0 * g2 * curvature * firsts[j];
        secondSums[j] += g2 * slope;
      }
    }
  }
  setInputGradient(0u, p, sum * grid.cellsPerUnitLength);
  for (var j = 0u; j < directions; j++) {
    setInputGradient(firstChannel(j), p, firstSums[j] * grid.cellsPerUnitLength);
    if (order == 2u) {
      setInputGradient(firstChannel(j) + 1u, p, secondSums[j] * grid.cellsPerUnitLength);
    }
  }
}
