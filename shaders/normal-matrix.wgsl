// matrix[tile] += Σ_s weight_s a_s a_sᵀ over the tile's samples of a chunk, a_s in compact rows; rest: what rounding cut off.
// One thread per pair of slots a <= b and tile: no two threads share an entry, since no two slots share a parameter.
// Any sizes. Source: docs/mathematics.md, "Gauss–Newton on local support".
override samples: u32;
override traces: u32;
override chunk: u32;
override slots: u32;
override size: u32;
override tiles: u32;
override factor: f32;

@group(0) @binding(0) var<storage, read> values: array<f32>;
@group(0) @binding(1) var<storage, read> columns: array<u32>;
@group(0) @binding(2) var<storage, read> weights: array<f32>;
@group(0) @binding(3) var<storage, read> counter: array<u32>;
@group(0) @binding(4) var<storage, read_write> matrix: array<f32>;
@group(0) @binding(5) var<storage, read_write> rest: array<f32>;

// x, but not so that a compiler knows. Floating-point sums may be reassociated, and then what follows is simplified to
// nothing: lavapipe takes after - (after - before) for before.
fn hidden(x: f32) -> f32 {
  // There are never as many chunks as would set this bit.
  let zero = counter[0] >> 31u;
  return bitcast<f32>(bitcast<u32>(x) ^ zero);
}

// Dekker's sum of two numbers with its rounding error.
fn addTo(index: u32, term: f32) {
  let before = matrix[index];
  let inOrder = abs(before) >= abs(term);
  let large = select(term, before, inOrder);
  let small = select(before, term, inOrder);
  let after = hidden(large + small);
  let added = hidden(after - large);
  rest[index] += hidden(small - added);
  matrix[index] = after;
}

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let b = id.x;
  let a = id.y;
  if (a > b || b >= slots) {
    return;
  }
  let first = counter[0] * chunk;
  let share = (chunk + tiles - 1u) / tiles;
  let start = min(id.z * share, chunk);
  let end = min(min(start + share, chunk), max(samples, first) - first);
  let tile = id.z * size * size;
  for (var s = start; s < end; s++) {
    let weight = factor * weights[first + s];
    for (var left = 0u; left < traces; left++) {
      let atRow = (left * chunk + s) * slots + a;
      let row = columns[atRow];
      let value = weight * values[atRow];
      for (var right = select(0u, left, a == b); right < traces; right++) {
        let to = (right * chunk + s) * slots + b;
        let column = columns[to];
        let twice = a == b && left != right && row == column;
        addTo(tile + row * size + column, select(1.0, 2.0, twice) * value * values[to]);
      }
    }
  }
}
