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

// This lane's share of the inputs. The windows of a point are NaN where x is not finite.
fn locateInputs() {
  for (var p = lane; p < inputs; p += LANES) {
    let value = inputAt(0u, p);
    var point = locate(value);
    if (isNonfinite(value)) {
      point = Point(0u, notANumber(value), notANumber(value), 0.0);
    }
    keepPoint(pointRow + 4u * p, point);
  }
}

// This lane's share of the outputs, all channels.
fn forward() {
  // Looks like a bound known at run time only; lavapipe would unroll the loop and compile for seconds.
  let inputsEnd = select(0u, inputs, arrayLength(&x) > 0u);
  for (var q = lane; q < outputs; q += LANES) {
    var sum = 0.0;
    var firstSums = array<f32, 6>();
    var secondSums = array<f32, 6>();
    for (var p = 0u; p < inputsEnd; p++) {
      let point = pointAt(pointRow + 4u * p, slot);
      let values = derivativeAt(point, 0u);
      let slopes = derivativeAt(point, 1u);
      let curvatures = derivativeAt(point, 2u);
      let firstWeight = (p * (intervals + degree) + point.cell) * outputs + q;
      // φ, φ' and φ''
      var edge = vec3<f32>();
      for (var k = 0u; k <= degree; k++) {
        edge += vec3(values[k], slopes[k], curvatures[k]) * weightAt(firstWeight + k * outputs);
      }
      sum += edge.x;
      for (var j = 0u; j < directions; j++) {
        let dx = cellsPerUnitLength * inputAt(firstChannel(j), p);
        firstSums[j] += edge.y * dx;
        if (order == 2u) {
          secondSums[j] += edge.z * dx * dx + edge.y * cellsPerUnitLength * inputAt(firstChannel(j) + 1u, p);
        }
      }
    }
    let place = (outputRow + q) * STRIDE + slot;
    activations[place] = sum;
    for (var j = 0u; j < directions; j++) {
      activations[place + firstChannel(j) * outputs * STRIDE] = firstSums[j];
      if (order == 2u) {
        activations[place + (firstChannel(j) + 1u) * outputs * STRIDE] = secondSums[j];
      }
    }
  }
}

// This lane's share of the inputs, all channels.
fn backward() {
  for (var p = lane; p < inputs; p += LANES) {
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
