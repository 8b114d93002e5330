import type { Kernel } from '../kernels/kernel.ts';
import type { DeviceBuffer, Dispatch } from './backend.ts';

/** A {@link Dispatch} whose buffer and constant names are checked against the kernel at compile time. */
export function dispatch<B extends string, C extends string>(
  kernel: Kernel<B, C>,
  buffers: Readonly<Record<NoInfer<B>, DeviceBuffer>>,
  constants: Readonly<Record<NoInfer<C>, number>>,
): Dispatch {
  return { kernel, buffers, constants };
}
