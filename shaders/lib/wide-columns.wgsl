// How the kernels of wide layers share out outputs, a multiple of four. A column is four outputs. A thread takes one
// column and the one `lanes` further on, so that neighbouring threads read neighbouring columns; a workgroup of 64
// threads takes `rows` samples, or lists of samples, by 2 · lanes columns. src/kernels/spline-layer-wide.ts has the
// same numbers.
const THREADS = 64u;

override outputs: u32;
override columns: u32 = outputs / 4u;
override lanes: u32 = min((columns + 1u) / 2u, THREADS);
override rows: u32 = THREADS / lanes;
