// Lists of the samples of a tile for every input, cell after cell and within a cell in their own order.
// After src/kernels/spline-wgsl.ts.
//
// One thread per tile and input counts, adds up and deals out; neighbouring threads read neighbouring inputs. Its counts
// are in workgroup memory, where threads have room for `intervals` each: src/kernels/spline-layer-wide.ts has the same
// numbers. Tile t has the samples t·T … min(t·T + T, batch) − 1, T = ⌈batch/tiles⌉.
override batch: u32;
override inputs: u32;
override tiles: u32;

const COUNTS = 4096u;
// Samples whose points are read before the first of them is counted, so that their reading overlaps.
const AT_ONCE = 4u;

override threads: u32 = min(COUNTS / intervals, 32u);

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> starts: array<u32>;
@group(0) @binding(2) var<storage, read_write> samples: array<u32>;

var<workgroup> counts: array<u32, threads * intervals>;

fn slotsAt(b: u32, end: u32, p: u32, local: u32) -> array<u32, AT_ONCE> {
  var slots: array<u32, AT_ONCE>;
  for (var i = 0u; i < AT_ONCE; i++) {
    let value = x[min(b + i, end - 1u) * inputs + p];
    slots[i] = select(locate(value).cell, 0u, isNonfinite(value)) * threads + local;
  }
  return slots;
}

@compute @workgroup_size(threads)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let p = workgroup.y * threads + local;
  if (p >= inputs) {
    return;
  }
  let tileSamples = (batch + tiles - 1u) / tiles;
  let first = min(workgroup.x * tileSamples, batch);
  let end = min(first + tileSamples, batch);
  for (var b = first; b < end; b += AT_ONCE) {
    let slots = slotsAt(b, end, p, local);
    for (var i = 0u; i < AT_ONCE; i++) {
      counts[slots[i]] += select(0u, 1u, b + i < end);
    }
  }
  // Looks like a bound known at run time only; lavapipe would unroll the loop.
  let cells = select(0u, intervals, arrayLength(&samples) > 0u);
  let list = (workgroup.x * inputs + p) * (intervals + 1u);
  var start = inputs * first + p * (end - first);
  for (var cell = 0u; cell < cells; cell++) {
    let slot = cell * threads + local;
    starts[list + cell] = start;
    let count = counts[slot];
    counts[slot] = start;
    start += count;
  }
  starts[list + intervals] = start;
  for (var b = first; b < end; b += AT_ONCE) {
    let slots = slotsAt(b, end, p, local);
    for (var i = 0u; i < AT_ONCE; i++) {
      if (b + i < end) {
        samples[counts[slots[i]]] = b + i;
        counts[slots[i]]++;
      }
    }
  }
}
