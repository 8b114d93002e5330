// Tests on bits, because compilers fold x != x to false and clamp, min and max may swallow a NaN.
fn isNan(x: f32) -> bool {
  return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u;
}

fn isNonfinite(x: f32) -> bool {
  return (bitcast<u32>(x) & 0x7fffffffu) >= 0x7f800000u;
}

// value, or x where x is NaN.
fn keepNan(x: f32, value: f32) -> f32 {
  return select(value, x, isNan(x));
}
