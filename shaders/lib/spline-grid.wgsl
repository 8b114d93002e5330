// The grid of one layer. After spline-locate.wgsl.
override intervals: u32;
override domainStart: f32;
override domainEnd: f32;
override unitExponent: i32 = i32(ceil(log2(max(abs(domainStart), abs(domainEnd))))) - 24;
override unit: f32 = ldexp(1.0, unitExponent);
override unitsPerOne: f32 = ldexp(1.0, -unitExponent);
override startUnits: i32 = i32(domainStart * unitsPerOne);
override endUnits: i32 = i32(domainEnd * unitsPerOne);
override startRest: f32 = domainStart - unit * f32(startUnits);
override endRest: f32 = domainEnd - unit * f32(endUnits);
override cellsPerUnitLength: f32 = f32(intervals) / (domainEnd - domainStart);

fn layerGrid() -> Grid {
  return Grid(
    intervals, domainStart, domainEnd, cellsPerUnitLength, unit, unitsPerOne, startUnits, endUnits, startRest, endRest);
}

fn locate(x: f32) -> Point {
  return locateOn(layerGrid(), x);
}
