// base to a small non-negative integer power by multiplication: pow() is logarithmic, inexact and undefined at 0.
fn integerPower(base: f32, exponent: u32) -> f32 {
  var result = 1.0;
  for (var factor = 0u; factor < exponent; factor++) {
    result *= base;
  }
  return result;
}
