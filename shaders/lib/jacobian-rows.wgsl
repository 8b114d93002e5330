// Where rows of a Jacobian lie (src/kernels/jacobian-rows.ts).
override samples: u32;
override traces: u32;
override chunk: u32;
override slots: u32;
override slot: u32;
override column: u32;

struct Row {
  // False for rows past the last sample or the last row.
  exists: bool,
  // Of traces · samples.
  point: u32,
  // Of the first slot that is written.
  at: u32,
}

fn rowOf(row: u32, chunkNumber: u32) -> Row {
  let sample = chunkNumber * chunk + row % chunk;
  return Row(row < traces * chunk && sample < samples, row / chunk * samples + sample, row * slots + slot);
}
