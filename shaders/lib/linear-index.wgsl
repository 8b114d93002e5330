// Index of an invocation in a grid made by linearGrid (src/kernels/kernel.ts): workgroups of `size`, rows of 65535.
fn linearIndex(workgroup: vec3<u32>, local: u32, size: u32) -> u32 {
  return (workgroup.y * 65535u + workgroup.x) * size + local;
}
