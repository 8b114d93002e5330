// Second and third derivatives of gelu, f = x σ(z(x)). After shaders/lib/activation-functions.wgsl. NaN may be lost: see
// keepNan.
struct GeluParts {
  held: f32,
  // Derivatives of z, and of σ at z.
  z1: f32,
  z2: f32,
  z3: f32,
  s1: f32,
  s2: f32,
  s3: f32,
}

fn geluParts(x: f32) -> GeluParts {
  let held = clamp(x, -geluReach, geluReach);
  let z = geluArgument(held);
  let z1 = geluScale * (1.0 + 3.0 * geluCubic * held * held);
  let z2 = 6.0 * geluScale * geluCubic * held;
  let z3 = 6.0 * geluScale * geluCubic;
  let s1 = sigmoidSlope(z);
  return GeluParts(held, z1, z2, z3, s1, s1 * (1.0 - 2.0 * sigmoid(z)), s1 * (1.0 - 6.0 * s1));
}

// f'' = 2 σ' z' + x (σ'' z'² + σ' z'')
fn geluSecond(x: f32) -> f32 {
  let g = geluParts(x);
  return 2.0 * g.s1 * g.z1 + g.held * (g.s2 * g.z1 * g.z1 + g.s1 * g.z2);
}

// f''' = 3 (σ'' z'² + σ' z'') + x (σ''' z'³ + 3 σ'' z' z'' + σ' z''')
fn geluThird(x: f32) -> f32 {
  let g = geluParts(x);
  return 3.0 * (g.s2 * g.z1 * g.z1 + g.s1 * g.z2)
    + g.held * (g.s3 * g.z1 * g.z1 * g.z1 + 3.0 * g.s2 * g.z1 * g.z2 + g.s1 * g.z3);
}
