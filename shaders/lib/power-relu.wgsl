// Channels psi_j(x) = ReLU(x - t_i)^degree, i = j - degree, on the uniform knots t_i = domainStart + i h, continued
// linearly outside the domain. Needs integer-power.wgsl. A NaN in x reaches every value through `excess`.
override batch: u32;
override inputs: u32;
override outputs: u32;
override intervals: u32;
override degree: u32;
override domainStart: f32;
override domainEnd: f32;

// In cells: the position, held inside the domain, and the signed distance from the domain.
struct Place {
  position: f32,
  excess: f32,
}

fn place(x: f32) -> Place {
  let cellsPerUnit = f32(intervals) / (domainEnd - domainStart);
  let inside = clamp(x, domainStart, domainEnd);
  return Place((inside - domainStart) * cellsPerUnit, (x - inside) * cellsPerUnit);
}

fn cellWidth() -> f32 {
  return (domainEnd - domainStart) / f32(intervals);
}

// Cells between the knot of channel j and a position.
fn knotDistance(position: f32, j: u32) -> f32 {
  return position - (f32(j) - f32(degree));
}

fn channelValue(point: Place, j: u32) -> f32 {
  let distance = knotDistance(point.position, j);
  let lower = select(0.0, integerPower(distance * cellWidth(), degree - 1u), distance >= 0.0);
  return (distance + f32(degree) * point.excess) * cellWidth() * lower;
}

// d psi_j / dx; at the knot itself the cell to its right counts, which matters for degree 1.
fn channelSlope(position: f32, j: u32) -> f32 {
  let distance = knotDistance(position, j);
  return select(0.0, f32(degree) * integerPower(distance * cellWidth(), degree - 1u), distance >= 0.0);
}
