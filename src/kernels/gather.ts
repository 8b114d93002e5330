/** Mini-batches out of a table that stays on the device. */
import gatherRowsWgsl from '../../shaders/gather-rows.wgsl';
import linearIndex from '../../shaders/lib/linear-index.wgsl';
import { defineKernel, linearGrid } from './kernel.ts';

/**
 * target[i] = source[order[(counter[0]·batch + i) mod rows]] for rows i < batch: the counter-th batch of an endless pass
 * through the rows in the order given.
 *
 * source [rows, columns], order [rows] with entries below rows < 2³¹, target [batch, columns].
 */
export const gatherRows = defineKernel({
  name: 'gather-rows',
  wgsl: linearIndex + gatherRowsWgsl,
  bindings: { source: 'read', order: 'read:uint', counter: 'read:uint', target: 'write' },
  constants: ['rows', 'columns', 'batch'],
  lengths: ({ rows, columns, batch }) => ({ source: rows * columns, order: rows, counter: 1, target: batch * columns }),
  workgroups: ({ columns, batch }) => linearGrid(batch * columns),
  flops: () => 0,
  reference({ source, order, counter, target }, { rows, columns, batch }) {
    const first = (counter[0] % rows) * batch;
    for (let i = 0; i < batch; i++) {
      const row = order[(first + i) % rows];
      for (let c = 0; c < columns; c++) target[i * columns + c] = source[row * columns + c];
    }
  },
});
