// The loss of a network in one kernel as mean squared error: Σ over outputs of (y − target)² / (batch · outputs).
// targets [targetModels, batch, outputs], targetModels being 1 or `models`.
override targetModels: u32;

fn evaluateLoss(b: u32, i: u32, count: u32) -> f32 {
  var loss = 0.0;
  for (var q = 0u; q < OUTPUTS; q++) {
    let place = outputPlace(0u, 0u, q, i, count);
    let residual = activations[place] - targets[(model % targetModels * batch + b) * OUTPUTS + q];
    loss += residual * residual;
    adjoints[place] = 2.0 * residual / f32(batch * OUTPUTS);
  }
  return loss / f32(batch * OUTPUTS);
}
