// losses[t] = sum over the i of tile t of (prediction[i] - target[i])^2 / count; tile t holds i = t·T … min(t·T + T, count) - 1,
// T = ⌈count/tiles⌉. One workgroup of 256 per tile; the order of a sum is fixed. count, tiles >= 1.
override count: u32;
override tiles: u32;
override tileCount: u32 = (count + tiles - 1u) / tiles;

@group(0) @binding(0) var<storage, read> prediction: array<f32>;
@group(0) @binding(1) var<storage, read> targets: array<f32>;
@group(0) @binding(2) var<storage, read_write> losses: array<f32>;

fn term(row: u32, i: u32) -> f32 {
  let residual = prediction[row * tileCount + i] - targets[row * tileCount + i];
  return residual * residual;
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let tile = workgroup.x;
  let sum = workgroupSum(tile, min(tileCount, count - min(count, tile * tileCount)), thread);
  if (thread == 0u) {
    losses[tile] = sum / f32(count);
  }
}
