// How many i < count satisfy isCounted(i), by the 256 threads of one workgroup. Every thread gets the result.
// The including kernel defines `fn isCounted(i: u32) -> bool`. Must be called in uniform control flow.
var<workgroup> partialCounts: array<u32, 256>;

fn workgroupCount(count: u32, thread: u32) -> u32 {
  var total = 0u;
  for (var i = thread; i < count; i += 256u) {
    total += u32(isCounted(i));
  }
  partialCounts[thread] = total;
  workgroupBarrier();
  for (var width = 128u; width > 0u; width /= 2u) {
    if (thread < width) {
      partialCounts[thread] += partialCounts[thread + width];
    }
    workgroupBarrier();
  }
  return partialCounts[0];
}
