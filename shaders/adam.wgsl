// One AdamW step, number t = counters[…] + 1, of every model, with the learning rate schedule[model, min(t, steps) - 1] and
// the gradient Σ_tile partials[model,tile,i]; and ring[model, (t - 1) % ringLength] = Σ_tile losses. Every element counts its
// steps itself, so that none changes what another still has to read.
// Elements are the parameters of a model and, last, its loss. Assumes 0 <= beta1, beta2 < 1 and steps, tiles >= 1.
// After shaders/lib/linear-index.wgsl and tile-sum.wgsl.
override models: u32;
override length: u32;
override tiles: u32;
override steps: u32;
override ringLength: u32;
override beta1: f32;
override beta2: f32;
override epsilon: f32;
override weightDecay: f32;

@group(0) @binding(0) var<storage, read_write> parameters: array<f32>;
@group(0) @binding(1) var<storage, read> partials: array<f32>;
@group(0) @binding(2) var<storage, read> losses: array<f32>;
@group(0) @binding(3) var<storage, read_write> firstMoment: array<f32>;
@group(0) @binding(4) var<storage, read_write> secondMoment: array<f32>;
@group(0) @binding(5) var<storage, read> schedule: array<f32>;
@group(0) @binding(6) var<storage, read_write> counters: array<u32>;
@group(0) @binding(7) var<storage, read_write> ring: array<f32>;

// 1 - beta^t for both betas by binary powering of the complement c = 1 - beta: 1 - beta^(s + t) = c_s + c_t (1 - c_s).
// Only positive terms are added, so the result keeps its relative accuracy for small t, where 1 - pow(beta, t) has none.
fn biasCorrections(t: u32) -> vec2<f32> {
  var result = vec2(0.0);
  var square = vec2(1.0 - beta1, 1.0 - beta2);
  for (var bits = t; bits > 0u; bits >>= 1u) {
    if ((bits & 1u) == 1u) {
      result += square * (1.0 - result);
    }
    square *= 2.0 - square;
  }
  return result;
}

fn contribution(tile: u32, element: u32) -> f32 {
  let model = element / (length + 1u);
  let i = element % (length + 1u);
  if (i == length) {
    return losses[model * tiles + tile];
  }
  return partials[(model * tiles + tile) * length + i];
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let element = tileElement(workgroup, local);
  let model = element / (length + 1u);
  let i = element % (length + 1u);
  let g = tileSum(element, model < models, local);
  if (local >= columns || model >= models) {
    return;
  }
  let done = counters[element];
  counters[element] = done + 1u;
  if (i == length) {
    ring[model * ringLength + done % ringLength] = g;
    return;
  }
  let corrections = biasCorrections(done + 1u);
  let learningRate = schedule[model * steps + min(done, steps - 1u)];
  let index = model * length + i;
  let m = beta1 * firstMoment[index] + (1.0 - beta1) * g;
  let v = beta2 * secondMoment[index] + (1.0 - beta2) * g * g;
  firstMoment[index] = m;
  secondMoment[index] = v;
  let direction = m / corrections.x / (sqrt(v / corrections.y) + epsilon);
  parameters[index] -= learningRate * (direction + weightDecay * parameters[index]);
}
