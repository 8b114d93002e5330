import { type Matrix, type NdArray, type Rows, toMatrix, toNdArray } from '../arrays.ts';
import type { Backend } from '../backend/backend.ts';
import { NestkanError } from '../errors.ts';
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

  /** Parameters start at zero; subclasses initialise them. */
  constructor(backend: Backend, layers: readonly Layer[]) {
    this.backend = backend;
    this.layers = layers;
    this.parameters = new Parameters(backend, parameterShapes(layers));
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
    return this.layers.reduce((input, layer, index) => {
      observe?.(input, layer, index);
      return applyLayer(tape, layer, index, this.parameters, input);
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
  async evaluate({ rows, columns, data }: Matrix): Promise<Matrix> {
    const { inputs, outputs, backend } = this;
    if (columns !== inputs) {
      throw new NestkanError('KAN_INPUT_WIDTH', `data has ${columns} input columns, the model takes ${inputs}`, {
        fix: `Pass rows of ${inputs} numbers.`,
      });
    }
    const batch = Math.min(rows, PREDICTION_ROWS);
    const tape = new Tape(backend);
    try {
      const input = tape.input([batch, inputs]);
      const output = this.apply(tape, input);
      const recording = await tape.record('predict');
      const result = new Float64Array(rows * outputs);
      for (let first = 0; first < rows; first += batch) {
        const count = Math.min(batch, rows - first);
        backend.write(input.buffer, data.subarray(first * inputs, (first + count) * inputs));
        backend.run(recording);
        const [values] = await backend.read([output.buffer]);
        result.set(values.subarray(0, count * outputs), first * outputs);
      }
      return { rows, columns: outputs, data: result };
    } finally {
      tape.dispose();
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
