// What a workgroup of a network in one kernel shares (src/kernels/network-gradient.ts): per row one number for each of
// SLOTS points. After src/kernels/spline-wgsl.ts (windowWgsl) and jet-channel.wgsl.
override batch: u32;
override models: u32;
override length: u32;
override tiles: u32;
override firstTile: u32;
override allTiles: u32;

// The threads of a workgroup are LANES for each slot.
const THREADS = LANES * SLOTS;
// Odd, so that neighbouring rows lie in different memory banks.
const STRIDE = SLOTS + 1u;

// Sums of a tile where they fit beside the rows, else they are made in `partials`.
override sumsAreLocal: bool = length <= LARGEST_LOCAL_SUMS;
var<workgroup> sums: array<f32, select(1u, length, sumsAreLocal)>;

// Channels of the inputs of all layers and of the output; and the loss's derivatives by them.
var<workgroup> activations: array<f32, ROWS * STRIDE>;
var<workgroup> adjoints: array<f32, ROWS * STRIDE>;
// Four rows for each input of each spline layer.
var<workgroup> points: array<f32, POINT_ROWS * STRIDE>;
var<workgroup> scalarAdjoints: array<f32, SCALAR_ROWS * STRIDE>;
var<workgroup> tileLosses: array<f32, SLOTS>;

// The point that this thread works at with others, and where its model's parameters, targets and sums begin.
var<private> slot: u32;
var<private> lane: u32;
var<private> model: u32;
var<private> parameterBase: u32;
var<private> partialBase: u32;

fn keepPoint(row: u32, point: Point) {
  points[row * STRIDE + slot] = bitcast<f32>(point.cell);
  points[(row + 1u) * STRIDE + slot] = point.left;
  points[(row + 2u) * STRIDE + slot] = point.right;
  points[(row + 3u) * STRIDE + slot] = point.overhang;
}

fn pointAt(row: u32, at: u32) -> Point {
  let first = row * STRIDE + at;
  return Point(
    bitcast<u32>(points[first]), points[first + STRIDE], points[first + 2u * STRIDE], points[first + 3u * STRIDE]);
}

fn gradientAt(index: u32) -> f32 {
  if (sumsAreLocal) {
    return sums[index];
  }
  return partials[partialBase + index];
}

fn setGradient(index: u32, value: f32) {
  if (sumsAreLocal) {
    sums[index] = value;
  } else {
    partials[partialBase + index] = value;
  }
}

// Where channel c of output q at a point of sample i of `count` stands, in activations and adjoints.
fn outputPlace(trace: u32, channel: u32, q: u32, i: u32, count: u32) -> u32 {
  return (OUTPUT_ROW + channel * OUTPUTS + q) * STRIDE + trace * count + i;
}
