import type { DeviceBuffer } from '../backend/backend.ts';
import { NestkanError } from '../errors.ts';

export type Shape = readonly number[];

/** Numbers on a device, row-major. Tensors carry no values of their own: a recorded program fills them. */
export interface Tensor {
  readonly shape: Shape;
  readonly buffer: DeviceBuffer;
}

export function elements(shape: Shape): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

export function shapeMismatch(op: string, expected: string, shapes: readonly Shape[]): NestkanError {
  const given = shapes.map((shape) => `[${shape.join(', ')}]`).join(', ');
  return new NestkanError('SHAPE_MISMATCH', `${op} takes ${expected}, got ${given}`, {
    fix: 'Check the shapes of the tensors given to this operation.',
    where: { op },
  });
}
