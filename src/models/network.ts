import { type Matrix, type NdArray, type Rows, toMatrix, toNdArray } from '../arrays.ts';
import type { Backend, DeviceBuffer } from '../backend/backend.ts';
import { dispatch } from '../backend/dispatch.ts';
import { NestkanError } from '../errors.ts';
import { outsideCount } from '../kernels/monitors.ts';
import type { SplineGrid } from '../splines/grid.ts';
import type { Op } from '../tape/op.ts';
import { splineLayer } from '../tape/ops/spline-layer.ts';
import { Parameters } from '../tape/parameters.ts';
import { Tape } from '../tape/tape.ts';
import type { Tensor } from '../tape/tensor.ts';
import { applyLayer, isGridLayer, type Layer, parameterShapes } from './layer.ts';

/** Rows evaluated per replay; bounds the memory that a prediction over many rows takes. */
const PREDICTION_ROWS = 8192;

export type NetworkKind = 'kan' | 'multichannel-mlp' | 'mlp';

/** A feed-forward stack of layers with its parameters on one backend. Base of Kan, MultichannelMlp and Mlp. */
export abstract class Network {
  abstract readonly kind: NetworkKind;
  readonly backend: Backend;
  readonly layers: readonly Layer[];
  readonly parameters: Parameters;

  /** Trainable numbers beside the layers, for inverse problems: the parameter `scalars`. */
  readonly scalars: number;

  /** What grid layers do, with their grids as options; a MultichannelMlp has another basis. */
  protected readonly gridOp: Op<SplineGrid> = splineLayer;

  /** Parameters start at zero; subclasses initialise them. */
  constructor(backend: Backend, layers: readonly Layer[], scalars = 0) {
    this.backend = backend;
    this.layers = layers;
    this.scalars = scalars;
    this.parameters = new Parameters(backend, parameterShapes(layers, scalars));
  }

  /** Widths from input to output, activations left out. */
  get widths(): number[] {
    const sized = this.layers.filter((layer) => layer.type !== 'activation');
    return [sized[0].inputs, ...sized.map((layer) => layer.outputs)];
  }

  get inputs(): number {
    return this.widths[0];
  }

  get outputs(): number {
    return this.widths[this.widths.length - 1];
  }

  /** Number of trainable numbers. */
  get parameterCount(): number {
    return this.parameters.count;
  }

  /** Intervals of every grid layer, first to last; empty for an MLP. */
  get intervals(): number[] {
    return this.layers.filter(isGridLayer).map((layer) => layer.grid.intervals);
  }

  /** A model of the same architecture and values; independent memory on the same backend. */
  abstract clone(): Promise<Network>;

  /** Records the network on x [batch, inputs]; `observe` sees the input of every layer. */
  apply(tape: Tape, x: Tensor, observe?: (input: Tensor, layer: Layer, index: number) => void): Tensor {
    const { parameters, gridOp } = this;
    return this.layers.reduce((input, layer, index) => {
      observe?.(input, layer, index);
      return applyLayer(tape, input, { layer, index, parameters, gridOp });
    }, x);
  }

  /**
   * Evaluates the network.
   *
   * @param x rows of inputs, [rows, inputs], in the model's own coordinates (the first layer's domain)
   * @returns ndarray [rows, outputs]
   * @throws NestkanError KAN_INPUT_WIDTH, DATA_EMPTY, SHAPE_MISMATCH or NON_FINITE_INPUT
   */
  async predict(x: Rows): Promise<NdArray> {
    return toNdArray(await this.evaluate(toMatrix(x, 'inputs')));
  }

  /** {@link predict} on a matrix. */
  async evaluate(x: Matrix): Promise<Matrix> {
    const { outputs } = this;
    const result = new Float64Array(x.rows * outputs);
    const record = (tape: Tape, input: Tensor) => this.apply(tape, input).buffer;
    await this.#inBatches(x, record, (values, first, count) => {
      result.set(values.subarray(0, count * outputs), first * outputs);
    });
    return { rows: x.rows, columns: outputs, data: result };
  }

  /**
   * Share of the inputs of every grid layer that fall outside its domain, where edges continue linearly; first to last.
   *
   * A large share in a hidden layer means that its splines go unused: choose a wider `hiddenDomain`.
   *
   * @param x rows of inputs, [rows, inputs], in the model's own coordinates
   * @throws NestkanError KAN_INPUT_WIDTH, DATA_EMPTY, SHAPE_MISMATCH or NON_FINITE_INPUT
   */
  async outsideFractions(x: Rows): Promise<number[]> {
    const matrix = toMatrix(x, 'inputs');
    const grids = this.layers.filter(isGridLayer);
    const slots = grids.length;
    if (slots === 0) return [];
    const counts = this.backend.allocate(slots, { type: 'uint', label: 'values outside' });
    const totals = new Float64Array(slots);
    const record = (tape: Tape, input: Tensor) => {
      let slot = 0;
      this.apply(tape, input, ({ buffer }, layer) => {
        if (!isGridLayer(layer)) return;
        const [domainStart, domainEnd] = layer.grid.domain;
        const constants = { count: buffer.length, slot: slot++, slots, domainStart, domainEnd };
        tape.dispatches.push(dispatch(outsideCount, { values: buffer, counts }, constants));
      });
      return counts;
    };
    try {
      await this.#inBatches(matrix, record, (values) => {
        for (let slot = 0; slot < slots; slot++) totals[slot] += values[slot];
      });
    } finally {
      this.backend.release(counts);
    }
    return grids.map((layer, slot) => totals[slot] / (matrix.rows * layer.inputs));
  }

  /**
   * Replays one recording over all rows; the last batch is cut to what is left, by a recording of its own.
   *
   * @param record records what is wanted of a batch and returns the buffer to be read
   */
  async #inBatches(
    { rows, columns, data }: Matrix,
    record: (tape: Tape, input: Tensor) => DeviceBuffer,
    take: (values: Float64Array, first: number, count: number) => void,
  ): Promise<void> {
    const { inputs, backend } = this;
    if (columns !== inputs) {
      throw new NestkanError('KAN_INPUT_WIDTH', `data has ${columns} input columns, the model takes ${inputs}`, {
        fix: `Pass rows of ${inputs} numbers.`,
      });
    }
    const full = rows - (rows % PREDICTION_ROWS);
    for (const [start, end, batch] of [
      [0, full, PREDICTION_ROWS],
      [full, rows, rows - full],
    ]) {
      if (start === end) continue;
      const tape = new Tape(backend);
      try {
        const input = tape.input([batch, inputs]);
        const output = record(tape, input);
        const recording = await tape.record('batch');
        for (let first = start; first < end; first += batch) {
          backend.write(input.buffer, data.subarray(first * inputs, (first + batch) * inputs));
          backend.run(recording);
          const [values] = await backend.read([output]);
          take(values, first, batch);
        }
      } finally {
        tape.dispose();
      }
    }
  }

  /** Returns the parameters' memory to the backend. The model must not be used afterwards. */
  dispose(): void {
    this.parameters.dispose();
  }
}

/** @throws NestkanError INVALID_ARGUMENT unless `widths` are at least two positive whole numbers */
export function checkWidths(widths: readonly number[]): void {
  if (Array.isArray(widths) && widths.length >= 2 && widths.every((width) => Number.isInteger(width) && width >= 1))
    return;
  throw new NestkanError('INVALID_ARGUMENT', `widths are [${widths}], expected at least two positive whole numbers`, {
    fix: 'Give the number of inputs, of each hidden layer and of outputs, for example [2, 5, 1].',
  });
}
