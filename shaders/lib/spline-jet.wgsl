// What the kernels of the spline layer on jets share. After shaders/lib/nan.wgsl and spline-window.wgsl.
// Source: docs/mathematics.md, "Derivatives with respect to inputs".
override batch: u32;
override inputs: u32;
override outputs: u32;
override directions: u32;
override order: u32;

// 0, but not so that a compiler knows: it would drop the product with a NaN.
fn zero() -> f32 {
  return select(1.0, 0.0, arrayLength(&x) > 0u);
}

// A derivative of the functions at a point with respect to the position in cells, linear continuation included.
fn derivativeAt(point: Point, derivative: u32) -> array<f32, 6> {
  if (derivative == 0u) {
    return windowAt(point);
  }
  var values = windowDerivative(derivative, point.left, point.right);
  if (derivative > 1u && (derivative > degree || point.overhang != 0.0)) {
    for (var j = 0u; j <= degree; j++) {
      values[j] = zero();
    }
  }
  return values;
}

// Index of input p of sample b in a channel of x: the value is channel 0.
fn inputIndex(channel: u32, b: u32, p: u32) -> u32 {
  return (channel * batch + b) * inputs + p;
}

fn outputIndex(channel: u32, b: u32, q: u32) -> u32 {
  return (channel * batch + b) * outputs + q;
}

fn firstChannel(direction: u32) -> u32 {
  return 1u + order * direction;
}
