import { NestkanError } from '../errors.ts';
import { MAX_WORKGROUPS } from '../kernels/kernel.ts';
import type { DeviceBuffer, Dispatch, KernelTiming } from './backend.ts';

/** Where a buffer lies: `memory` is one object per allocation, shared by all its views. */
export interface MemoryRange {
  readonly memory: object;
  readonly start: number;
  readonly end: number;
}

/** Checks one dispatch against its kernel's descriptor; both backends call it before anything reaches a device. */
export function validateDispatch(dispatch: Dispatch, locate: (buffer: DeviceBuffer) => MemoryRange): void {
  const { kernel, buffers, constants } = dispatch;
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
  for (const name of Object.keys(buffers)) {
    if (!Object.hasOwn(kernel.bindings, name)) throw invalid(kernel.name, `it has no binding called ${name}`);
  }
  checkWorkgroups(dispatch);
  checkAliasing(dispatch, locate);
}

function checkWorkgroups({ kernel, constants }: Dispatch): void {
  const grid = kernel.workgroups(constants);
  if (grid.every((count) => Number.isInteger(count) && count >= 1 && count <= MAX_WORKGROUPS)) return;
  throw new NestkanError('SHAPE_MISMATCH', `${kernel.name}: ${grid.join(' × ')} workgroups`, {
    fix: `Use sizes that need between 1 and ${MAX_WORKGROUPS} workgroups in each direction: a smaller batch or narrower layers.`,
    where: { kernel: kernel.name },
  });
}

/**
 * WebGPU's rules for one dispatch: memory that is written is not also bound for reading, not even another part of it,
 * and ranges that are written do not overlap.
 */
function checkAliasing({ kernel, buffers }: Dispatch, locate: (buffer: DeviceBuffer) => MemoryRange): void {
  const bound = Object.entries(kernel.bindings).map(([name, binding]) => ({
    name,
    writable: !binding.startsWith('read'),
    ...locate(buffers[name]),
  }));
  for (const first of bound.filter(({ writable }) => writable)) {
    for (const second of bound) {
      if (second === first || second.memory !== first.memory) continue;
      if (second.writable && (second.start >= first.end || first.start >= second.end)) continue;
      throw new NestkanError('BUFFER_ALIASED', `${kernel.name}: ${first.name} and ${second.name} share memory`, {
        fix: 'Bind separately allocated buffers, or a kernel that updates one buffer in place.',
        where: { kernel: kernel.name, bindings: [first.name, second.name] },
      });
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

export function checkView(buffer: DeviceBuffer, offset: number, length: number, alignment: number): void {
  const whole = Number.isInteger(offset) && Number.isInteger(length) && offset % alignment === 0;
  if (whole && offset >= 0 && length >= 1 && offset + length <= buffer.length) return;
  throw new NestkanError('INVALID_ARGUMENT', `no view of ${length} at ${offset} in a buffer of ${buffer.length}`, {
    fix: `Use offsets that are multiples of ${alignment}, and at least one element, inside the buffer.`,
  });
}

export function checkTimes(times: number): void {
  if (Number.isInteger(times) && times >= 0) return;
  throw new NestkanError('INVALID_ARGUMENT', `${times} repetitions were asked for`, {
    fix: 'Ask for a whole number of repetitions.',
  });
}

export function mismatch(what: string): NestkanError {
  return new NestkanError('BACKEND_MISMATCH', `this ${what} belongs to another backend`, {
    fix: 'Create model, data and optimizer on one backend.',
  });
}

/** A buffer that is a view, or was released before, cannot be given back. */
export function releaseError(): NestkanError {
  return new NestkanError('INVALID_ARGUMENT', 'this buffer is a view or was released already', {
    fix: 'Release what allocate returned, once.',
  });
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
