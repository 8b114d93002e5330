// sum[i] = Σ over t of partials[t,i]. After shaders/lib/linear-index.wgsl and tile-sum.wgsl. Any sizes.
override tiles: u32;
override count: u32;

@group(0) @binding(0) var<storage, read> partials: array<f32>;
@group(0) @binding(1) var<storage, read_write> sum: array<f32>;

fn contribution(tile: u32, element: u32) -> f32 {
  return partials[tile * count + element];
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let element = tileElement(workgroup, local);
  let total = tileSum(element, element < count, local);
  if (local < columns && element < count) {
    sum[element] = total;
  }
}
