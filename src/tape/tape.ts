import type { Backend, DeviceBuffer, Dispatch, ElementType, Recording } from '../backend/backend.ts';
import { NestkanError } from '../errors.ts';
import { accumulate, fill } from '../kernels/vectors.ts';
import type { EdgeLayout, Op, ParameterRows, Recorder, RowTarget } from './op.ts';
import { elements, type Shape, type Tensor } from './tensor.ts';

interface Node {
  readonly op: Op<unknown>;
  readonly inputs: readonly Tensor[];
  readonly output: Tensor;
  readonly options: unknown;
}

/** One reverse sweep: what it appends to, the gradients it fills, and the tensors whose gradients are wanted. */
interface Sweep {
  readonly recorder: Recorder;
  readonly gradients: Map<DeviceBuffer, Tensor>;
  readonly needed: ReadonlySet<DeviceBuffer>;
  readonly filled: Set<DeviceBuffer>;
}

/** A parameter, and its place in the flat vector of all. */
export interface PlacedTensor extends Tensor {
  readonly offset: number;
}

/** Where a parameter tensor begins: in rows, and in the flat vector. */
export interface PlacedEdges extends EdgeLayout {
  readonly slot: number;
  readonly column: number;
}

/** The Jacobian of an output, sample by sample, with respect to parameters. */
export interface Jacobian {
  /** Fills the adjoints that {@link rows} reads. */
  readonly sweep: readonly Dispatch[];
  /** Entries per row. */
  readonly slots: number;
  readonly edges: readonly PlacedEdges[];
  /** Dispatches that write the rows of a chunk of samples, from slot 0 on; columns are places in the flat vector. */
  rows(target: Omit<RowTarget, 'slot' | 'column'>): Dispatch[];
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
    this.#recorder = this.#recorderInto(this.dispatches);
  }

  /** A tensor of the tape's own, with the given values or for data that is written from outside, zero until then. */
  input(shape: Shape, data?: ArrayLike<number>): Tensor {
    const buffer = this.#allocate(elements(shape));
    if (data) this.backend.write(buffer, data);
    return { shape, buffer };
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
    const sweep: Sweep = {
      recorder: this.#recorder,
      gradients: this.#gradients,
      needed: this.#dependents(this.#gradients.keys()),
      filled: new Set([loss.buffer]),
    };
    const seed = this.#gradientOf(loss, sweep);
    this.#recorder.run(fill, { target: seed.buffer }, { count: 1, value: 1 });
    for (const node of this.#reversed(sweep)) this.#reverse(node, sweep);
    for (const [buffer, gradient] of this.#gradients) {
      if (sweep.filled.has(buffer)) continue;
      this.#recorder.run(fill, { target: gradient.buffer }, { count: elements(gradient.shape), value: 0 });
    }
  }

  /**
   * Records a reverse sweep of its own, apart from {@link dispatches}, that differentiates Σ seed · output sample by
   * sample: `seed`, of the shape of `output`, is to pick one number of every sample.
   *
   * @throws NestkanError OPTIMIZER_UNSUITABLE where an op has parameters but no Jacobian rows
   */
  jacobian(output: Tensor, seed: Tensor, parameters: readonly PlacedTensor[]): Jacobian {
    const dispatches: Dispatch[] = [];
    const columns = new Map(parameters.map(({ buffer, offset }) => [buffer, offset]));
    const needed = this.#dependents(columns.keys());
    for (const buffer of columns.keys()) needed.delete(buffer);
    const sweep: Sweep = {
      recorder: this.#recorderInto(dispatches),
      gradients: new Map([[output.buffer, seed]]),
      needed,
      filled: new Set([output.buffer]),
    };
    const found: (PlacedEdges & Pick<ParameterRows, 'write'>)[] = [];
    let slots = 0;
    for (const node of this.#reversed(sweep)) {
      this.#reverse(node, sweep);
      const places = node.inputs.map(({ buffer }) => columns.get(buffer));
      if (places.every((place) => place === undefined)) continue;
      const adjoint = this.#gradientOf(node.output, sweep);
      const rows = node.op.jacobian?.({ ...sweep.recorder, ...node, adjoint });
      places.forEach((column, index) => {
        if (column === undefined) return;
        const own = rows?.[index];
        if (own === undefined || found.some((other) => other.column === column)) {
          throw new NestkanError('OPTIMIZER_UNSUITABLE', `there are no Jacobian rows for ${node.op.name}`, {
            fix: 'Use an optimizer that needs gradients only, such as adamThenLbfgs.',
            where: { op: node.op.name },
          });
        }
        found.push({ ...own, slot: slots, column });
        slots += own.inputs * own.width * own.outputs;
      });
    }
    return {
      sweep: dispatches,
      slots,
      edges: found,
      rows: (target) => found.map(({ write, slot, column }) => write({ ...target, slot, column })),
    };
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

  #recorderInto(dispatches: Dispatch[]): Recorder {
    return {
      run: (kernel, buffers, constants) => dispatches.push({ kernel, buffers, constants }),
      scratch: (length, type) => this.#allocate(length, type),
    };
  }

  /** Buffers through which one of `sources` influences something, and these themselves. */
  #dependents(sources: Iterable<DeviceBuffer>): Set<DeviceBuffer> {
    const needed = new Set(sources);
    for (const { inputs, output } of this.#nodes) {
      if (inputs.some((input) => needed.has(input.buffer))) needed.add(output.buffer);
    }
    return needed;
  }

  /** Nodes that a sweep has to reverse, last first; whether it reaches one is known only when its turn comes. */
  *#reversed({ needed, filled }: Sweep): Generator<Node> {
    for (const node of [...this.#nodes].reverse()) {
      if (needed.has(node.output.buffer) && filled.has(node.output.buffer)) yield node;
    }
  }

  #reverse(node: Node, sweep: Sweep): void {
    const { recorder, needed, filled } = sweep;
    const repeated: [Tensor, Tensor][] = [];
    const inputGradients = node.inputs.map((input) => {
      if (!needed.has(input.buffer)) return undefined;
      const gradient = this.#gradientOf(input, sweep);
      if (!filled.has(input.buffer)) {
        filled.add(input.buffer);
        return gradient;
      }
      const addend = this.input(input.shape);
      repeated.push([addend, gradient]);
      return addend;
    });
    if (inputGradients.every((gradient) => gradient === undefined)) return;
    node.op.backward({
      ...recorder,
      ...node,
      outputGradient: this.#gradientOf(node.output, sweep),
      inputGradients,
    });
    for (const [addend, total] of repeated) {
      recorder.run(accumulate, { addend: addend.buffer, total: total.buffer }, { count: elements(total.shape) });
    }
  }

  #gradientOf(tensor: Tensor, { gradients }: Sweep): Tensor {
    let gradient = gradients.get(tensor.buffer);
    if (gradient === undefined) {
      gradient = this.input(tensor.shape);
      gradients.set(tensor.buffer, gradient);
    }
    return gradient;
  }

  #allocate(length: number, type?: ElementType): DeviceBuffer {
    const buffer = this.backend.allocate(length, { type });
    this.#buffers.push(buffer);
    return buffer;
  }
}
