// c[i,j] = sum over k of A[i,k] B[k,j]; A and B by strides, c row-major. Each thread makes a 4 x 4 block of c in
// registers, workgroups of 8 x 8 threads a block of 32 x 32. Any sizes: indices past the end repeat the last row.
@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read_write> c: array<f32>;

override rows: u32;
override inner: u32;
override columns: u32;
override aRow: u32;
override aColumn: u32;
override bRow: u32;
override bColumn: u32;

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) thread: vec3<u32>) {
  let i = 4u * thread.y;
  let j = 4u * thread.x;
  let quad = vec4<u32>(0u, 1u, 2u, 3u);
  let aStart = aRow * min(i + quad, vec4<u32>(rows - 1u));
  let bStart = bColumn * min(j + quad, vec4<u32>(columns - 1u));
  var block = mat4x4<f32>();
  for (var k = 0u; k < inner; k++) {
    let at = aStart + k * aColumn;
    let bt = bStart + k * bRow;
    let right = vec4<f32>(b[bt.x], b[bt.y], b[bt.z], b[bt.w]);
    block[0] += a[at.x] * right;
    block[1] += a[at.y] * right;
    block[2] += a[at.z] * right;
    block[3] += a[at.w] * right;
  }
  for (var row = 0u; row < 4u && i + row < rows; row++) {
    for (var column = 0u; column < 4u && j + column < columns; column++) {
      c[(i + row) * columns + j + column] = block[row][column];
    }
  }
}
