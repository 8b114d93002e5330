/** What WebAssembly computes for the CPU is what TypeScript computes, bit for bit. */
import { expect } from 'chai';
import { CpuBackend } from '../../src/backend/cpu/cpu-backend.ts';
import { Faster } from '../../src/kernels/faster.ts';
import type { Kernel } from '../../src/kernels/kernel.ts';
import { openAddStrips } from '../../src/kernels/normal-equations-simd.ts';
import { kernels } from '../../src/kernels/registry.ts';
import { cubicLoops } from '../../src/kernels/spline-layer-cubic.ts';
import { openSimdLoops } from '../../src/kernels/spline-layer-simd.ts';
import { splineCellOrder } from '../../src/kernels/spline-layer-wide.ts';
import { fill } from '../../src/kernels/vectors.ts';
import { openTileProducts } from '../../src/optimizers/cholesky-simd.ts';
import { Random } from './kernel-case.ts';

const CASES = 30;

/** Of any batch, of a block and one more among them, with points beyond both ends, on knots, and what is no number. */
function randomLayer(random: Random) {
  const batch = random.pick([1, 2, 255, 512, 513, random.integer(1, 1500)]);
  const inputs = random.integer(1, 7);
  const outputs = random.pick([1, 2, 3, 4, 5, 16, random.integer(1, 80)]);
  const intervals = random.pick([1, 2, 8, random.integer(1, 300)]);
  const domainStart = random.uniform(-3, 1);
  const domainEnd = domainStart + random.uniform(0.1, 4);
  const layer = { batch, inputs, outputs, intervals, degree: 3, domainStart, domainEnd };
  const draw = (length: number) => Float64Array.from({ length }, () => random.uniform(-1, 1));
  const width = domainEnd - domainStart;
  const x = Float64Array.from({ length: batch * inputs }, () => {
    const anywhere = domainStart + random.uniform(-0.2, 1.2) * width;
    const knot = domainStart + (random.integer(0, intervals) / intervals) * width;
    return random.pick([
      anywhere,
      anywhere,
      anywhere,
      knot,
      domainStart,
      domainEnd,
      random.pick([anywhere, Number.NaN]),
    ]);
  });
  const weights = draw(inputs * (intervals + 3) * outputs);
  return { layer, x, weights, outputGradient: draw(batch * outputs) };
}

function expectSameBits(is: Float64Array, should: Float64Array, what: string): void {
  const different = should.findIndex((value, i) => !Object.is(value, is[i]));
  if (different >= 0) expect.fail(`${what}[${different}] is ${is[different]}, in JavaScript ${should[different]}`);
}

describe('spline layers in WebAssembly', () => {
  const simd = openSimdLoops()!;

  it('are there', () => expect(simd).to.not.equal(undefined));

  for (let seed = 0; seed < CASES; seed++) {
    const { layer, x, weights, outputGradient } = randomLayer(new Random(seed));
    const { batch, inputs, outputs, intervals } = layer;

    it(`[${inputs}, ${outputs}], ${intervals} intervals, batch ${batch}`, () => {
      const first = Math.floor(batch / 3);
      const [y, exactY] = [new Float64Array(batch * outputs), new Float64Array(batch * outputs)];
      simd.forward({ x, weights, y }, layer, first, batch);
      cubicLoops.forward({ x, weights, y: exactY }, layer, first, batch);
      expectSameBits(y, exactY, 'y');

      const [inputGradient, exact] = [new Float64Array(x.length), new Float64Array(x.length)];
      simd.inputGradient({ x, weights, outputGradient, inputGradient }, layer, first, batch);
      cubicLoops.inputGradient({ x, weights, outputGradient, inputGradient: exact }, layer, first, batch);
      expectSameBits(inputGradient, exact, 'inputGradient');
    });

    it(`[${inputs}, ${outputs}], ${intervals} intervals, batch ${batch}: coefficients`, () => {
      const tiled = { ...layer, tiles: 1 + (seed % 4) };
      const lengths = splineCellOrder.lengths(tiled);
      const [starts, samples] = [new Uint32Array(lengths.starts), new Uint32Array(lengths.samples)];
      splineCellOrder.reference({ x, starts, samples }, tiled);
      const end = tiled.tiles * inputs;
      const [partials, exact] = [0, 0].map(() => new Float64Array(tiled.tiles * weights.length).fill(1));
      for (const order of [{}, { starts, samples }]) {
        simd.coefficientGradient({ x, outputGradient, partials, ...order }, tiled, seed % 2, end);
        cubicLoops.coefficientGradient({ x, outputGradient, partials: exact, ...order }, tiled, seed % 2, end);
        expectSameBits(partials, exact, 'partials');
      }
    });
  }
});

/** Rows of random columns, of which no two slots share one. */
function randomRows(random: Random) {
  const count = random.pick([1, 127, 128, 129, random.integer(1, 400)]);
  const slots = random.integer(1, 70);
  const perSlot = random.integer(1, 4);
  const size = slots * perSlot;
  const columns = Uint32Array.from(
    { length: count * slots },
    (_, at) => (at % slots) + slots * random.integer(0, perSlot - 1),
  );
  const draw = (length: number) => Float64Array.from({ length }, () => random.uniform(-1, 1));
  const buffers = { values: draw(count * slots), columns, weights: draw(count + 5), matrix: draw(size * size) };
  return { buffers, sizes: { start: random.integer(0, 5), count, slots, size, factor: random.uniform(0, 2) } };
}

describe('normal matrices in WebAssembly', () => {
  const add = openAddStrips()!;

  for (let seed = 0; seed < CASES; seed++) {
    const random = new Random(seed);
    const { buffers, sizes } = randomRows(random);
    const { start, count, slots, size, factor } = sizes;
    const strips = [0, slots, random.integer(0, slots), random.integer(0, slots)].sort((a, b) => a - b);

    it(`${count} samples, ${slots} slots, ${size} parameters, strips ${strips}`, () => {
      const { values, columns, weights, matrix } = buffers;
      const exact = matrix.slice();
      for (let s = 0; s < count; s++) {
        for (let a = s * slots; a < (s + 1) * slots; a++) {
          const value = factor * weights[start + s] * values[a];
          for (let b = a; b < (s + 1) * slots; b++) exact[columns[a] * size + columns[b]] += value * values[b];
        }
      }
      const [first, ...others] = strips.filter((strip, i) => strip !== strips[i - 1]);
      // In two calls, as two threads would.
      if (others.length > 1) add(buffers, sizes, others);
      add(buffers, sizes, others.length > 1 ? [first, others[0]] : [first, ...others]);
      expectSameBits(matrix, exact, 'matrix');
    });
  }
});

describe('WebAssembly', () => {
  it('is prepared by the kernels that have it, before the CPU records them', async () => {
    const names = kernels.filter(({ prepare }) => prepare).map(({ name }) => name);
    expect(names).to.have.members([
      'spline-forward',
      'spline-forward-wide',
      'spline-input-gradient',
      'spline-input-gradient-wide',
      'spline-coefficient-gradient',
      'spline-coefficient-gradient-wide',
      'normal-matrix',
    ]);
    let prepared = false;
    const kernel: Kernel = {
      ...fill,
      async prepare() {
        await Promise.resolve();
        prepared = true;
      },
    };
    const backend = new CpuBackend();
    const target = backend.allocate(1);
    await backend.record([{ kernel, buffers: { target }, constants: { count: 1, value: 0 } }]);
    expect(prepared).to.equal(true);
    backend.destroy();
  });

  it('is fetched once, and again only after that has failed', async () => {
    let calls = 0;
    const faster = new Faster(async () => {
      if (++calls === 1) throw new Error('offline');
      return 'there';
    });
    const failure = await faster.prepare().catch((error: Error) => error.message);
    expect([failure, faster.way]).to.deep.equal(['offline', undefined]);
    await Promise.all([faster.prepare(), faster.prepare()]);
    expect([calls, faster.way]).to.deep.equal([2, 'there']);
  });

  it('is done without where a page forbids it', () => {
    const { Module } = WebAssembly;
    try {
      WebAssembly.Module = class {
        constructor() {
          throw new WebAssembly.CompileError('violates the content security policy');
        }
      } as unknown as typeof Module;
      for (const open of [openSimdLoops, openAddStrips, openTileProducts]) expect(open()).to.equal(undefined);
    } finally {
      WebAssembly.Module = Module;
    }
  });
});
