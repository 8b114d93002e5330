// ring[counter[0] % length] = value[0]. A single thread.
override length: u32;

@group(0) @binding(0) var<storage, read> value: array<f32>;
@group(0) @binding(1) var<storage, read> counter: array<u32>;
@group(0) @binding(2) var<storage, read_write> ring: array<f32>;

@compute @workgroup_size(1)
fn main() {
  ring[counter[0] % length] = value[0];
}
