import type { DeviceBuffer, Dispatch, ElementType } from '../backend/backend.ts';
import type { RowConstants } from '../kernels/jacobian-rows.ts';
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
  scratch(length: number, type?: ElementType): DeviceBuffer;
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

/** Where Jacobian rows go (src/kernels/jacobian-rows.ts), and which of their slots. */
export interface RowTarget extends RowConstants {
  readonly values: DeviceBuffer;
  readonly columns: DeviceBuffer;
  /** Number of the chunk. */
  readonly counter: DeviceBuffer;
}

/**
 * How a parameter tensor [inputs, coefficients, outputs] appears in rows: slot (p, ρ, q), ρ < width, stands for the one
 * coefficient k ≡ ρ modulo width of edge (p, q) that a sample touches.
 */
export interface EdgeLayout {
  readonly inputs: number;
  readonly coefficients: number;
  readonly outputs: number;
  readonly width: number;
}

/** Derivatives of every sample's residual by one parameter tensor, inputs · width · outputs slots per row. */
export interface ParameterRows extends EdgeLayout {
  write(target: RowTarget): Dispatch;
}

export interface JacobianContext<Options> extends ForwardContext<Options> {
  /** Gradient of every sample's residual with respect to the output. */
  readonly adjoint: Tensor;
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
  /**
   * For Gauss–Newton methods: rows of the Jacobian with respect to those inputs that may be parameters, one entry per
   * input. Samples must be independent of each other. Ops without parameters need none.
   */
  jacobian?(context: JacobianContext<Options>): readonly (ParameterRows | undefined)[];
}
