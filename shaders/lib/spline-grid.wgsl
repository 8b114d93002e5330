// Where a point lies on a uniform grid, in float32 without loss at knots and ends. After spline-window.wgsl.
// Source: docs/mathematics.md, "Local window" and "Outside the domain".
override intervals: u32;
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

