/**
 * References of wide layers of cubic splines (src/kernels/spline-layer-wide.ts) in WebAssembly, which has vectors: several
 * times as fast as the loops of src/kernels/spline-layer-cubic.ts, and the same in every bit.
 *
 * The module has memory of its own, one per thread, so that a caller's arrays may lie anywhere. What it works on is
 * copied there in pieces that the processor's caches hold: samples by the block, weights by the input.
 */
import type { HostArray } from './kernel.ts';
import type { LayerGrid } from './spline-layer-cubic.ts';
import module from './spline-layer-simd.wat';

interface Exports {
  readonly memory: WebAssembly.Memory;
  /** Places are in bytes; what the functions do stands in the module. */
  windows(
    x: number,
    count: number,
    start: number,
    cellsPerUnit: number,
    intervals: number,
    slopes: number,
    rows: number,
    rowBytes: number,
    window: number,
  ): void;
  forward(window: number, y: number, count: number, rowBytes: number): void;
  inputGradient(window: number, outputGradient: number, inputGradient: number, count: number, rowBytes: number): void;
  coefficientGradient(window: number, count: number, rowBytes: number): void;
}

const BYTES = 8;
const PAGE_BYTES = 65536;
const CACHE_LINE = 8;

/** Numbers that a window takes; in words of 32 bits, and which of them is the place of the sample's row. */
const WINDOW = 5;
const WINDOW_WORDS = 10;
const SAMPLE_ROW = 9;

/** Samples that are worked on at once: so many that copying an input's weights costs little beside using them. */
const BLOCK = 512;

type Buffers<Names extends string> = Readonly<Record<Names, HostArray>>;

/** Nothing where an engine has no such vectors, or a page's content security policy forbids WebAssembly. */
export function openSimdLoops(): SimdLoops | undefined {
  try {
    return new SimdLoops();
  } catch {
    return undefined;
  }
}

export class SimdLoops {
  readonly #module: Exports;
  #floats = new Float64Array();
  #words = new Uint32Array();

  constructor() {
    this.#module = new WebAssembly.Instance(new WebAssembly.Module(module)).exports as unknown as Exports;
  }

  /** As the reference of splineForward, samples `first` to `end` − 1, outputs divisible by four. */
  forward({ x, weights, y }: Buffers<'x' | 'weights' | 'y'>, grid: LayerGrid, first: number, end: number): void {
    const { inputs, outputs } = grid;
    for (let from = first; from < end; from += BLOCK) {
      const count = Math.min(BLOCK, end - from);
      const [column, rows, window, sums] = this.#places(count, rowsOf(grid), WINDOW * count, count * outputs);
      this.#floats.fill(0, sums, sums + count * outputs);
      for (let p = 0; p < inputs; p++) {
        this.#copyInput({ x, weights }, grid, { p, from, count, column, rows });
        this.#windows({ column, rows, window, count }, grid, false);
        this.#module.forward(BYTES * window, BYTES * sums, count, BYTES * outputs);
      }
      y.set(this.#floats.subarray(sums, sums + count * outputs), from * outputs);
    }
  }

  /** As the reference of splineInputGradient, samples `first` to `end` − 1, outputs divisible by four. */
  inputGradient(
    { x, weights, outputGradient, inputGradient }: Buffers<'x' | 'weights' | 'outputGradient' | 'inputGradient'>,
    grid: LayerGrid,
    first: number,
    end: number,
  ): void {
    const { inputs, outputs, intervals, domainStart, domainEnd } = grid;
    const cellsPerUnit = intervals / (domainEnd - domainStart);
    for (let from = first; from < end; from += BLOCK) {
      const count = Math.min(BLOCK, end - from);
      const lengths = [count, rowsOf(grid), WINDOW * count, count * outputs, count];
      const [column, rows, window, gradients, results] = this.#places(...lengths);
      const floats = this.#floats;
      floats.set(outputGradient.subarray(from * outputs, (from + count) * outputs), gradients);
      for (let p = 0; p < inputs; p++) {
        this.#copyInput({ x, weights }, grid, { p, from, count, column, rows });
        this.#windows({ column, rows, window, count }, grid, true);
        this.#module.inputGradient(BYTES * window, BYTES * gradients, BYTES * results, count, BYTES * outputs);
        for (let i = 0; i < count; i++) inputGradient[(from + i) * inputs + p] = floats[results + i] * cellsPerUnit;
      }
    }
  }

  /** As the reference of splineCoefficientGradientWide, lists `first` to `end` − 1. */
  coefficientGradient(
    { x, outputGradient, samples, partials }: Buffers<'x' | 'outputGradient' | 'samples' | 'partials'>,
    grid: LayerGrid & { readonly batch: number; readonly tiles: number },
    firstList: number,
    endList: number,
  ): void {
    const { batch, inputs, outputs, tiles } = grid;
    const tileSamples = Math.ceil(batch / tiles);
    const length = rowsOf(grid);
    let copied = -1;
    for (let list = firstList; list < endList; list++) {
      const tile = Math.floor(list / inputs);
      const p = list % inputs;
      const from = Math.min(tile * tileSamples, batch);
      const count = Math.min(tileSamples, batch - from);
      const lengths = [count * outputs, count, length, WINDOW * (count + 1)];
      const [gradients, column, rows, window] = this.#places(...lengths);
      const floats = this.#floats;
      if (copied !== tile) {
        floats.set(outputGradient.subarray(from * outputs, (from + count) * outputs), gradients);
        copied = tile;
      }
      floats.fill(0, rows, rows + length);
      const list0 = from * inputs + p * count;
      const words = this.#words;
      for (let i = 0; i < count; i++) {
        const b = samples[list0 + i];
        floats[column + i] = x[b * inputs + p];
        words[2 * window + WINDOW_WORDS * i + SAMPLE_ROW] = BYTES * (gradients + (b - from) * outputs);
      }
      this.#windows({ column, rows, window, count }, grid, false);
      if (count > 0) this.#module.coefficientGradient(BYTES * window, count, BYTES * outputs);
      partials.set(floats.subarray(rows, rows + length), list * length);
    }
  }

  /** Where blocks of so many numbers begin, in numbers, each on a cache line. */
  #places(...lengths: readonly number[]): number[] {
    let end = 0;
    const starts = lengths.map((length) => {
      const start = end;
      end += CACHE_LINE * Math.ceil(length / CACHE_LINE);
      return start;
    });
    const { memory } = this.#module;
    const missing = BYTES * end - memory.buffer.byteLength;
    if (missing > 0) memory.grow(Math.ceil(missing / PAGE_BYTES));
    if (this.#floats.buffer !== memory.buffer) {
      this.#floats = new Float64Array(memory.buffer);
      this.#words = new Uint32Array(memory.buffer);
    }
    return starts;
  }

  /** Coordinate p of samples `from` to `from` + `count` − 1, and that input's rows of weights. */
  #copyInput(
    { x, weights }: Buffers<'x' | 'weights'>,
    grid: LayerGrid,
    { p, from, count, column, rows }: Readonly<Record<'p' | 'from' | 'count' | 'column' | 'rows', number>>,
  ): void {
    const floats = this.#floats;
    const length = rowsOf(grid);
    floats.set(weights.subarray(p * length, (p + 1) * length), rows);
    for (let i = 0; i < count; i++) floats[column + i] = x[(from + i) * grid.inputs + p];
  }

  #windows(
    { column, rows, window, count }: Readonly<Record<'column' | 'rows' | 'window' | 'count', number>>,
    { outputs, intervals, domainStart, domainEnd }: LayerGrid,
    slopes: boolean,
  ): void {
    this.#module.windows(
      BYTES * column,
      count,
      domainStart,
      intervals / (domainEnd - domainStart),
      intervals,
      Number(slopes),
      BYTES * rows,
      BYTES * outputs,
      BYTES * window,
    );
  }
}

/** Weights of one input. */
function rowsOf({ intervals, outputs }: LayerGrid): number {
  return (intervals + 3) * outputs;
}
