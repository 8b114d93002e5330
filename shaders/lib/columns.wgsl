// How outputs are shared out, after `alias Column` and COLUMN: the numbers that are read at once, vec4<f32> and 4 or f32
// and 1. A thread takes one column and the one `lanes` further on, so that neighbouring threads read neighbouring
// columns; a workgroup takes `rows` samples, or lists of samples, by 2 · lanes columns.
// src/kernels/spline-layer.ts has the same numbers.
const THREADS = 64u;

override outputs: u32;
override columns: u32 = outputs / COLUMN;
override lanes: u32 = min((columns + 1u) / 2u, THREADS);
override rows: u32 = THREADS / lanes;
