// The first channel of a direction of a jet (src/kernels/jet.ts); the including kernel has `order`.
fn firstChannel(direction: u32) -> u32 {
  return 1u + order * direction;
}
