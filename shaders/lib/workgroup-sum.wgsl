// Sum of term(row, i) over i < count by the 256 threads of one workgroup, in an order that depends on count alone:
// bit-for-bit reproducible. A thread adds runs of 32 terms and then the runs, so that rounding errors grow with the
// length of a run plus the number of runs and not with the number of terms. Every thread gets the result.
// The including kernel defines `fn term(row: u32, i: u32) -> f32`. Must be called in uniform control flow.
const sumThreads = 256u;
const runStride = 32u * sumThreads;

var<workgroup> partialSums: array<f32, sumThreads>;

fn workgroupSum(row: u32, count: u32, thread: u32) -> f32 {
  var total = 0.0;
  for (var start = thread; start < count; start += runStride) {
    let end = min(start + runStride, count);
    var run = 0.0;
    for (var i = start; i < end; i += sumThreads) {
      run += term(row, i);
    }
    total += run;
  }
  partialSums[thread] = total;
  workgroupBarrier();
  for (var width = sumThreads / 2u; width > 0u; width /= 2u) {
    if (thread < width) {
      partialSums[thread] += partialSums[thread + width];
    }
    workgroupBarrier();
  }
  return partialSums[0];
}
