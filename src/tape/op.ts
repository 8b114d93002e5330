import type { DeviceBuffer } from '../backend/backend.ts';
import type { Kernel } from '../kernels/kernel.ts';
import type { Shape, Tensor } from './tensor.ts';

/** What an op may do while it is being recorded: append kernel calls, and ask for working memory. */
export interface Recorder {
  run<B extends string, C extends string>(
    kernel: Kernel<B, C>,
    buffers: Readonly<Record<NoInfer<B>, DeviceBuffer>>,
    constants: Readonly<Record<NoInfer<C>, number>>,
  ): void;
  /** Working memory that lives as long as the tape; its contents between kernel calls are the op's own business. */
  scratch(length: number): DeviceBuffer;
}

export interface ForwardContext<Options> extends Recorder {
  readonly inputs: readonly Tensor[];
  readonly output: Tensor;
  readonly options: Options;
}

export interface BackwardContext<Options> extends ForwardContext<Options> {
  readonly outputGradient: Tensor;
  /** One per input; undefined where nothing depends on that input's gradient. Must be overwritten, never added to. */
  readonly inputGradients: readonly (Tensor | undefined)[];
}

/**
 * A differentiable operation: kernels for its value and for its vector–Jacobian products, side by side in one file.
 *
 * Users register their own op by writing such an object (docs/extending.md) and passing it to `tape.apply`.
 */
export interface Op<Options = void> {
  readonly name: string;
  /** Shape of the output. Throws SHAPE_MISMATCH where the inputs do not fit. */
  shape(inputs: readonly Shape[], options: Options): Shape;
  forward(context: ForwardContext<Options>): void;
  backward(context: BackwardContext<Options>): void;
}
