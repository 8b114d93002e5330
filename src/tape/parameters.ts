import type { Backend, DeviceBuffer } from '../backend/backend.ts';
import { NestkanError } from '../errors.ts';
import type { Tape } from './tape.ts';
import { elements, type Shape, type Tensor } from './tensor.ts';

/** One named tensor inside a {@link Parameters} vector. */
export interface Parameter extends Tensor {
  readonly name: string;
  readonly gradient: Tensor;
  /** First element in the flat vector. */
  readonly offset: number;
}

/**
 * All trainable numbers of a model as one flat vector, so that an optimizer is a handful of vector kernels.
 *
 * Tensors are views that start at multiples of the backend's alignment; the gaps are zero in values and gradients.
 */
export class Parameters {
  readonly backend: Backend;
  readonly values: DeviceBuffer;
  readonly gradients: DeviceBuffer;
  readonly entries: readonly Parameter[];
  /** Length of the flat vector, gaps included. */
  readonly length: number;
  /** Number of trainable numbers. */
  readonly count: number;

  constructor(backend: Backend, shapes: Readonly<Record<string, Shape>>) {
    this.backend = backend;
    const padded = (length: number) => Math.ceil(length / backend.alignment) * backend.alignment;
    const named = Object.entries(shapes);
    this.count = named.reduce((sum, [, shape]) => sum + elements(shape), 0);
    this.length = named.reduce((sum, [, shape]) => sum + padded(elements(shape)), 0);
    this.values = backend.allocate(this.length, { label: 'parameters' });
    this.gradients = backend.allocate(this.length, { label: 'gradients' });
    let offset = 0;
    this.entries = named.map(([name, shape]) => {
      const length = elements(shape);
      const entry: Parameter = {
        name,
        shape,
        offset,
        buffer: this.values.view(offset, length),
        gradient: { shape, buffer: this.gradients.view(offset, length) },
      };
      offset += padded(length);
      return entry;
    });
  }

  get(name: string): Parameter {
    const entry = this.entries.find((candidate) => candidate.name === name);
    if (entry !== undefined) return entry;
    throw new NestkanError('INVALID_ARGUMENT', `there is no parameter ${name}`, {
      fix: `Use one of: ${this.entries.map((candidate) => candidate.name).join(', ')}.`,
    });
  }

  /** Asks `tape` for the gradients of all parameters, into {@link gradients}. */
  watch(tape: Tape): void {
    for (const entry of this.entries) tape.watch(entry, entry.gradient);
  }

  /** The tensors' values by name, as float64 host arrays. */
  async read(): Promise<Record<string, Float64Array>> {
    const arrays = await this.backend.read(this.entries.map((entry) => entry.buffer));
    return Object.fromEntries(this.entries.map((entry, index) => [entry.name, arrays[index]]));
  }

  /** Overwrites tensors by name. Throws SHAPE_MISMATCH and NON_FINITE_INPUT before anything is written. */
  write(values: Readonly<Record<string, ArrayLike<number>>>): void {
    for (const [name, data] of Object.entries(values)) {
      const { shape } = this.get(name);
      if (data.length !== elements(shape)) {
        throw new NestkanError(
          'SHAPE_MISMATCH',
          `parameter ${name} has shape [${shape.join(', ')}], got ${data.length} numbers`,
          {
            fix: `Give ${elements(shape)} numbers.`,
          },
        );
      }
      for (let index = 0; index < data.length; index++) {
        if (Number.isFinite(data[index])) continue;
        throw new NestkanError('NON_FINITE_INPUT', `parameter ${name} would become ${data[index]} at ${index}`, {
          fix: 'Give finite numbers.',
        });
      }
    }
    for (const [name, data] of Object.entries(values)) this.backend.write(this.get(name).buffer, data);
  }

  dispose(): void {
    this.backend.release(this.values);
    this.backend.release(this.gradients);
  }
}
