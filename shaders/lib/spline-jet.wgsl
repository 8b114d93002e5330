// What the kernels of the spline layer on jets share. After src/kernels/spline-wgsl.ts.
// Source: docs/mathematics.md, "Derivatives with respect to inputs".
override batch: u32;
override inputs: u32;
override outputs: u32;
override directions: u32;
override order: u32;

// Index of input p of sample b in a channel of x: the value is channel 0.
fn inputIndex(channel: u32, b: u32, p: u32) -> u32 {
  return (channel * batch + b) * inputs + p;
}

fn outputIndex(channel: u32, b: u32, q: u32) -> u32 {
  return (channel * batch + b) * outputs + q;
}
