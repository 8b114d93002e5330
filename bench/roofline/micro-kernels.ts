/** Kernels that do one thing as fast as a device can, to measure what it can. For benchmarks only. */
import linearIndex from '../../shaders/lib/linear-index.wgsl';
import { defineKernel, linearGrid } from '../../src/kernels/kernel.ts';
import { BYTES, SimdModule } from '../../src/kernels/simd-module.ts';
import copyQuadsWgsl from './copy-quads.wgsl';
import emptyWgsl from './empty.wgsl';
import fmaChainsWat from './fma-chains.wat';
import fmaChainsWgsl from './fma-chains.wgsl';
import gatheredProductsWgsl from './gathered-products.wgsl';
import loadChainWgsl from './load-chain.wgsl';
import scatteredSumsWgsl from './scattered-sums.wgsl';

/** WebAssembly, as in the kernels that take the CPU most of its time. */
const chains = new SimdModule<{ chains(seeds: number, results: number, count: number, links: number): void }>(
  fmaChainsWat,
);

/** Powers of two; the WGSL has the same numbers. */
const TABLE = 1024;
const ROWS = 32;
const TABLE_LENGTH = TABLE + 16;

/** Eight chains of multiply-adds in registers, four links of each per step. */
export const fmaChains = defineKernel({
  name: 'fma-chains',
  wgsl: linearIndex + fmaChainsWgsl,
  bindings: { seeds: 'read', results: 'write' },
  constants: ['threads', 'steps'],
  lengths: ({ threads }) => ({ seeds: threads, results: threads }),
  workgroups: ({ threads }) => linearGrid(threads),
  flops: ({ threads, steps }) => 64 * threads * steps,
  reference({ seeds, results }, { threads, steps }) {
    const places = chains.places({ seeds: threads + 1, results: threads + 1 });
    chains.floats.set(seeds.subarray(0, threads), places.seeds);
    chains.functions.chains(BYTES * places.seeds, BYTES * places.results, 2 * Math.ceil(threads / 2), 4 * steps);
    results.set(chains.floats.subarray(places.results, places.results + threads));
  },
});

/** Four multiply-adds per step, each with a factor loaded from a small table at a place known at run time only. */
export const gatheredProducts = defineKernel({
  name: 'gathered-products',
  wgsl: linearIndex + gatheredProductsWgsl,
  bindings: { seeds: 'read', table: 'read', results: 'write' },
  constants: ['threads', 'steps'],
  lengths: ({ threads }) => ({ seeds: threads, table: TABLE_LENGTH, results: threads }),
  workgroups: ({ threads }) => linearGrid(threads),
  flops: ({ threads, steps }) => 8 * threads * steps,
  reference({ seeds, table, results }, { threads, steps }) {
    for (let index = 0; index < threads; index++) {
      const seed = seeds[index];
      let [a, b, c, d] = [0, 0, 0, 0];
      let place = Math.imul(index, 40503);
      for (let step = 0; step < steps; step++) {
        place = (Math.imul(place, 1021) + 331) & (TABLE - 1);
        a += seed * table[place];
        b += seed * table[place + 5];
        c += seed * table[place + 10];
        d += seed * table[place + 15];
      }
      results[index] = a + b + c + d;
    }
  },
});

/** Four multiply-adds per step, each to a sum in workgroup memory at a place known at run time only. */
export const scatteredSums = defineKernel({
  name: 'scattered-sums',
  wgsl: linearIndex + scatteredSumsWgsl,
  bindings: { seeds: 'read', results: 'write' },
  constants: ['threads', 'steps'],
  lengths: ({ threads }) => ({ seeds: threads, results: threads }),
  workgroups: ({ threads }) => linearGrid(threads),
  flops: ({ threads, steps }) => 8 * threads * steps,
  reference({ seeds, results }, { threads, steps }) {
    const sums = new Float64Array(ROWS + 4);
    for (let index = 0; index < threads; index++) {
      const seed = seeds[index];
      sums.fill(0);
      let place = Math.imul(index, 40503);
      for (let step = 0; step < steps; step++) {
        place = (Math.imul(place, 13) + 7) & (ROWS - 1);
        const a = sums[place] + seed * seed;
        const b = sums[place + 1] + seed * seed;
        const c = sums[place + 2] + seed * seed;
        const d = sums[place + 3] + seed * seed;
        sums[place] = a;
        sums[place + 1] = b;
        sums[place + 2] = c;
        sums[place + 3] = d;
      }
      results[index] = sums[0];
    }
  },
});

/** `steps` loads of which each must wait for the one before, in 64 threads at once. */
export const loadChain = defineKernel({
  name: 'load-chain',
  wgsl: loadChainWgsl,
  bindings: { next: 'read:uint', places: 'write:uint' },
  constants: ['steps'],
  lengths: () => ({ next: TABLE, places: 64 }),
  workgroups: () => [1, 1, 1],
  flops: () => 0,
  reference({ next, places }, { steps }) {
    for (let index = 0; index < 64; index++) {
      let place = index;
      for (let step = 0; step < steps; step++) place = next[place & (TABLE - 1)];
      places[index] = place;
    }
  },
});

/** Values for its `next`: a cycle through all places, the next one never near. */
export const loadCycle = Array.from({ length: TABLE }, (_, index) => (541 * index + 1) % TABLE);

/** target = source, four numbers per thread; `count` is a multiple of four. */
export const copyQuads = defineKernel({
  name: 'copy-quads',
  wgsl: linearIndex + copyQuadsWgsl,
  bindings: { source: 'read', target: 'write' },
  constants: ['count'],
  lengths: ({ count }) => ({ source: count, target: count }),
  workgroups: ({ count }) => linearGrid(count / 4),
  flops: () => 0,
  reference({ source, target }, { count }) {
    target.set(source.subarray(0, count));
  },
});

/** Nothing, in workgroups of `size` threads on a grid of x · y · z of them. */
export const empty = defineKernel({
  name: 'empty',
  wgsl: emptyWgsl,
  bindings: { unused: 'update' },
  constants: ['size', 'x', 'y', 'z'],
  lengths: () => ({ unused: 1 }),
  workgroups: ({ x, y, z }) => [x, y, z],
  flops: () => 0,
  reference() {},
});
