/** Opens the device a command computes on, says which and why, and closes it whatever happens. */
import { fastestBackend, type OpenedBackend, openBackend, type Workload } from '../node.ts';
import type { CommonOptions } from './shell.ts';
import type { Terminal } from './terminal.ts';

/** The chosen device as `--json` names it in every command. */
export interface DeviceDocument {
  backend: 'cpu' | 'webgpu';
  adapter: string;
  precision: 'float64' | 'float32';
}

export function describeDevice({ name, adapter, precision }: OpenedBackend): DeviceDocument {
  return { backend: name, adapter, precision };
}

/** `cpu (float64): JavaScript, float64` */
export function deviceInWords({ backend, adapter, precision }: DeviceDocument): string {
  return `${backend} (${precision}): ${adapter}`;
}

/** @param workload what will be trained, on the faster device if `device` is auto; without one a rule decides */
export async function withBackend<T>(
  { device, threads }: Pick<CommonOptions, 'device' | 'threads'>,
  { say }: Terminal,
  work: (backend: OpenedBackend) => Promise<T>,
  workload?: Workload,
): Promise<T> {
  const open = (name: CommonOptions['device']) => openBackend({ device: name, threads });
  const backend = device === 'auto' && workload ? await fastestBackend(workload, open) : await open(device);
  try {
    say(`device    ${deviceInWords(describeDevice(backend))}\n          ${backend.choice.reason}`);
    return await work(backend);
  } finally {
    backend.destroy();
  }
}
