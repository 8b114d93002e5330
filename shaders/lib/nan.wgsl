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

// A quiet NaN made from x, whatever x is. WGSL refuses a NaN known at compile time.
fn notANumber(x: f32) -> f32 {
  return bitcast<f32>(bitcast<u32>(x) | 0x7fc00000u);
}
