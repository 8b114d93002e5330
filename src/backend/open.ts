import { NestkanError } from '../errors.ts';
import type { Backend } from './backend.ts';
import { CpuBackend } from './cpu/cpu-backend.ts';
import { adapterName, isSoftware, requestDevice } from './webgpu/device.ts';
import { WebGpuBackend } from './webgpu/webgpu-backend.ts';

export interface OpenOptions {
  /**
   * `auto` (default): a hardware adapter if there is one, else the CPU. `webgpu`: any adapter, software ones included.
   * `cpu`: float64. A `GPUDevice` of your own is used and never destroyed.
   */
  device?: 'auto' | 'webgpu' | 'cpu' | GPUDevice;
  /** Where to look for adapters; default `navigator.gpu`. */
  gpu?: GPU;
}

/** Why a backend was chosen, and what would bring a better one. */
export interface Choice {
  readonly reason: string;
  readonly fix?: string;
  /** Whether a software adapter was passed over. */
  readonly software?: boolean;
}

export type OpenedBackend = Backend & { readonly choice: Choice };

/**
 * Opens the device that everything else runs on.
 *
 * Throws WEBGPU_UNAVAILABLE if `webgpu` was asked for and there is no adapter, INVALID_ARGUMENT for an unknown device.
 * ```ts
 * const backend = await openBackend({ device: 'auto' });
 * console.log(backend.adapter, backend.precision, backend.choice.reason);
 * backend.destroy();
 * ```
 */
export function openBackend(options: OpenOptions = {}): Promise<OpenedBackend> {
  return openWith(options, async () => options.gpu ?? navigatorGpu());
}

/** {@link openBackend} with another way to find WebGPU, which throws WEBGPU_UNAVAILABLE if there is none, and other CPUs. */
export async function openWith(
  { device = 'auto' }: OpenOptions,
  findGpu: () => Promise<GPU>,
  openCpu = () => new CpuBackend(),
): Promise<OpenedBackend> {
  if (typeof device === 'object' && device !== null && 'queue' in device) {
    return chosen(new WebGpuBackend(device), { reason: "the caller's device" });
  }
  if (device === 'cpu') return chosen(openCpu(), { reason: 'asked for' });
  if (device !== 'auto' && device !== 'webgpu') {
    throw new NestkanError('INVALID_ARGUMENT', `unknown device ${JSON.stringify(device)}`, {
      fix: 'Use "auto", "webgpu", "cpu" or a GPUDevice.',
    });
  }
  try {
    return await openAdapter(await findGpu(), device);
  } catch (error) {
    if (device === 'webgpu' || !(error instanceof NestkanError)) throw error;
    const { message: reason, fix, where } = error;
    return chosen(openCpu(), { reason, fix, ...where });
  }
}

async function openAdapter(gpu: GPU, device: 'auto' | 'webgpu'): Promise<OpenedBackend> {
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (!adapter) {
    throw unavailable('WebGPU finds no adapter', 'Install a GPU driver: Vulkan on Linux (lavapipe needs no GPU).');
  }
  const software = isSoftware(adapter);
  if (software && device === 'auto') {
    throw unavailable(
      `the only adapter is a software one (${adapterName(adapter.info)})`,
      'Pass device "webgpu" to use it all the same, or install the driver of your GPU.',
      { where: { software } },
    );
  }
  const opened = await requestDevice(adapter).catch((cause: Error) => {
    throw unavailable(`the adapter gives no device: ${cause.message}`, 'Update the GPU driver.', { cause });
  });
  const reason = software ? 'asked for; a software adapter' : 'a hardware adapter';
  return chosen(new WebGpuBackend(opened, { ownsDevice: true, gpu }), { reason });
}

function navigatorGpu(): GPU {
  const gpu = typeof navigator === 'undefined' ? undefined : navigator.gpu;
  if (gpu) return gpu;
  throw unavailable(
    'there is no WebGPU here',
    'Use a browser with WebGPU and a secure page (https or localhost); in Node import "nestkan/node".',
  );
}

function chosen(backend: Backend, choice: Choice): OpenedBackend {
  return Object.assign(backend, { choice });
}

export function unavailable(
  message: string,
  fix: string,
  more?: { readonly cause?: unknown; readonly where?: { software: boolean } },
): NestkanError {
  return new NestkanError('WEBGPU_UNAVAILABLE', message, { fix, ...more });
}
