// The passes of a coefficient gradient over one tile of samples, in fixed order. The including kernel declares THREADS,
// PASS, batch, inputs, outputs, coefficients, block, slices, range, ranges, sums, partials and clearSums, and defines
//   prepareSamples(first, count, p, firstOutput, local): evaluates `count` samples from `first` on into workgroup memory,
//   addSamples(first, count, firstOutput, firstCoefficient, local): adds them to `sums`, each sum by one thread.

// Adds the slices in order to what earlier passes left in `partials`.
fn flush(tile: u32, p: u32, firstOutput: u32, firstCoefficient: u32, isFirst: bool, local: u32) {
  for (var entry = local; entry < range * block; entry += THREADS) {
    let q = firstOutput + entry % block;
    let k = firstCoefficient + entry / block;
    if (q < outputs && k < coefficients) {
      let destination = ((tile * inputs + p) * coefficients + k) * outputs + q;
      var sum = 0.0;
      if (!isFirst) {
        sum = partials[destination];
      }
      for (var slice = entry; slice < entry + range * block * slices; slice += range * block) {
        sum += sums[slice];
      }
      partials[destination] = sum;
    }
  }
}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  let p = workgroup.y;
  let firstOutput = workgroup.z / ranges * block;
  let firstCoefficient = workgroup.z % ranges * range;
  let tileSamples = (batch + grid.x - 1u) / grid.x;
  let tileStart = min(workgroup.x * tileSamples, batch);
  let tileEnd = min(tileStart + tileSamples, batch);
  var start = tileStart;
  // At least one pass, so that an empty tile writes its zeros.
  loop {
    clearSums(local);
    let end = min(start + PASS, tileEnd);
    for (var first = start; first < end; first += THREADS) {
      let count = min(THREADS, end - first);
      prepareSamples(first, count, p, firstOutput, local);
      workgroupBarrier();
      addSamples(first, count, firstOutput, firstCoefficient, local);
      workgroupBarrier();
    }
    flush(workgroup.x, p, firstOutput, firstCoefficient, start == tileStart, local);
    workgroupBarrier();
    start += PASS;
    if (start >= tileEnd) {
      break;
    }
  }
}
