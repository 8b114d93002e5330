// The degree + 1 uniform B-splines that matter at a point, and their derivatives, linear continuation included.
// The including kernel has a buffer x. Source: docs/mathematics.md, "Local window" and "Outside the domain".
override degree: u32;

struct Point {
  // Coefficients cell … cell + degree matter.
  cell: u32,
  // Distance from the cell's left and right knot in cell widths, each with its own relative accuracy.
  left: f32,
  right: f32,
  // How far outside the domain, in cell widths; 0 inside.
  overhang: f32,
}

// B-splines of one degree in a cell, s + t = 1. Polynomials are arranged so that no small value is a difference of
// large ones; the right half mirrors the left.
fn windowValues(valueDegree: u32, s: f32, t: f32) -> array<f32, 6> {
  let s2 = s * s;
  let t2 = t * t;
  switch (valueDegree) {
    case 1u: {
      return array<f32, 6>(t, s, 0.0, 0.0, 0.0, 0.0);
    }
    case 2u: {
      return array<f32, 6>(0.5 * t2, 0.5 + s * t, 0.5 * s2, 0.0, 0.0, 0.0);
    }
    case 3u: {
      return array<f32, 6>(
        t2 * t / 6.0,
        2.0 / 3.0 + s2 * (0.5 * s - 1.0),
        2.0 / 3.0 + t2 * (0.5 * t - 1.0),
        s2 * s / 6.0,
        0.0, 0.0);
    }
    case 4u: {
      let u = s * t;
      return array<f32, 6>(
        t2 * t2 / 24.0,
        (1.0 + t * (4.0 + t * (6.0 + t * (4.0 - 4.0 * t)))) / 24.0,
        (11.0 + u * (12.0 + 6.0 * u)) / 24.0,
        (1.0 + s * (4.0 + s * (6.0 + s * (4.0 - 4.0 * s)))) / 24.0,
        s2 * s2 / 24.0,
        0.0);
    }
    case 5u: {
      return array<f32, 6>(
        t2 * t2 * t / 120.0,
        (1.0 + t * (5.0 + t * (10.0 + t * (10.0 + t * (5.0 - 5.0 * t))))) / 120.0,
        (66.0 + s2 * (s2 * (30.0 - 10.0 * s) - 60.0)) / 120.0,
        (66.0 + t2 * (t2 * (30.0 - 10.0 * t) - 60.0)) / 120.0,
        (1.0 + s * (5.0 + s * (10.0 + s * (10.0 + s * (5.0 - 5.0 * s))))) / 120.0,
        s2 * s2 * s / 120.0);
    }
    default: {
      return array<f32, 6>(1.0, 0.0, 0.0, 0.0, 0.0, 0.0);
    }
  }
}

// A derivative with respect to the local coordinate: b_j' = b_{j-1} - b_j of one degree less.
fn windowDerivative(derivative: u32, s: f32, t: f32) -> array<f32, 6> {
  if (derivative > degree) {
    return array<f32, 6>();
  }
  var values = windowValues(degree - derivative, s, t);
  for (var step = 0u; step < derivative; step++) {
    for (var j = 5u; j > 0u; j--) {
      values[j] = values[j - 1u] - values[j];
    }
    values[0] = -values[0];
  }
  return values;
}

// Values at a point, linear continuation included.
fn windowAt(point: Point) -> array<f32, 6> {
  var values = windowValues(degree, point.left, point.right);
  if (point.overhang != 0.0) {
    let slopes = windowDerivative(1u, point.left, point.right);
    for (var j = 0u; j < 6u; j++) {
      values[j] += point.overhang * slopes[j];
    }
  }
  return values;
}

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
