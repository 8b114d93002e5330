// partials[tile,p,k,q] = Σ_{b in tile} B_k(x[b,p]) outputGradient[b,q]. After shaders/lib/spline-window.wgsl.
//
// A workgroup is one tile of samples, one input p and one block of outputs. It takes its tile in passes of PASS
// samples. Per pass and output a power of two scales the largest contribution to just below 2^LIMB; every contribution
// is then added as two whole numbers, the rounded value and the rounded rest in units of 2^-(LIMB + 1). Integer sums
// do not depend on their order, so results repeat bit for bit; 2 LIMB + 1 = 43 bits below the largest contribution
// survive; PASS · 2^LIMB = 2^30 cannot overflow. Source: docs/mathematics.md, "Reproducible reductions".
override batch: u32;
override inputs: u32;
override outputs: u32;

const PASS = 512u;
const LIMB = 21u;
// Both accumulators, 64 windows and the scales must fit in 16 KiB; src/kernels/spline-layer.ts has the same number.
const ACCUMULATOR_ENTRIES = 1728u;

override coefficients: u32 = intervals + degree;
override largestBlock: u32 = ACCUMULATOR_ENTRIES / coefficients;
override blocks: u32 = (outputs + largestBlock - 1u) / largestBlock;
override block: u32 = (outputs + blocks - 1u) / blocks;
override entries: u32 = coefficients * block;

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> outputGradient: array<f32>;
@group(0) @binding(2) var<storage, read_write> partials: array<f32>;

var<workgroup> high: array<atomic<i32>, entries>;
var<workgroup> low: array<atomic<i32>, entries>;
// Bits of a bound of the largest |contribution|; floats that are not negative are ordered like their bits.
var<workgroup> largest: array<atomic<u32>, block>;
var<workgroup> windows: array<array<f32, 6>, 64>;
var<workgroup> cells: array<u32, 64>;

struct Pass {
  // Samples start … end - 1.
  start: u32,
  end: u32,
  input: u32,
  // Outputs firstOutput … firstOutput + width - 1.
  firstOutput: u32,
  width: u32,
}

// A bound of |B_k(x)| over k: 1 inside the domain, growing with slope at most 1 per cell outside.
fn windowBound(value: f32) -> f32 {
  let outside = max(max(domainStart - value, value - domainEnd), 0.0);
  return 1.0 + outside * cellsPerUnitLength;
}

fn contributionBound(value: f32, gradient: f32) -> u32 {
  let gradientBits = bitcast<u32>(gradient) & 0x7fffffffu;
  if (!isFiniteBits(bitcast<u32>(value)) || !isFiniteBits(gradientBits)) {
    return 0x7fc00000u;
  }
  return bitcast<u32>(bitcast<f32>(gradientBits) * windowBound(value));
}

fn findLargest(pass_: Pass, local: u32) {
  let pairs = (pass_.end - pass_.start) * pass_.width;
  for (var pair = local; pair < pairs; pair += 64u) {
    let b = pass_.start + pair / pass_.width;
    let lane = pair % pass_.width;
    let bound = contributionBound(x[b * inputs + pass_.input], outputGradient[b * outputs + pass_.firstOutput + lane]);
    if (bound > atomicLoad(&largest[lane])) {
      atomicMax(&largest[lane], bound);
    }
  }
}

// Exponent field of the largest contribution; held where scale and its inverse are normal numbers.
fn scaleExponent(lane: u32) -> u32 {
  return clamp(atomicLoad(&largest[lane]) >> 23u, LIMB, 254u);
}

fn evaluateWindow(b: u32, p: u32, slot: u32) {
  let value = x[b * inputs + p];
  // A point that is not finite has made its outputs NaN already; it must only stay inside the arrays.
  let point = locate(select(domainStart, value, isFiniteBits(bitcast<u32>(value))));
  windows[slot] = windowAt(point);
  cells[slot] = point.cell;
}

fn addContributions(pass_: Pass, first: u32, local: u32) {
  let pairs = min(64u, pass_.end - first) * pass_.width;
  for (var pair = local; pair < pairs; pair += 64u) {
    let slot = pair / pass_.width;
    let lane = pair % pass_.width;
    let gradient = outputGradient[(first + slot) * outputs + pass_.firstOutput + lane];
    let scale = bitcast<f32>((253u + LIMB - scaleExponent(lane)) << 23u);
    var entry = cells[slot] * pass_.width + lane;
    for (var j = 0u; j <= degree; j++) {
      let scaled = gradient * windows[slot][j] * scale;
      let whole = round(scaled);
      atomicAdd(&high[entry], i32(whole));
      atomicAdd(&low[entry], i32(round((scaled - whole) * f32(2u << LIMB))));
      entry += pass_.width;
    }
  }
}

// Moves the sums of a pass to partials, adding to those of earlier passes, and clears them. Each entry has one thread.
fn flush(pass_: Pass, tile: u32, isFirst: bool, local: u32) {
  for (var entry = local; entry < coefficients * pass_.width; entry += 64u) {
    let lane = entry % pass_.width;
    let bound = atomicLoad(&largest[lane]);
    let unit_ = bitcast<f32>((scaleExponent(lane) + 1u - LIMB) << 23u);
    let whole = f32(atomicExchange(&high[entry], 0));
    let rest = f32(atomicExchange(&low[entry], 0)) / f32(2u << LIMB);
    var sum = (whole + rest) * unit_;
    let target_ = ((tile * inputs + pass_.input) * coefficients + entry / pass_.width) * outputs + pass_.firstOutput + lane;
    if (!isFirst) {
      sum += partials[target_];
    }
    if (!isFiniteBits(bound)) {
      sum = notANumber(bound);
    }
    partials[target_] = sum;
  }
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  let tileSamples = (batch + grid.x - 1u) / grid.x;
  let tileStart = min(workgroup.x * tileSamples, batch);
  let tileEnd = min(tileStart + tileSamples, batch);
  let firstOutput = workgroup.z * block;
  let width = min(block, outputs - min(firstOutput, outputs));
  var start = tileStart;
  // At least one pass, so that an empty tile writes its zeros.
  loop {
    let pass_ = Pass(start, min(start + PASS, tileEnd), workgroup.y, firstOutput, width);
    for (var lane = local; lane < width; lane += 64u) {
      atomicStore(&largest[lane], 0u);
    }
    workgroupBarrier();
    findLargest(pass_, local);
    workgroupBarrier();
    for (var first = pass_.start; first < pass_.end; first += 64u) {
      if (first + local < pass_.end) {
        evaluateWindow(first + local, pass_.input, local);
      }
      workgroupBarrier();
      addContributions(pass_, first, local);
      workgroupBarrier();
    }
    flush(pass_, workgroup.x, start == tileStart, local);
    workgroupBarrier();
    start += PASS;
    if (start >= tileEnd) {
      break;
    }
  }
}
