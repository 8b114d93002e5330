// Activation functions and their derivatives through exp(-|x|), which cannot overflow. NaN may be lost: see keepNan.
fn sigmoid(x: f32) -> f32 {
  let decay = exp(-abs(x));
  return select(1.0, decay, x < 0.0) / (1.0 + decay);
}

fn sigmoidSlope(x: f32) -> f32 {
  let decay = exp(-abs(x));
  return decay / ((1.0 + decay) * (1.0 + decay));
}

// Near 0, where 1 - exp(-2|x|) would cancel, the Taylor series to x^9: its next term is below 1e-8 of x for |x| < 0.25.
fn hyperbolicTangent(x: f32) -> f32 {
  let square = x * x;
  let series = 1.0 + square * (-1.0 / 3.0 + square * (2.0 / 15.0 + square * (-17.0 / 315.0 + square * 62.0 / 2835.0)));
  let decay = exp(-2.0 * abs(x));
  let quotient = (1.0 - decay) / (1.0 + decay);
  return select(select(quotient, -quotient, x < 0.0), x * series, abs(x) < 0.25);
}

fn hyperbolicSecantSquared(x: f32) -> f32 {
  return 4.0 * sigmoidSlope(2.0 * x);
}

const geluScale = 1.5957691216057308; // sqrt(8 / pi)
const geluCubic = 0.044715;
// Beyond it the sigmoid is 0 or 1, and powers of x need not be formed.
const geluReach = 25.0;

fn geluArgument(x: f32) -> f32 {
  return geluScale * x * (1.0 + geluCubic * x * x);
}

fn gelu(x: f32) -> f32 {
  return x * sigmoid(geluArgument(clamp(x, -geluReach, geluReach)));
}

fn geluSlope(x: f32) -> f32 {
  let held = clamp(x, -geluReach, geluReach);
  let argument = geluArgument(held);
  let slope = geluScale * (1.0 + 3.0 * geluCubic * held * held);
  return sigmoid(argument) + held * sigmoidSlope(argument) * slope;
}
