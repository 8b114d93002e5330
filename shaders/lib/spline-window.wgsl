// The degree + 1 uniform B-splines that matter at a point, in float32 without loss at knots and ends.
// Source: docs/mathematics.md, "Local window" and "Outside the domain".
override intervals: u32;
override degree: u32;
override domainStart: f32;
override domainEnd: f32;

// (x - a) n/(b - a) rounds by up to n ulps. Instead the numerator of
//   (x - t_k)/h = (n x - (n - k) a - k b)/(b - a)
// is formed exactly: x, a and b are split into a whole number of units, 2^-24 of the domain's magnitude, and a rest.
// The whole parts are multiplied and subtracted in integers, which no compiler reorders or fuses into something else.
override unitExponent: i32 = i32(ceil(log2(max(abs(domainStart), abs(domainEnd))))) - 24;
override unit: f32 = ldexp(1.0, unitExponent);
override unitsPerOne: f32 = ldexp(1.0, -unitExponent);
override startUnits: i32 = i32(domainStart * unitsPerOne);
override endUnits: i32 = i32(domainEnd * unitsPerOne);
override startRest: f32 = domainStart - unit * f32(startUnits);
override endRest: f32 = domainEnd - unit * f32(endUnits);
override cellsPerUnitLength: f32 = f32(intervals) / (domainEnd - domainStart);

struct Point {
  // Coefficients cell … cell + degree matter.
  cell: u32,
  // Distance from the cell's left and right knot in cell widths, each with its own relative accuracy.
  left: f32,
  right: f32,
  // How far outside the domain, in cell widths; 0 inside.
  overhang: f32,
}

// A quiet NaN made from x, whatever x is. WGSL refuses a NaN known at compile time.
fn notANumber(x: f32) -> f32 {
  return bitcast<f32>(bitcast<u32>(x) | 0x7fc00000u);
}

// (x - t_k)/h for x inside the domain. Products of whole parts wrap around; their difference is small and exact.
fn distanceFromKnot(x: f32, knot: u32) -> f32 {
  let xUnits = i32(x * unitsPerOne);
  let xRest = x - unit * f32(xUnits);
  let rest = intervals - knot;
  let whole = bitcast<i32>(bitcast<u32>(xUnits) * intervals - bitcast<u32>(startUnits) * rest - bitcast<u32>(endUnits) * knot);
  let small = xRest * f32(intervals) - startRest * f32(rest) - endRest * f32(knot);
  return (unit * f32(whole) + small) / (domainEnd - domainStart);
}

// Looks from the nearest knot, so that neither distance is a difference of nearly equal numbers.
fn locate(x: f32) -> Point {
  if (x < domainStart) {
    return Point(0u, 0.0, 1.0, (x - domainStart) * cellsPerUnitLength);
  }
  if (x > domainEnd) {
    return Point(intervals - 1u, 1.0, 0.0, (x - domainEnd) * cellsPerUnitLength);
  }
  // The integer minimum keeps the cell of a NaN inside the arrays too.
  let knot = min(u32(max(round((x - domainStart) * cellsPerUnitLength), 0.0)), intervals);
  let distance = distanceFromKnot(x, knot);
  if (knot < intervals && (distance >= 0.0 || knot == 0u)) {
    return Point(knot, distance, 1.0 - distance, 0.0);
  }
  return Point(knot - 1u, 1.0 + distance, -distance, 0.0);
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
