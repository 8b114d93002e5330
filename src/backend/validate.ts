import { NestkanError } from '../errors.ts';
import type { DeviceBuffer, Dispatch, KernelTiming } from './backend.ts';

/** Checks one dispatch against its kernel's descriptor; both backends call it before anything reaches a device. */
export function validateDispatch({ kernel, buffers, constants }: Dispatch): void {
  for (const name of kernel.constants) {
    if (!Number.isFinite(constants[name])) {
      throw invalid(kernel.name, `constant ${name} is ${constants[name]}, expected a finite number`);
    }
  }
  const lengths = kernel.lengths(constants);
  for (const [name, binding] of Object.entries(kernel.bindings)) {
    const buffer = buffers[name];
    if (buffer === undefined) throw invalid(kernel.name, `no buffer is bound to ${name}`);
    const type = binding.endsWith(':uint') ? 'uint' : 'float';
    if (buffer.type !== type) throw invalid(kernel.name, `${name} is a ${buffer.type} buffer, expected ${type}`);
    if (buffer.length < lengths[name]) {
      throw invalid(kernel.name, `${name} has ${buffer.length} elements, expected at least ${lengths[name]}`);
    }
  }
}

function invalid(kernel: string, problem: string): NestkanError {
  return new NestkanError('SHAPE_MISMATCH', `${kernel}: ${problem}`, {
    fix: 'Check the shapes of the tensors given to this operation.',
    where: { kernel },
  });
}

export function checkLength(length: number): void {
  if (!Number.isInteger(length) || length < 1) {
    throw new NestkanError('INVALID_ARGUMENT', `a buffer of ${length} elements was asked for`, {
      fix: 'Ask for a positive whole number of elements.',
    });
  }
}

export function checkWrite(buffer: DeviceBuffer, data: ArrayLike<number>): void {
  if (data.length > buffer.length) {
    throw new NestkanError('SHAPE_MISMATCH', `${data.length} numbers do not fit a buffer of ${buffer.length}`, {
      fix: 'Write at most as many numbers as the buffer has elements.',
    });
  }
}

/** Timing record of one dispatch; bytes from the bindings, flops from the kernel. */
export function kernelTiming(dispatch: Dispatch, seconds: readonly number[]): KernelTiming {
  const { kernel, constants } = dispatch;
  const lengths = kernel.lengths(constants);
  let elements = 0;
  for (const [name, binding] of Object.entries(kernel.bindings)) {
    elements += lengths[name] * (binding.startsWith('update') ? 2 : 1);
  }
  return { kernel: kernel.name, constants, seconds, bytes: 4 * elements, flops: kernel.flops(constants) };
}
