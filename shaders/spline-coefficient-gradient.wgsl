// partials[tile,p,k,q] = Σ_{b in tile} B_k(x[b,p]) outputGradient[b,q]. After src/kernels/spline-wgsl.ts.
//
// A workgroup is one tile of samples, one input p and one block of outputs. Its sums lie in workgroup memory, and each
// has one thread that adds to it, so the order of additions is fixed and no atomics are needed: a window is
// degree + 1 consecutive coefficients, one of each remainder modulo degree + 1, hence thread (r, q) owns the
// coefficients k ≡ r and has exactly one to add to for every sample. Where that leaves threads idle, samples are dealt
// out to `slices` copies of the sums. More coefficients than fit are cut into ranges, one workgroup each.
// Source: docs/mathematics.md, "Reproducible reductions".
override batch: u32;
override inputs: u32;
override outputs: u32;

const THREADS = 64u;
// Sums and THREADS windows fit in 16 KiB; src/kernels/spline-layer.ts has the same numbers.
const SUMS = 3584u;
// Sums leave for `partials` after this many samples, which bounds the error of adding small numbers to large sums.
const PASS = 512u;

override coefficients: u32 = intervals + degree;
override order: u32 = degree + 1u;
override ranges: u32 = (coefficients + SUMS - 1u) / SUMS;
override range: u32 = (coefficients + ranges - 1u) / ranges;
override largestBlock: u32 = min(THREADS / order, SUMS / range);
override blocks: u32 = (outputs + largestBlock - 1u) / largestBlock;
override block: u32 = (outputs + blocks - 1u) / blocks;
override slices: u32 = min(THREADS / (order * block), SUMS / (range * block));

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> outputGradient: array<f32>;
@group(0) @binding(2) var<storage, read_write> partials: array<f32>;

var<workgroup> sums: array<f32, range * block * slices>;
var<workgroup> windows: array<array<f32, 6>, THREADS>;
var<workgroup> cells: array<u32, THREADS>;

fn clearSums(local: u32) {
  for (var entry = local; entry < range * block * slices; entry += THREADS) {
    sums[entry] = 0.0;
  }
}

fn evaluateWindow(b: u32, p: u32, slot: u32) {
  let value = x[b * inputs + p];
  let point = locate(value);
  let values = windowAt(point);
  for (var j = 0u; j <= degree; j++) {
    windows[slot][j] = select(values[j], notANumber(value), isNonfinite(value));
  }
  cells[slot] = point.cell;
}

// The threads' share of `count` samples from `start` on, whose windows have been evaluated.
fn addSamples(start: u32, count: u32, firstOutput: u32, firstCoefficient: u32, local: u32) {
  let lane = local % block;
  let remainder = local / block % order;
  let slice = local / (order * block);
  let q = firstOutput + lane;
  if (slice >= slices || q >= outputs) {
    return;
  }
  for (var slot = slice; slot < count; slot += slices) {
    let cell = cells[slot];
    let phase = cell % order;
    let j = select(remainder - phase, remainder + order - phase, remainder < phase);
    // Wraps around to a large number left of the range.
    let k = cell + j - firstCoefficient;
    if (ranges == 1u || k < range) {
      sums[(slice * range + k) * block + lane] += windows[slot][j] * outputGradient[(start + slot) * outputs + q];
    }
  }
}

fn prepareSamples(first: u32, count: u32, p: u32, firstOutput: u32, local: u32) {
  if (local < count) {
    evaluateWindow(first + local, p, local);
  }
}
