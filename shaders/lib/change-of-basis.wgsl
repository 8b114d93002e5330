// The matrix A between B-splines and powers of ReLU: upper triangular Toeplitz, degree + 2 diagonals,
// A[i,i+s] = diagonalScale() (-1)^s C(degree + 1, s); A = diagonalScale() (I - N)^(degree + 1), N the shift by one.
override inputs: u32;
override outputs: u32;
override intervals: u32;
override degree: u32;
override domainStart: f32;
override domainEnd: f32;

// h^-degree / degree!
fn diagonalScale() -> f32 {
  let cellsPerUnit = f32(intervals) / (domainEnd - domainStart);
  var scale = 1.0;
  for (var factor = 1u; factor <= degree; factor++) {
    scale *= cellsPerUnit / f32(factor);
  }
  return scale;
}

// (-1)^s C(degree + 1, s) from its predecessor, s = 1, 2, ...; exact, all numbers are small integers.
fn nextBinomial(previous: f32, s: u32) -> f32 {
  return -previous * f32(degree + 2u - s) / f32(s);
}
