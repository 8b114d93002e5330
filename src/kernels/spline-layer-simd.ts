/**
 * The loops of src/kernels/spline-layer-cubic.ts in WebAssembly, which has vectors: the same in every bit.
 *
 * The module has memory of its own, one per thread, so that a caller's arrays may lie anywhere. What it works on is
 * copied there in pieces that the processor's caches hold: samples by the block, weights by the input.
 */
import type { HostArray } from './kernel.ts';
import { BYTES, openModule, type SimdModule } from './simd-module.ts';
import { type CubicLoops, type LayerGrid, unitOf } from './spline-layer-cubic.ts';
import module from './spline-layer-simd.wat';

interface Functions {
  /** Places are in bytes; what the functions do stands in the module. */
  windows(
    x: number,
    stride: number,
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
  inputGradient(
    window: number,
    outputGradient: number,
    inputGradient: number,
    stride: number,
    count: number,
    rowBytes: number,
    scale: number,
  ): void;
  coefficientGradient(window: number, count: number, rowBytes: number): void;
}

/** Numbers that a row is a multiple of. */
const COLUMNS = 4;

/** Numbers that a window takes; in words of 32 bits, and which of them are the places of its cell's and its sample's rows. */
const WINDOW = 5;
const WINDOW_WORDS = 10;
const CELL_ROW = 8;
const SAMPLE_ROW = 9;

/** Samples that are worked on at once: so many that copying an input's weights costs little beside using them. */
const BLOCK = 512;

export function openSimdLoops(): CubicLoops | undefined {
  const opened = openModule<Functions>(module);
  return opened && new SimdLoops(opened);
}

/** Where things are in memory, in numbers. `rows` are an input's rows of weights or of their gradient. */
interface Places {
  /** Rows of x, or of its gradient. */
  readonly x: number;
  readonly window: number;
  readonly rows: number;
  /** Rows of y, or of its gradient. */
  readonly samples: number;
  /** Rows on their way to where there is room between them. */
  readonly scratch: number;
}

class SimdLoops implements CubicLoops {
  readonly #module: SimdModule<Functions>;

  constructor(module: SimdModule<Functions>) {
    this.#module = module;
  }

  forward: CubicLoops['forward'] = ({ x, weights, y }, grid, first, end) => {
    const { inputs, outputs, intervals } = grid;
    const rowLength = rowLengthOf(grid);
    for (let from = first; from < end; from += BLOCK) {
      const count = Math.min(BLOCK, end - from);
      const places = this.#places(count, grid);
      this.#module.floats.set(x.subarray(from * inputs, (from + count) * inputs), places.x);
      this.#module.floats.fill(0, places.samples, places.samples + count * rowLength);
      for (let p = 0; p < inputs; p++) {
        this.#load(weights, p * (intervals + 3), intervals + 3, outputs, places.rows, places.scratch);
        this.#windows(places, { at: places.x + p, stride: inputs, count }, grid, false);
        this.#module.functions.forward(BYTES * places.window, BYTES * places.samples, count, BYTES * rowLength);
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
      const [window, samples] = [BYTES * places.window, BYTES * places.samples];
      this.#module.floats.set(x.subarray(from * inputs, (from + count) * inputs), places.x);
      this.#load(outputGradient, from, count, outputs, places.samples, places.scratch);
      for (let p = 0; p < inputs; p++) {
        const at = places.x + p;
        this.#load(weights, p * (intervals + 3), intervals + 3, outputs, places.rows, places.scratch);
        this.#windows(places, { at, stride: inputs, count }, grid, true);
        // In the place of x, which is known by then.
        this.#module.functions.inputGradient(
          window,
          samples,
          BYTES * at,
          BYTES * inputs,
          count,
          rowBytes,
          cellsPerUnit,
        );
      }
      inputGradient.set(this.#module.floats.subarray(places.x, places.x + count * inputs), from * inputs);
    }
  };

  coefficientGradient: CubicLoops['coefficientGradient'] = (buffers, grid, first, end) => {
    const { x, outputGradient, starts, samples, partials } = buffers;
    const { inputs, outputs, intervals } = grid;
    const rowLength = rowLengthOf(grid);
    let loaded = -1;
    for (let unit = first; unit < end; unit++) {
      const { p, from, count } = unitOf(unit, grid);
      const places = this.#places(count, grid, samples ? 1 : inputs);
      const floats = this.#module.floats;
      const words = this.#module.words;
      floats.fill(0, places.rows, places.rows + (intervals + 3) * rowLength);
      if (loaded !== from && count > 0) {
        this.#load(outputGradient, from, count, outputs, places.samples, places.scratch);
        if (!samples) floats.set(x.subarray(from * inputs, (from + count) * inputs), places.x);
        let word = 2 * places.window + SAMPLE_ROW;
        for (let i = 0; i < count; i++, word += WINDOW_WORDS) words[word] = BYTES * (places.samples + i * rowLength);
      }
      loaded = from;
      if (starts && samples) {
        let i = 0;
        let word = 2 * places.window;
        for (let cell = 0; cell < intervals; cell++) {
          const list = unit * (intervals + 1) + cell;
          for (let place = starts[list]; place < starts[list + 1]; place++, i++, word += WINDOW_WORDS) {
            floats[places.x + i] = x[samples[place] * inputs + p];
            words[word + CELL_ROW] = BYTES * (places.rows + cell * rowLength);
            words[word + SAMPLE_ROW] = BYTES * (places.samples + (samples[place] - from) * rowLength);
          }
        }
      }
      if (count > 0) {
        const points = samples ? { at: places.x, stride: 1, count } : { at: places.x + p, stride: inputs, count };
        this.#windows(places, points, grid, false, samples === undefined);
        this.#module.functions.coefficientGradient(BYTES * places.window, count, BYTES * rowLength);
      }
      this.#store(partials, unit * (intervals + 3), intervals + 3, outputs, places.rows, places.scratch);
    }
  };

  /** For that many samples, `columns` of x and one input's rows. Windows are made two at a time, and one is looked at behind the last. */
  #places(count: number, grid: LayerGrid, columns = grid.inputs): Places {
    const rowLength = rowLengthOf(grid);
    const rows = (grid.intervals + 3) * rowLength;
    return this.#module.places({
      samples: count * rowLength,
      rows,
      x: (count + 1) * columns,
      window: WINDOW * (count + 2),
      scratch: Math.max(rows, count * rowLength),
    });
  }

  /** Rows `first` to `first` + `count` − 1 of an array [rows, columns] to `to`, where rows are as long as the module has them. */
  #load(from: HostArray, first: number, count: number, columns: number, to: number, scratch: number): void {
    const rowLength = rowLengthOf({ outputs: columns });
    const direct = rowLength === columns;
    this.#module.floats.set(from.subarray(first * columns, (first + count) * columns), direct ? to : scratch);
    if (direct) return;
    this.#module.functions.copyRows(BYTES * scratch, BYTES * to, count, columns, BYTES * columns, BYTES * rowLength);
  }

  /** The reverse of {@link SimdLoops.#load}. */
  #store(to: HostArray, first: number, count: number, columns: number, from: number, scratch: number): void {
    const rowLength = rowLengthOf({ outputs: columns });
    const direct = rowLength === columns;
    if (!direct)
      this.#module.functions.copyRows(
        BYTES * from,
        BYTES * scratch,
        count,
        columns,
        BYTES * rowLength,
        BYTES * columns,
      );
    const start = direct ? from : scratch;
    to.set(this.#module.floats.subarray(start, start + count * columns), first * columns);
  }

  #windows(
    { rows, window }: Places,
    { at, stride, count }: Readonly<Record<'at' | 'stride' | 'count', number>>,
    grid: LayerGrid,
    slopes: boolean,
    setsRows = true,
  ): void {
    const { intervals, domainStart, domainEnd } = grid;
    this.#module.functions.windows(
      BYTES * at,
      BYTES * stride,
      count,
      domainStart,
      intervals / (domainEnd - domainStart),
      intervals,
      Number(slopes),
      BYTES * rows,
      setsRows ? BYTES * rowLengthOf(grid) : 0,
      BYTES * window,
    );
  }
}

function rowLengthOf({ outputs }: Pick<LayerGrid, 'outputs'>): number {
  return COLUMNS * Math.ceil(outputs / COLUMNS);
}
