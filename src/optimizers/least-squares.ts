import type { DeviceBuffer } from '../backend/backend.ts';
import { denseRows } from '../tape/ops/parameter-rows.ts';
import type { Jacobian, Tape } from '../tape/tape.ts';
import { elements, type Shape, type Tensor } from '../tape/tensor.ts';
import type { ResidualBlock } from './objective.ts';

/** A tensor of the tape's own with given values. */
export function constantTensor(tape: Tape, shape: Shape, value: (index: number) => number): Tensor {
  return tape.input(
    shape,
    Float64Array.from({ length: elements(shape) }, (_, index) => value(index)),
  );
}

/** A Jacobian together with its residuals: that of sample s is residual[offset + s · pointStride]. */
export function residualBlock(
  jacobian: Jacobian,
  {
    samples,
    traces,
    weights,
    factor,
    residual,
    offset,
    pointStride,
  }: Pick<ResidualBlock, 'samples' | 'traces' | 'weights' | 'factor'> & {
    readonly residual: DeviceBuffer;
    readonly offset: number;
    readonly pointStride: number;
  },
): ResidualBlock {
  const own = denseRows(residual, { count: 1, offset, pointStride, entryStride: 1, sourceTraces: 1 });
  const slots = jacobian.slots + 1;
  return {
    samples,
    traces,
    weights,
    factor,
    slots,
    edges: jacobian.edges,
    sweep: jacobian.sweep,
    rows({ residualColumn, ...buffers }) {
      const target = { ...buffers, samples, traces, slots };
      return [...jacobian.rows(target), own.write({ ...target, slot: jacobian.slots, column: residualColumn })];
    },
  };
}
