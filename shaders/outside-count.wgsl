// counts[slot] = number of values outside the closed domain; NaN is on neither side; other slots stay as they are.
// One workgroup of 256. Any count; slot < slots.
override count: u32;
override slot: u32;
override slots: u32;
override domainStart: f32;
override domainEnd: f32;

@group(0) @binding(0) var<storage, read> values: array<f32>;
@group(0) @binding(1) var<storage, read_write> counts: array<u32>;

fn isCounted(i: u32) -> bool {
  return values[i] < domainStart || values[i] > domainEnd;
}

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) thread: u32) {
  let total = workgroupCount(count, thread);
  if (thread == 0u && slot < slots) {
    counts[slot] = total;
  }
}
