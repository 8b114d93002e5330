/** The vector operations of the tape and of L-BFGS. Elementwise over i < count, one thread per element. */
import accumulateWgsl from '../../shaders/accumulate.wgsl';
import addScaledWgsl from '../../shaders/add-scaled.wgsl';
import copyWgsl from '../../shaders/copy.wgsl';
import differenceWgsl from '../../shaders/difference.wgsl';
import fillWgsl from '../../shaders/fill.wgsl';
import linearIndex from '../../shaders/lib/linear-index.wgsl';
import linearCombinationWgsl from '../../shaders/linear-combination.wgsl';
import { defineKernel, linearGrid } from './kernel.ts';

/** result = x + scale[0] · direction */
export const addScaled = defineKernel({
  name: 'add-scaled',
  wgsl: linearIndex + addScaledWgsl,
  bindings: { x: 'read', direction: 'read', scale: 'read', result: 'write' },
  constants: ['count'],
  lengths: ({ count }) => ({ x: count, direction: count, scale: 1, result: count }),
  workgroups: ({ count }) => linearGrid(count),
  flops: ({ count }) => 2 * count,
  reference({ x, direction, scale, result }, { count }) {
    const factor = scale[0];
    for (let i = 0; i < count; i++) result[i] = x[i] + factor * direction[i];
  },
});

/** result = a − b */
export const difference = defineKernel({
  name: 'difference',
  wgsl: linearIndex + differenceWgsl,
  bindings: { a: 'read', b: 'read', result: 'write' },
  constants: ['count'],
  lengths: ({ count }) => ({ a: count, b: count, result: count }),
  workgroups: ({ count }) => linearGrid(count),
  flops: ({ count }) => count,
  reference({ a, b, result }, { count }) {
    for (let i = 0; i < count; i++) result[i] = a[i] - b[i];
  },
});

/** result[c] = Σ_r coefficients[r] matrix[r,c], matrix [rows, columns]. One thread per column. */
export const linearCombination = defineKernel({
  name: 'linear-combination',
  wgsl: linearIndex + linearCombinationWgsl,
  bindings: { coefficients: 'read', matrix: 'read', result: 'write' },
  constants: ['rows', 'columns'],
  lengths: ({ rows, columns }) => ({ coefficients: rows, matrix: rows * columns, result: columns }),
  workgroups: ({ columns }) => linearGrid(columns),
  flops: ({ rows, columns }) => 2 * rows * columns,
  reference({ coefficients, matrix, result }, { rows, columns }) {
    result.fill(0, 0, columns);
    for (let r = 0; r < rows; r++) {
      const factor = coefficients[r];
      for (let c = 0; c < columns; c++) result[c] += factor * matrix[r * columns + c];
    }
  },
});

/** target = source */
export const copy = defineKernel({
  name: 'copy',
  wgsl: linearIndex + copyWgsl,
  bindings: { source: 'read', target: 'write' },
  constants: ['count'],
  lengths: ({ count }) => ({ source: count, target: count }),
  workgroups: ({ count }) => linearGrid(count),
  flops: () => 0,
  reference({ source, target }, { count }) {
    for (let i = 0; i < count; i++) target[i] = source[i];
  },
});

/** total += addend */
export const accumulate = defineKernel({
  name: 'accumulate',
  wgsl: linearIndex + accumulateWgsl,
  bindings: { addend: 'read', total: 'update' },
  constants: ['count'],
  lengths: ({ count }) => ({ addend: count, total: count }),
  workgroups: ({ count }) => linearGrid(count),
  flops: ({ count }) => count,
  reference({ addend, total }, { count }) {
    for (let i = 0; i < count; i++) total[i] += addend[i];
  },
});

/** target = value, a constant */
export const fill = defineKernel({
  name: 'fill',
  wgsl: linearIndex + fillWgsl,
  bindings: { target: 'write' },
  constants: ['count', 'value'],
  lengths: ({ count }) => ({ target: count }),
  workgroups: ({ count }) => linearGrid(count),
  flops: () => 0,
  reference({ target }, { count, value }) {
    target.fill(value, 0, count);
  },
});
