// Σ over tiles of contribution(tile, element), in an order that depends on `tiles` alone. A workgroup of 256 has `columns`
// elements and 256 / columns threads for each; where there are many tiles each thread adds every sixteenth.
// The including kernel defines `override tiles: u32` and `fn contribution(tile: u32, element: u32) -> f32`.
override groups: u32 = select(1u, 16u, tiles > 32u);
override columns: u32 = 256u / groups;

var<workgroup> groupSums: array<f32, 256>;

// The element of this thread; workgroups count in a linear grid of `columns`.
fn tileElement(workgroup: vec3<u32>, local: u32) -> u32 {
  return linearIndex(workgroup, local % columns, columns);
}

// The sum for threads local < columns. Must be called in uniform control flow.
fn tileSum(element: u32, exists: bool, local: u32) -> f32 {
  var sum = 0.0;
  if (exists) {
    for (var tile = local / columns; tile < tiles; tile += groups) {
      sum += contribution(tile, element);
    }
  }
  groupSums[local] = sum;
  workgroupBarrier();
  if (local >= columns) {
    return 0.0;
  }
  for (var other = local + columns; other < 256u; other += columns) {
    sum += groupSums[other];
  }
  return sum;
}
