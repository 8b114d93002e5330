import { NestkanError } from '../../errors.ts';
import type { ElementType } from '../backend.ts';

/**
 * Host numbers in the device's 32-bit types. NaN and infinities pass; a finite number that is none in float32 does not.
 */
export function toDevice(
  data: ArrayLike<number>,
  type: ElementType,
): Uint32Array<ArrayBuffer> | Float32Array<ArrayBuffer> {
  if (type === 'uint') return new Uint32Array(data);
  const converted = new Float32Array(data);
  for (let index = 0; index < converted.length; index++) {
    if (Math.abs(converted[index]) === Infinity && Number.isFinite(data[index])) throw overflow(data[index], index);
  }
  return converted;
}

function overflow(value: number, index: number): NestkanError {
  return new NestkanError('NON_FINITE_INPUT', `${value} at position ${index} is too large for float32`, {
    fix: 'Scale the data, or use device "cpu", which computes in float64.',
    where: { index, value },
  });
}
