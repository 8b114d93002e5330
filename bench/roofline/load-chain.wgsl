// places[i] = next[next[…next[i]]], `steps` loads of which each must wait for the one before; next [1024] stays in the cache.
// One workgroup of 64.
override steps: u32;

const TABLE = 1024u;

@group(0) @binding(0) var<storage, read> next: array<u32>;
@group(0) @binding(1) var<storage, read_write> places: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32) {
  var place = local;
  for (var step = 0u; step < steps; step++) {
    place = next[place & (TABLE - 1u)];
  }
  places[local] = place;
}
