/**
 * Products of the compact rows of a Jacobian (src/kernels/jacobian-rows.ts) with vectors, and blocks of its normal matrix.
 *
 * Source: docs/mathematics.md, "Gauss–Newton on local support".
 */
import edgeBlocksWgsl from '../../shaders/edge-blocks.wgsl';
import linearIndexWgsl from '../../shaders/lib/linear-index.wgsl';
import rowCombinationWgsl from '../../shaders/row-combination.wgsl';
import rowProductsWgsl from '../../shaders/row-products.wgsl';
import { rowElements } from './jacobian-rows.ts';
import { ceilDiv, defineKernel, linearGrid } from './kernel.ts';

/** products[s] = factor · weights[s] · a_s · vector for the samples of a chunk, vector [size]; no more than there are. */
export const rowProducts = defineKernel({
  name: 'row-products',
  wgsl: linearIndexWgsl + rowProductsWgsl,
  bindings: {
    values: 'read',
    columns: 'read:uint',
    weights: 'read',
    counter: 'read:uint',
    vector: 'read',
    products: 'update',
  },
  constants: ['samples', 'traces', 'chunk', 'slots', 'size', 'factor'],
  lengths(constants) {
    const { samples, chunk, size } = constants;
    const rows = rowElements(constants);
    return { values: rows, columns: rows, weights: samples, counter: 1, vector: size, products: chunk };
  },
  workgroups: ({ chunk }) => linearGrid(chunk),
  flops: ({ traces, chunk, slots }) => 2 * traces * chunk * slots,
  parts: ({ chunk }) => chunk,
  reference({ values, columns, weights, counter, vector, products }, constants, first, end) {
    const { samples, traces, chunk, slots, factor } = constants;
    const start = counter[0] * chunk;
    for (let s = first; s < end && start + s < samples; s++) {
      let sum = 0;
      for (let trace = 0; trace < traces; trace++) {
        const row = (trace * chunk + s) * slots;
        for (let a = row; a < row + slots; a++) sum += values[a] * vector[columns[a]];
      }
      products[s] = factor * weights[start + s] * sum;
    }
  },
});

/** sums += Σ_s factors[s] a_s over the samples of a chunk; sums [tiles, size], each tile with a share of the samples. */
export const rowCombination = defineKernel({
  name: 'row-combination',
  wgsl: linearIndexWgsl + rowCombinationWgsl,
  bindings: { values: 'read', columns: 'read:uint', factors: 'read', counter: 'read:uint', sums: 'update' },
  constants: ['samples', 'traces', 'chunk', 'slots', 'size', 'tiles'],
  lengths(constants) {
    const { chunk, size, tiles } = constants;
    const rows = rowElements(constants);
    return { values: rows, columns: rows, factors: chunk, counter: 1, sums: tiles * size };
  },
  workgroups: ({ slots, tiles }) => linearGrid(slots * tiles),
  flops: ({ traces, chunk, slots }) => 2 * traces * chunk * slots,
  parts: ({ slots }) => slots,
  reference({ values, columns, factors, counter, sums }, constants, first, end) {
    const { samples, traces, chunk, slots, size, tiles } = constants;
    const count = Math.min(chunk, samples - counter[0] * chunk);
    const share = ceilDiv(chunk, tiles);
    for (let trace = 0; trace < traces; trace++) {
      for (let s = 0; s < count; s++) {
        const tile = Math.floor(s / share) * size;
        const row = (trace * chunk + s) * slots;
        for (let a = row + first; a < row + end; a++) sums[tile + columns[a]] += values[a] * factors[s];
      }
    }
  },
});

/**
 * blocks[i, m] += Σ_s weight_s a_i a_{i + m · outputs}, weight_s = factor · weights[s]: of the normal matrix the part that
 * couples coefficients i = (p, k, q) and (p, k + m, q) of one edge, m = 0 … width − 1, products of different traces left
 * out; blocks [size, bands]. Slots (p, ρ, q), p < inputs, ρ < width, q < outputs, from `slot` on.
 */
export const edgeBlocks = defineKernel({
  name: 'edge-blocks',
  wgsl: linearIndexWgsl + edgeBlocksWgsl,
  bindings: { values: 'read', columns: 'read:uint', weights: 'read', counter: 'read:uint', blocks: 'update' },
  constants: ['samples', 'traces', 'chunk', 'slots', 'slot', 'size', 'inputs', 'width', 'outputs', 'bands', 'factor'],
  lengths(constants) {
    const { samples, size, bands } = constants;
    const rows = rowElements(constants);
    return { values: rows, columns: rows, weights: samples, counter: 1, blocks: size * bands };
  },
  workgroups: ({ inputs, width, outputs }) => linearGrid(inputs * width * outputs * width),
  flops: ({ traces, chunk, inputs, width, outputs }) => traces * chunk * inputs * width * (width + 1) * outputs,
  parts: ({ inputs, width, outputs }) => inputs * width * outputs,
  reference({ values, columns, weights, counter, blocks }, constants, first, end) {
    const { samples, traces, chunk, slots, slot, width, outputs, bands, factor } = constants;
    const start = counter[0] * chunk;
    const count = Math.min(chunk, samples - start);
    for (let s = 0; s < count; s++) {
      const weight = factor * weights[start + s];
      for (let trace = 0; trace < traces; trace++) {
        const row = (trace * chunk + s) * slots + slot;
        for (let own = first; own < end; own++) {
          const edge = row + Math.floor(own / (width * outputs)) * width * outputs + (own % outputs);
          const column = columns[row + own];
          for (let other = edge; other < edge + width * outputs; other += outputs) {
            const distance = columns[other] - column;
            if (distance < 0) continue;
            blocks[column * bands + distance / outputs] += weight * values[row + own] * values[other];
          }
        }
      }
    }
  },
});
