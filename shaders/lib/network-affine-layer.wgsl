// One plain linear layer of a network in one kernel: its part of the sweeps, for the point in `slot`. Made once per layer
// like network-spline-layer.wgsl; derivative channels get no bias. `bias` says whether there is one.
override firstParameter: u32;
override firstBias: u32;

fn locateInputs() {}

fn forward() {
  for (var channel = 0u; channel < channels; channel++) {
    for (var q = lane; q < outputs; q += LANES) {
      var sum = 0.0;
      if (bias && channel == 0u) {
        sum = parameters[parameterBase + firstBias + q];
      }
      for (var p = 0u; p < inputs; p++) {
        let weight = parameters[parameterBase + firstParameter + p * outputs + q];
        sum += activations[(inputRow + channel * inputs + p) * STRIDE + slot] * weight;
      }
      activations[(outputRow + channel * outputs + q) * STRIDE + slot] = sum;
    }
  }
}

fn backward() {
  for (var channel = 0u; channel < channels; channel++) {
    for (var p = lane; p < inputs; p += LANES) {
      var sum = 0.0;
      for (var q = 0u; q < outputs; q++) {
        let weight = parameters[parameterBase + firstParameter + p * outputs + q];
        sum += adjoints[(outputRow + channel * outputs + q) * STRIDE + slot] * weight;
      }
      adjoints[(inputRow + channel * inputs + p) * STRIDE + slot] = sum;
    }
  }
}

// Adds the gradient of weight or bias number `index` over the points of a pass.
fn accumulate(index: u32, points: u32) {
  let p = index / outputs;
  let q = index % outputs;
  var sum = 0.0;
  for (var point = 0u; point < points; point++) {
    if (p == inputs) {
      sum += adjoints[(outputRow + q) * STRIDE + point];
    } else {
      for (var channel = 0u; channel < channels; channel++) {
        let activation = activations[(inputRow + channel * inputs + p) * STRIDE + point];
        sum += activation * adjoints[(outputRow + channel * outputs + q) * STRIDE + point];
      }
    }
  }
  let place = select(firstParameter + index, firstBias + q, p == inputs);
  setGradient(place, gradientAt(place) + sum);
}
