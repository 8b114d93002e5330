// Where a point lies on a uniform grid, in float32 without loss at knots and ends. After spline-window.wgsl.
//
// (x - a) n/(b - a) rounds by up to n ulps. Instead the numerator of
//   (x - t_k)/h = (n x - (n - k) a - k b)/(b - a)
// is formed exactly: x, a and b are split into a whole number of units, 2^-24 of the domain's magnitude, and a rest.
// The whole parts are multiplied and subtracted in integers, which no compiler reorders or fuses into something else.
// Source: docs/mathematics.md, "Local window" and "Outside the domain".
struct Grid {
  intervals: u32,
  domainStart: f32,
  domainEnd: f32,
  cellsPerUnitLength: f32,
  unit: f32,
  unitsPerOne: f32,
  startUnits: i32,
  endUnits: i32,
  startRest: f32,
  endRest: f32,
}

// (x - t_k)/h for x inside the domain. Products of whole parts wrap around; their difference is small and exact.
fn distanceFromKnot(grid: Grid, x: f32, knot: u32) -> f32 {
  let xUnits = i32(x * grid.unitsPerOne);
  let xRest = x - grid.unit * f32(xUnits);
  let rest = grid.intervals - knot;
  let whole = bitcast<i32>(
    bitcast<u32>(xUnits) * grid.intervals - bitcast<u32>(grid.startUnits) * rest - bitcast<u32>(grid.endUnits) * knot);
  let small = xRest * f32(grid.intervals) - grid.startRest * f32(rest) - grid.endRest * f32(knot);
  return (grid.unit * f32(whole) + small) / (grid.domainEnd - grid.domainStart);
}

// x - end of the domain, rounded once. In integers, since compilers turn (x - b) c into x c - b c, which rounds by c ulps of b.
fn beyond(grid: Grid, x: f32, end: f32, endUnits: i32, endRest: f32) -> f32 {
  let xUnits = i32(x * grid.unitsPerOne);
  let xRest = x - grid.unit * f32(xUnits);
  // Further out whole parts are too large, and the plain difference has nothing to lose.
  let isNear = abs(x) * grid.unitsPerOne < 1e9;
  return select(x - end, grid.unit * f32(xUnits - endUnits) + (xRest - endRest), isNear);
}

// Looks from the nearest knot, so that neither distance is a difference of nearly equal numbers.
fn locateOn(grid: Grid, x: f32) -> Point {
  if (x < grid.domainStart) {
    let overhang = beyond(grid, x, grid.domainStart, grid.startUnits, grid.startRest);
    return Point(0u, 0.0, 1.0, overhang * grid.cellsPerUnitLength);
  }
  if (x > grid.domainEnd) {
    let overhang = beyond(grid, x, grid.domainEnd, grid.endUnits, grid.endRest);
    return Point(grid.intervals - 1u, 1.0, 0.0, overhang * grid.cellsPerUnitLength);
  }
  // The integer minimum keeps the cell of a NaN inside the arrays too.
  let knot = min(u32(max(round((x - grid.domainStart) * grid.cellsPerUnitLength), 0.0)), grid.intervals);
  let distance = distanceFromKnot(grid, x, knot);
  if (knot < grid.intervals && (distance >= 0.0 || knot == 0u)) {
    return Point(knot, distance, 1.0 - distance, 0.0);
  }
  return Point(knot - 1u, 1.0 + distance, -distance, 0.0);
}
