/**
 * The loops of src/kernels/spline-layer-cubic.ts in WebAssembly, which has vectors: several times as fast, and the same in
 * every bit.
 *
 * The module has memory of its own, one per thread, so that a caller's arrays may lie anywhere. What it works on is
 * copied there in pieces that the processor's caches hold: samples by the block, weights by the input.
 */
import type { HostArray } from './kernel.ts';
import { type CubicLoops, type LayerGrid, unitOf } from './spline-layer-cubic.ts';
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
  copyRows(from: number, to: number, count: number, columns: number, fromBytes: number, toBytes: number): void;
  forward(window: number, y: number, count: number, rowBytes: number): void;
  inputGradient(window: number, outputGradient: number, inputGradient: number, count: number, rowBytes: number): void;
  coefficientGradient(window: number, count: number, rowBytes: number): void;
}

const BYTES = 8;
const PAGE_BYTES = 65536;
const CACHE_LINE = 8;

/** Numbers that a row is a multiple of. */
const COLUMNS = 4;

/** Numbers that a window takes; in words of 32 bits, and which of them is the place of the sample's row. */
const WINDOW = 5;
const WINDOW_WORDS = 10;
const SAMPLE_ROW = 9;

/** Samples that are worked on at once: so many that copying an input's weights costs little beside using them. */
const BLOCK = 512;

/** Nothing where an engine has no such vectors, or a page's content security policy forbids WebAssembly. */
export function openSimdLoops(): CubicLoops | undefined {
  try {
    return new SimdLoops();
  } catch {
    return undefined;
  }
}

/** Where things are in memory, in numbers. `rows` are an input's rows of weights or of their gradient. */
interface Places {
  readonly column: number;
  readonly window: number;
  readonly rows: number;
  /** Rows of y, or of its gradient. */
  readonly samples: number;
  /** Numbers per sample, or rows on their way to where there is room between them. */
  readonly scratch: number;
}

class SimdLoops implements CubicLoops {
  readonly #module: Exports;
  #floats = new Float64Array();
  #words = new Uint32Array();

  constructor() {
    this.#module = new WebAssembly.Instance(new WebAssembly.Module(module)).exports as unknown as Exports;
  }

  forward: CubicLoops['forward'] = ({ x, weights, y }, grid, first, end) => {
    const { inputs, outputs, intervals } = grid;
    const rowLength = rowLengthOf(grid);
    for (let from = first; from < end; from += BLOCK) {
      const count = Math.min(BLOCK, end - from);
      const places = this.#places(count, grid);
      this.#floats.fill(0, places.samples, places.samples + count * rowLength);
      for (let p = 0; p < inputs; p++) {
        this.#load(weights, p * (intervals + 3), intervals + 3, outputs, places.rows, places.scratch);
        for (let i = 0; i < count; i++) this.#floats[places.column + i] = x[(from + i) * inputs + p];
        this.#windows(places, count, grid, false);
        this.#module.forward(BYTES * places.window, BYTES * places.samples, count, BYTES * rowLength);
      }
      this.#store(y, from, count, outputs, places.samples, places.scratch);
    }
  };

  inputGradient: CubicLoops['inputGradient'] = (buffers, grid, first, end) => {
    const { x, weights, outputGradient, inputGradient } = buffers;
    const { inputs, outputs, intervals, domainStart, domainEnd } = grid;
    const cellsPerUnit = intervals / (domainEnd - domainStart);
    const rowBytes = BYTES * rowLengthOf(grid);
    for (let from = first; from < end; from += BLOCK) {
      const count = Math.min(BLOCK, end - from);
      const places = this.#places(count, grid);
      const [window, samples, results] = [places.window, places.samples, places.scratch].map((place) => BYTES * place);
      this.#load(outputGradient, from, count, outputs, places.samples, places.scratch);
      for (let p = 0; p < inputs; p++) {
        this.#load(weights, p * (intervals + 3), intervals + 3, outputs, places.rows, places.scratch);
        for (let i = 0; i < count; i++) this.#floats[places.column + i] = x[(from + i) * inputs + p];
        this.#windows(places, count, grid, true);
        this.#module.inputGradient(window, samples, results, count, rowBytes);
        for (let i = 0; i < count; i++)
          inputGradient[(from + i) * inputs + p] = this.#floats[places.scratch + i] * cellsPerUnit;
      }
    }
  };

  coefficientGradient: CubicLoops['coefficientGradient'] = (buffers, grid, first, end) => {
    const { x, outputGradient, samples, partials } = buffers;
    const { inputs, outputs, intervals } = grid;
    const rowLength = rowLengthOf(grid);
    let loaded = -1;
    for (let unit = first; unit < end; unit++) {
      const { p, from, count, places: order } = unitOf(unit, grid);
      const places = this.#places(count, grid);
      if (loaded !== from && count > 0)
        this.#load(outputGradient, from, count, outputs, places.samples, places.scratch);
      loaded = from;
      const floats = this.#floats;
      const words = this.#words;
      floats.fill(0, places.rows, places.rows + (intervals + 3) * rowLength);
      for (let i = 0; i < count; i++) {
        const b = samples ? samples[order + i] : from + i;
        floats[places.column + i] = x[b * inputs + p];
        words[2 * places.window + WINDOW_WORDS * i + SAMPLE_ROW] = BYTES * (places.samples + (b - from) * rowLength);
      }
      if (count > 0) {
        this.#windows(places, count, grid, false);
        this.#module.coefficientGradient(BYTES * places.window, count, BYTES * rowLength);
      }
      this.#store(partials, unit * (intervals + 3), intervals + 3, outputs, places.rows, places.scratch);
    }
  };

  /** For that many samples and one input's rows; grows the memory. Windows are made two at a time, and one is looked at behind the last. */
  #places(count: number, grid: LayerGrid): Places {
    const rowLength = rowLengthOf(grid);
    const rows = (grid.intervals + 3) * rowLength;
    let end = 0;
    const take = (length: number) => {
      const start = end;
      end += CACHE_LINE * Math.ceil(length / CACHE_LINE);
      return start;
    };
    const places = {
      samples: take(count * rowLength),
      rows: take(rows),
      column: take(count + 1),
      window: take(WINDOW * (count + 2)),
      scratch: take(Math.max(rows, count * rowLength)),
    };
    const { memory } = this.#module;
    const missing = BYTES * end - memory.buffer.byteLength;
    if (missing > 0) memory.grow(Math.ceil(missing / PAGE_BYTES));
    if (this.#floats.buffer !== memory.buffer) {
      this.#floats = new Float64Array(memory.buffer);
      this.#words = new Uint32Array(memory.buffer);
    }
    return places;
  }

  /** Rows `first` to `first` + `count` − 1 of an array [rows, columns] to `to`, where rows are as long as the module has them. */
  #load(from: HostArray, first: number, count: number, columns: number, to: number, scratch: number): void {
    const rowLength = rowLengthOf({ outputs: columns });
    const direct = rowLength === columns;
    this.#floats.set(from.subarray(first * columns, (first + count) * columns), direct ? to : scratch);
    if (direct) return;
    this.#module.copyRows(BYTES * scratch, BYTES * to, count, columns, BYTES * columns, BYTES * rowLength);
  }

  /** The reverse of {@link SimdLoops.#load}. */
  #store(to: HostArray, first: number, count: number, columns: number, from: number, scratch: number): void {
    const rowLength = rowLengthOf({ outputs: columns });
    const direct = rowLength === columns;
    if (!direct)
      this.#module.copyRows(BYTES * from, BYTES * scratch, count, columns, BYTES * rowLength, BYTES * columns);
    const start = direct ? from : scratch;
    to.set(this.#floats.subarray(start, start + count * columns), first * columns);
  }

  #windows({ column, rows, window }: Places, count: number, grid: LayerGrid, slopes: boolean): void {
    const { intervals, domainStart, domainEnd } = grid;
    this.#module.windows(
      BYTES * column,
      count,
      domainStart,
      intervals / (domainEnd - domainStart),
      intervals,
      Number(slopes),
      BYTES * rows,
      BYTES * rowLengthOf(grid),
      BYTES * window,
    );
  }
}

function rowLengthOf({ outputs }: Pick<LayerGrid, 'outputs'>): number {
  return COLUMNS * Math.ceil(outputs / COLUMNS);
}
