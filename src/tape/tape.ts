import type { Backend, DeviceBuffer, Dispatch, Recording } from '../backend/backend.ts';
import { NestkanError } from '../errors.ts';
import { accumulate, fill } from '../kernels/vectors.ts';
import type { Op, Recorder } from './op.ts';
import { elements, type Shape, type Tensor } from './tensor.ts';

interface Node {
  readonly op: Op<unknown>;
  readonly inputs: readonly Tensor[];
  readonly output: Tensor;
  readonly options: unknown;
}

/**
 * Records a computation as a list of kernel dispatches, forward and backward; nothing is computed while recording.
 *
 * Apply ops to tensors, call {@link backward} once on a scalar, take {@link dispatches} (or {@link record}), and
 * replay as often as needed. The tape owns every buffer it makes; {@link dispose} returns them to the backend's pool.
 */
export class Tape {
  readonly backend: Backend;
  readonly dispatches: Dispatch[] = [];
  readonly #nodes: Node[] = [];
  readonly #buffers: DeviceBuffer[] = [];
  readonly #gradients = new Map<DeviceBuffer, Tensor>();
  readonly #recorder: Recorder;

  constructor(backend: Backend) {
    this.backend = backend;
    this.#recorder = {
      run: (kernel, buffers, constants) => this.dispatches.push({ kernel, buffers, constants }),
      scratch: (length) => this.#allocate(length),
    };
  }

  /** A zero-filled tensor of the tape's own, for data that is written from outside. */
  input(shape: Shape): Tensor {
    return { shape, buffer: this.#allocate(elements(shape)) };
  }

  /** Asks for the gradient with respect to `tensor`, into `gradient`, which {@link backward} overwrites. */
  watch(tensor: Tensor, gradient: Tensor): void {
    this.#gradients.set(tensor.buffer, gradient);
  }

  /** Records `op` on `inputs` and returns its output. Throws what the op's `shape` throws. */
  apply<Options>(op: Op<Options>, inputs: readonly Tensor[], options: Options): Tensor {
    const shape = op.shape(
      inputs.map((input) => input.shape),
      options,
    );
    const output = this.input(shape);
    op.forward({ ...this.#recorder, inputs, output, options });
    this.#nodes.push({ op: op as Op<unknown>, inputs, output, options });
    return output;
  }

  /**
   * Appends the reverse sweep for the scalar `loss`: afterwards every watched tensor's gradient is filled by a replay.
   * Watched tensors that `loss` does not depend on get a zero gradient.
   */
  backward(loss: Tensor): void {
    if (elements(loss.shape) !== 1) {
      throw new NestkanError('SHAPE_MISMATCH', `a loss is one number, this one has shape [${loss.shape.join(', ')}]`, {
        fix: 'Reduce the loss to a scalar, for example with meanSquaredError.',
      });
    }
    const needed = this.#dependents();
    const filled = new Set<DeviceBuffer>();
    const seed = this.#gradientOf(loss);
    this.#recorder.run(fill, { target: seed.buffer }, { count: 1, value: 1 });
    filled.add(loss.buffer);
    for (const node of [...this.#nodes].reverse()) {
      if (needed.has(node.output.buffer) && filled.has(node.output.buffer)) this.#reverse(node, needed, filled);
    }
    for (const [buffer, gradient] of this.#gradients) {
      if (filled.has(buffer)) continue;
      this.#recorder.run(fill, { target: gradient.buffer }, { count: elements(gradient.shape), value: 0 });
    }
  }

  /** Compiles what was recorded so far. */
  record(label?: string): Promise<Recording> {
    return this.backend.record(this.dispatches, label);
  }

  dispose(): void {
    for (const buffer of this.#buffers) this.backend.release(buffer);
    this.#buffers.length = 0;
    this.dispatches.length = 0;
    this.#nodes.length = 0;
    this.#gradients.clear();
  }

  /** Buffers through which a watched tensor influences something. */
  #dependents(): Set<DeviceBuffer> {
    const needed = new Set(this.#gradients.keys());
    for (const { inputs, output } of this.#nodes) {
      if (inputs.some((input) => needed.has(input.buffer))) needed.add(output.buffer);
    }
    return needed;
  }

  #reverse(node: Node, needed: ReadonlySet<DeviceBuffer>, filled: Set<DeviceBuffer>): void {
    const repeated: [Tensor, Tensor][] = [];
    const inputGradients = node.inputs.map((input) => {
      if (!needed.has(input.buffer)) return undefined;
      const gradient = this.#gradientOf(input);
      if (!filled.has(input.buffer)) {
        filled.add(input.buffer);
        return gradient;
      }
      const addend = this.input(input.shape);
      repeated.push([addend, gradient]);
      return addend;
    });
    node.op.backward({
      ...this.#recorder,
      ...node,
      outputGradient: this.#gradientOf(node.output),
      inputGradients,
    });
    for (const [addend, total] of repeated) {
      this.#recorder.run(accumulate, { addend: addend.buffer, total: total.buffer }, { count: elements(total.shape) });
    }
  }

  #gradientOf(tensor: Tensor): Tensor {
    let gradient = this.#gradients.get(tensor.buffer);
    if (gradient === undefined) {
      gradient = this.input(tensor.shape);
      this.#gradients.set(tensor.buffer, gradient);
    }
    return gradient;
  }

  #allocate(length: number): DeviceBuffer {
    const buffer = this.backend.allocate(length);
    this.#buffers.push(buffer);
    return buffer;
  }
}
