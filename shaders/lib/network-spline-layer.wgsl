// One spline layer of a network in one kernel: its part of the sweeps, for the point in `slot`. Made once per layer, all
// names with the layer's number behind them (src/kernels/network-gradient.ts), with constants inputs, outputs, inputRow,
// outputRow and pointRow. After network-memory.wgsl, spline-grid.wgsl and spline-jet-sample.wgsl.
override firstParameter: u32;

fn inputAt(channel: u32, p: u32) -> f32 {
  return activations[(inputRow + channel * inputs + p) * STRIDE + slot];
}

fn outputGradientAt(channel: u32, q: u32) -> f32 {
  return adjoints[(outputRow + channel * outputs + q) * STRIDE + slot];
}

fn setInputGradient(channel: u32, p: u32, value: f32) {
  adjoints[(inputRow + channel * inputs + p) * STRIDE + slot] = value;
}

fn weightAt(index: u32) -> f32 {
  return parameters[parameterBase + firstParameter + index];
}

fn forward() {
  for (var row = outputRow; row < outputRow + channels * outputs; row++) {
    activations[row * STRIDE + slot] = 0.0;
  }
  // Looks like a bound known at run time only; lavapipe would unroll the loops and compile for seconds.
  let inputsEnd = select(0u, inputs, arrayLength(&x) > 0u);
  let outputsEnd = select(0u, outputs, arrayLength(&x) > 0u);
  for (var p = 0u; p < inputsEnd; p++) {
    let point = locateFinite(inputAt(0u, p));
    keepPoint(pointRow + 4u * p, point);
    let values = derivativeAt(point, 0u);
    let slopes = derivativeAt(point, 1u);
    let curvatures = derivativeAt(point, 2u);
    let firstWeight = (p * (intervals + degree) + point.cell) * outputs;
    for (var q = 0u; q < outputsEnd; q++) {
      // φ, φ' and φ''
      var edge = vec3<f32>();
      for (var k = 0u; k <= degree; k++) {
        edge += vec3(values[k], slopes[k], curvatures[k]) * weightAt(firstWeight + k * outputs + q);
      }
      let place = (outputRow + q) * STRIDE + slot;
      activations[place] += edge.x;
      for (var j = 0u; j < directions; j++) {
        let channel = firstChannel(j);
        let dx = cellsPerUnitLength * inputAt(channel, p);
        activations[place + channel * outputs * STRIDE] += edge.y * dx;
        if (order == 2u) {
          let ddx = cellsPerUnitLength * inputAt(channel + 1u, p);
          activations[place + (channel + 1u) * outputs * STRIDE] += edge.z * dx * dx + edge.y * ddx;
        }
      }
    }
  }
}

// A point whose windows are NaN where x is not finite.
fn locateFinite(value: f32) -> Point {
  var point = locate(value);
  if (isNonfinite(value)) {
    point = Point(0u, notANumber(value), notANumber(value), 0.0);
  }
  return point;
}

fn backward() {
  let inputsEnd = select(0u, inputs, arrayLength(&x) > 0u);
  for (var p = 0u; p < inputsEnd; p++) {
    propagateBack(pointAt(pointRow + 4u * p, slot), p);
  }
}

// The parameters of edge (p, q) and the rows that their gradients are made of.
fn edgeAt(index: u32) -> Edge {
  let p = index / outputs;
  let q = index % outputs;
  return Edge(
    firstParameter + p * (intervals + degree) * outputs + q, outputs,
    pointRow + 4u * p, inputRow + p, inputs, outputRow + q, cellsPerUnitLength);
}
