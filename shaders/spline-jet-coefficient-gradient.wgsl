// partials[tile,p,k,q] = Σ_{b in tile} B_k h + B_k' h' + B_k'' h'' with h = g, h' = Σ_j g' x' + g'' x'', h'' = Σ_j g'' x'².
// After src/kernels/spline-wgsl.ts and lib/spline-jet.wgsl.
//
// Work is shared out as in spline-coefficient-gradient.wgsl: a workgroup is one tile of samples, one input p and one
// block of outputs; thread (r, q) of a slice owns the coefficients k ≡ r modulo degree + 1 and has exactly one to add
// to for every sample. The sums h' and h'' over directions are made once per sample and output, in workgroup memory.
// Source: docs/mathematics.md, "Reproducible reductions".
const THREADS = 64u;
// Windows and cells of THREADS samples leave this much of 16 KiB; src/kernels/spline-jet.ts has the same number.
const ROOM = 2880u;
// Sums leave for `partials` after this many samples, which bounds the error of adding small numbers to large sums.
const PASS = 512u;

override coefficients: u32 = intervals + degree;
override terms: u32 = degree + 1u;
override ranges: u32 = (coefficients + ROOM - 2u * THREADS - 1u) / (ROOM - 2u * THREADS);
override range: u32 = (coefficients + ranges - 1u) / ranges;
override largestBlock: u32 = min(THREADS / terms, ROOM / (range + 2u * THREADS));
override blocks: u32 = (outputs + largestBlock - 1u) / largestBlock;
override block: u32 = (outputs + blocks - 1u) / blocks;
override slices: u32 = min(THREADS / (terms * block), (ROOM - 2u * THREADS * block) / (range * block));

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> outputGradient: array<f32>;
@group(0) @binding(2) var<storage, read_write> partials: array<f32>;

var<workgroup> sums: array<f32, range * block * slices>;
var<workgroup> values: array<array<f32, 6>, THREADS>;
var<workgroup> slopes: array<array<f32, 6>, THREADS>;
var<workgroup> curvatures: array<array<f32, 6>, THREADS>;
var<workgroup> cells: array<u32, THREADS>;
// h' and h'' of every sample and output.
var<workgroup> slopeFactors: array<f32, THREADS * block>;
var<workgroup> curvatureFactors: array<f32, THREADS * block>;

fn clearSums(local: u32) {
  for (var entry = local; entry < range * block * slices; entry += THREADS) {
    sums[entry] = 0.0;
  }
}

fn evaluatePoint(b: u32, p: u32, slot: u32) {
  let value = x[inputIndex(0u, b, p)];
  let point = locate(value);
  let valuesAt = derivativeAt(point, 0u);
  let slopesAt = derivativeAt(point, 1u);
  let curvaturesAt = derivativeAt(point, 2u);
  for (var j = 0u; j <= degree; j++) {
    values[slot][j] = select(valuesAt[j], notANumber(value), isNonfinite(value));
    slopes[slot][j] = slopesAt[j];
    if (order == 2u) {
      curvatures[slot][j] = curvaturesAt[j];
    }
  }
  cells[slot] = point.cell;
}

// The threads' share of h' and h'' of `count` samples from `start` on.
fn evaluateFactors(start: u32, count: u32, p: u32, firstOutput: u32, local: u32) {
  for (var entry = local; entry < count * block; entry += THREADS) {
    let b = start + entry / block;
    let q = firstOutput + entry % block;
    if (q >= outputs) {
      continue;
    }
    var slopeFactor = 0.0;
    var curvatureFactor = 0.0;
    for (var j = 0u; j < directions; j++) {
      let channel = firstChannel(j);
      let dx = cellsPerUnitLength * x[inputIndex(channel, b, p)];
      slopeFactor += dx * outputGradient[outputIndex(channel, b, q)];
      if (order == 2u) {
        let g2 = outputGradient[outputIndex(channel + 1u, b, q)];
        slopeFactor += cellsPerUnitLength * x[inputIndex(channel + 1u, b, p)] * g2;
        curvatureFactor += dx * dx * g2;
      }
    }
    slopeFactors[entry] = slopeFactor;
    curvatureFactors[entry] = curvatureFactor;
  }
}

// The threads' share of `count` samples from `start` on, whose windows and factors have been evaluated.
fn addSamples(start: u32, count: u32, firstOutput: u32, firstCoefficient: u32, local: u32) {
  let lane = local % block;
  let remainder = local / block % terms;
  let slice = local / (terms * block);
  let q = firstOutput + lane;
  if (slice >= slices || q >= outputs) {
    return;
  }
  for (var slot = slice; slot < count; slot += slices) {
    let cell = cells[slot];
    let phase = cell % terms;
    let j = select(remainder - phase, remainder + terms - phase, remainder < phase);
    // Wraps around to a large number left of the range.
    let k = cell + j - firstCoefficient;
    if (ranges == 1u || k < range) {
      let factor = slot * block + lane;
      var share = values[slot][j] * outputGradient[outputIndex(0u, start + slot, q)];
      share += slopes[slot][j] * slopeFactors[factor];
      if (order == 2u) {
        share += curvatures[slot][j] * curvatureFactors[factor];
      }
      sums[(slice * range + k) * block + lane] += share;
    }
  }
}

fn prepareSamples(first: u32, count: u32, p: u32, firstOutput: u32, local: u32) {
  if (local < count) {
    evaluatePoint(first + local, p, local);
  }
  evaluateFactors(first, count, p, firstOutput, local);
}
