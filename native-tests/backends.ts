import { expect } from 'chai';
import type { Backend } from '../src/backend/backend.ts';
import { CpuBackend } from '../src/backend/cpu/cpu-backend.ts';
import { WebGpuBackend } from '../src/backend/webgpu/webgpu-backend.ts';
import { NestkanError } from '../src/errors.ts';
import { openBackend } from '../src/node.ts';

/** A fresh backend, destroyed after the test. */
export type Open = () => Promise<Backend>;

let owner: Promise<WebGpuBackend> | undefined;
const alive = new Set<GPUBuffer>();

/** The device that all tests of this process share. Without an adapter this rejects: tests fail, they never skip. */
export async function sharedDevice(): Promise<GPUDevice> {
  owner ??= openOwner();
  return (await owner).device;
}

/** A device of the test's own, to be broken at will. */
export async function ownDevice(): Promise<WebGpuBackend> {
  return (await openBackend({ device: 'webgpu' })) as Backend as WebGpuBackend;
}

/**
 * Declares the same tests for both backends. After each test the device must have nothing to complain about, and
 * destroying the backend must have freed every buffer.
 */
export function forEachBackend(title: string, body: (open: Open) => void): void {
  const openers: Record<string, Open> = {
    cpu: async () => new CpuBackend(),
    webgpu: async () => new WebGpuBackend(await sharedDevice()),
  };
  for (const [name, create] of Object.entries(openers)) {
    describe(`${title} (${name})`, () => {
      let opened: Backend[] = [];
      body(async () => {
        const backend = await create();
        opened.push(backend);
        return backend;
      });
      afterEach(async () => {
        const finished = opened;
        opened = [];
        try {
          for (const backend of finished) await finishUnlessDestroyed(backend);
        } finally {
          for (const backend of finished) backend.destroy();
        }
        expect(alive.size, 'device buffers that destroy() left behind').to.equal(0);
      });
    });
  }
}

/** The NestkanError that `action` throws or rejects with. */
export async function errorOf(action: () => unknown): Promise<NestkanError> {
  try {
    await action();
  } catch (error) {
    if (error instanceof NestkanError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

async function openOwner(): Promise<WebGpuBackend> {
  const backend = await ownDevice();
  console.log(`    WebGPU tests run on: ${backend.adapter}`);
  trackBuffers(backend.device);
  return backend;
}

function trackBuffers(device: GPUDevice): void {
  const createBuffer = device.createBuffer.bind(device);
  device.createBuffer = (descriptor) => {
    const buffer = createBuffer(descriptor);
    alive.add(buffer);
    const destroy = buffer.destroy.bind(buffer);
    buffer.destroy = () => {
      alive.delete(buffer);
      return destroy();
    };
    return buffer;
  };
}

async function finishUnlessDestroyed(backend: Backend): Promise<void> {
  try {
    await backend.finish();
  } catch (error) {
    if (!(error instanceof NestkanError) || error.code !== 'BACKEND_DESTROYED') throw error;
  }
}

after(async () => {
  if (owner) (await owner).destroy();
});
