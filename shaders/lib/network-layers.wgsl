// The layers of a network in one kernel (src/kernels/network-gradient.ts): their part of the sweeps, for the point in
// `slot`, shared out to LANES threads. `layer` is the present one. After network-memory.wgsl and spline-jet-sample.wgsl.
struct Layer {
  isSpline: bool,
  hasBias: bool,
  inputs: u32,
  outputs: u32,
  // First rows of its inputs, its outputs and the points of its inputs.
  inputRow: u32,
  outputRow: u32,
  pointRow: u32,
  firstParameter: u32,
  firstBias: u32,
  grid: Grid,
}

var<private> layer: Layer;

fn inputAt(channel: u32, p: u32) -> f32 {
  return activations[(layer.inputRow + channel * layer.inputs + p) * STRIDE + slot];
}

fn outputGradientAt(channel: u32, q: u32) -> f32 {
  return adjoints[(layer.outputRow + channel * layer.outputs + q) * STRIDE + slot];
}

fn setInputGradient(channel: u32, p: u32, value: f32) {
  adjoints[(layer.inputRow + channel * layer.inputs + p) * STRIDE + slot] = value;
}

fn weightAt(index: u32) -> f32 {
  return parameters[parameterBase + layer.firstParameter + index];
}

// Points of a spline layer's inputs. The windows of a point are NaN where x is not finite.
fn locateInputs() {
  for (var p = lane; p < layer.inputs; p += LANES) {
    let value = inputAt(0u, p);
    var point = locateOn(layer.grid, value);
    if (isNonfinite(value)) {
      point = Point(0u, notANumber(value), notANumber(value), 0.0);
    }
    keepPoint(layer.pointRow + 4u * p, point);
  }
}

fn splineForward() {
  for (var q = lane; q < layer.outputs; q += LANES) {
    var sum = 0.0;
    var firstSums = array<f32, 6>();
    var secondSums = array<f32, 6>();
    for (var p = 0u; p < layer.inputs; p++) {
      let point = pointAt(layer.pointRow + 4u * p, slot);
      let basis = windowsAt(point);
      let firstWeight = (p * (layer.grid.intervals + degree) + point.cell) * layer.outputs + q;
      // φ, φ' and φ''
      var edge = vec3<f32>();
      for (var k = 0u; k <= degree; k++) {
        edge += basis[k] * weightAt(firstWeight + k * layer.outputs);
      }
      sum += edge.x;
      for (var j = 0u; j < directions; j++) {
        let dx = layer.grid.cellsPerUnitLength * inputAt(firstChannel(j), p);
        firstSums[j] += edge.y * dx;
        if (order == 2u) {
          let ddx = layer.grid.cellsPerUnitLength * inputAt(firstChannel(j) + 1u, p);
          secondSums[j] += edge.z * dx * dx + edge.y * ddx;
        }
      }
    }
    let place = (layer.outputRow + q) * STRIDE + slot;
    activations[place] = sum;
    for (var j = 0u; j < directions; j++) {
      activations[place + firstChannel(j) * layer.outputs * STRIDE] = firstSums[j];
      if (order == 2u) {
        activations[place + (firstChannel(j) + 1u) * layer.outputs * STRIDE] = secondSums[j];
      }
    }
  }
}

fn splineBackward() {
  for (var p = lane; p < layer.inputs; p += LANES) {
    propagateBack(layer.grid, layer.outputs, pointAt(layer.pointRow + 4u * p, slot), p);
  }
}

// A plain linear layer; derivatives get no bias.
fn affineForward() {
  for (var channel = 0u; channel < channels; channel++) {
    for (var q = lane; q < layer.outputs; q += LANES) {
      var sum = 0.0;
      if (layer.hasBias && channel == 0u) {
        sum = parameters[parameterBase + layer.firstBias + q];
      }
      for (var p = 0u; p < layer.inputs; p++) {
        sum += inputAt(channel, p) * weightAt(p * layer.outputs + q);
      }
      activations[(layer.outputRow + channel * layer.outputs + q) * STRIDE + slot] = sum;
    }
  }
}

fn affineBackward() {
  for (var channel = 0u; channel < channels; channel++) {
    for (var p = lane; p < layer.inputs; p += LANES) {
      var sum = 0.0;
      for (var q = 0u; q < layer.outputs; q++) {
        sum += outputGradientAt(channel, q) * weightAt(p * layer.outputs + q);
      }
      setInputGradient(channel, p, sum);
    }
  }
}

// Adds the gradient of an edge's coefficients over the points of a pass; they are this thread's alone.
//   B_k h + B_k' h' + B_k'' h'' with h = g, h' = Σ_j g' x' + g'' x'', h'' = Σ_j g'' x'²
fn accumulateEdge(p: u32, q: u32, count: u32) {
  let stride = layer.outputs;
  let firstCoefficient = layer.firstParameter + p * (layer.grid.intervals + degree) * stride + q;
  for (var at = 0u; at < count; at++) {
    let point = pointAt(layer.pointRow + 4u * p, at);
    let basis = windowsAt(point);
    let output = (layer.outputRow + q) * STRIDE + at;
    let input = (layer.inputRow + p) * STRIDE + at;
    // h, h' and h''
    var factors = vec3(adjoints[output], 0.0, 0.0);
    for (var j = 0u; j < directions; j++) {
      let channel = firstChannel(j);
      let dx = layer.grid.cellsPerUnitLength * activations[input + channel * layer.inputs * STRIDE];
      factors.y += dx * adjoints[output + channel * layer.outputs * STRIDE];
      if (order == 2u) {
        let g2 = adjoints[output + (channel + 1u) * layer.outputs * STRIDE];
        let ddx = layer.grid.cellsPerUnitLength * activations[input + (channel + 1u) * layer.inputs * STRIDE];
        factors.y += ddx * g2;
        factors.z += dx * dx * g2;
      }
    }
    let first = firstCoefficient + point.cell * stride;
    // All are read before one is written, so that no load has to wait for a store.
    var totals = array<f32, 6>();
    for (var k = 0u; k <= degree; k++) {
      totals[k] = gradientAt(first + k * stride) + basis[k].x * factors.x;
      if (order > 0u) {
        totals[k] += basis[k].y * factors.y;
      }
      if (order == 2u) {
        totals[k] += basis[k].z * factors.z;
      }
    }
    for (var k = 0u; k <= degree; k++) {
      setGradient(first + k * stride, totals[k]);
    }
  }
}

// The same for a weight of a plain linear layer or, where p is the number of inputs, for a bias.
fn accumulateWeight(p: u32, q: u32, count: u32) {
  let isBias = p == layer.inputs;
  var sum = 0.0;
  for (var at = 0u; at < count; at++) {
    for (var channel = 0u; channel < select(channels, 1u, isBias); channel++) {
      let activation = activations[(layer.inputRow + channel * layer.inputs + min(p, layer.inputs - 1u)) * STRIDE + at];
      let adjoint = adjoints[(layer.outputRow + channel * layer.outputs + q) * STRIDE + at];
      sum += select(activation, 1.0, isBias) * adjoint;
    }
  }
  let place = select(layer.firstParameter + p * layer.outputs, layer.firstBias, isBias) + q;
  setGradient(place, gradientAt(place) + sum);
}

// Value, slope and curvature of the functions at a point, as far as the order of the jets goes.
fn windowsAt(point: Point) -> array<vec3<f32>, 6> {
  var result = array<vec3<f32>, 6>();
  let values = derivativeAt(point, 0u);
  for (var k = 0u; k <= degree; k++) {
    result[k].x = values[k];
  }
  if (order > 0u) {
    let slopes = derivativeAt(point, 1u);
    for (var k = 0u; k <= degree; k++) {
      result[k].y = slopes[k];
    }
  }
  if (order == 2u) {
    let curvatures = derivativeAt(point, 2u);
    for (var k = 0u; k <= degree; k++) {
      result[k].z = curvatures[k];
    }
  }
  return result;
}
