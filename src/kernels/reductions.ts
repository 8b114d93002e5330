/**
 * Sums in a fixed order: the same numbers give the same bits on one device.
 *
 * Source: docs/mathematics.md, "Reproducible reductions".
 */
import linearIndex from '../../shaders/lib/linear-index.wgsl';
import tileSum from '../../shaders/lib/tile-sum.wgsl';
import workgroupSum from '../../shaders/lib/workgroup-sum.wgsl';
import rowDotsWgsl from '../../shaders/row-dots.wgsl';
import sumTilesWgsl from '../../shaders/sum-tiles.wgsl';
import { defineKernel, type Grid, linearGrid } from './kernel.ts';

/** Workgroups for `count` sums over tiles: shaders/lib/tile-sum.wgsl has the same numbers. */
export function tileSumGrid(count: number, tiles: number): Grid {
  return linearGrid(count, tiles > 32 ? 16 : 256);
}

/** sum[i] = Σ_t partials[t,i], partials [tiles, count]. */
export const sumTiles = defineKernel({
  name: 'sum-tiles',
  wgsl: linearIndex + tileSum + sumTilesWgsl,
  bindings: { partials: 'read', sum: 'write' },
  constants: ['tiles', 'count'],
  lengths: ({ tiles, count }) => ({ partials: tiles * count, sum: count }),
  workgroups: ({ tiles, count }) => tileSumGrid(count, tiles),
  flops: ({ tiles, count }) => tiles * count,
  parts: ({ count }) => count,
  reference({ partials, sum }, { tiles, count }, first, end) {
    for (let i = first; i < end; i++) {
      let total = 0;
      for (let at = i; at < tiles * count; at += count) total += partials[at];
      sum[i] = total;
    }
  },
});

/** dots[r] = Σ_c matrix[r,c] vector[c], matrix [rows, columns]. One workgroup per row. */
export const rowDots = defineKernel({
  name: 'row-dots',
  wgsl: linearIndex + workgroupSum + rowDotsWgsl,
  bindings: { matrix: 'read', vector: 'read', dots: 'write' },
  constants: ['rows', 'columns'],
  lengths: ({ rows, columns }) => ({ matrix: rows * columns, vector: columns, dots: rows }),
  workgroups: ({ rows }) => linearGrid(rows, 1),
  flops: ({ rows, columns }) => 2 * rows * columns,
  reference({ matrix, vector, dots }, { rows, columns }) {
    for (let r = 0; r < rows; r++) {
      let result = 0;
      for (let c = 0; c < columns; c++) result += matrix[r * columns + c] * vector[c];
      dots[r] = result;
    }
  },
});
