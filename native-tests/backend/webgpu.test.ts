import { expect } from 'chai';
import type { Backend } from '../../src/backend/backend.ts';
import { WebGpuBackend } from '../../src/backend/webgpu/webgpu-backend.ts';
import { errorOf, ownDevice, sharedDevice } from '../backends.ts';
import { addOne, broken, wrongAccess } from './test-kernels.ts';

async function recordAddOne(backend: Backend, kernel: typeof addOne = addOne, count = 4) {
  const buffers = { x: backend.allocate(count), y: backend.allocate(count) };
  return { buffers, recording: await backend.record([{ kernel, buffers, constants: { count } }]) };
}

describe('WebGPU backend', () => {
  let backend: WebGpuBackend;
  beforeEach(async () => {
    backend = new WebGpuBackend(await sharedDevice());
  });
  afterEach(async () => {
    await backend.finish();
    backend.destroy();
  });

  it('says what is wrong with a shader, and where', async () => {
    const error = await errorOf(() => recordAddOne(backend, broken));
    expect(error.code).to.equal('SHADER_INVALID');
    expect(error.message).to.match(/^kernel broken: 5:10 .*\n +fn main\( \{ let misspelled/);
    expect(error.where).to.deep.equal({ kernel: 'broken' });
  });

  it('refuses a shader that declares other access than its descriptor', async () => {
    const error = await errorOf(() => recordAddOne(backend, wrongAccess));
    expect(error.code).to.equal('SHADER_INVALID');
    expect(error.message).to.match(/^kernel wrong-access: /);
  });

  it('refuses a kernel with more buffers than the device allows', async () => {
    const count = backend.device.limits.maxStorageBuffersPerShaderStage + 1;
    const names = Array.from({ length: count }, (_, index) => `b${index}`);
    const from = <T>(value: () => T) => Object.fromEntries(names.map((name) => [name, value()]));
    const kernel = { ...addOne, bindings: from(() => 'read' as const), lengths: () => from(() => 1) };
    const buffers = from(() => backend.allocate(1));
    const error = await errorOf(() => backend.record([{ kernel, buffers, constants: { count: 1 } }]));
    expect(error.code).to.equal('SHADER_INVALID');
    expect(error.message).to.include(`${count} buffers`);
  });

  it('compiles a kernel once per set of constants', async () => {
    await recordAddOne(backend);
    await recordAddOne(backend);
    expect(backend.counters.pipelines).to.equal(1);
    await recordAddOne(backend, addOne, 5);
    expect(backend.counters.pipelines).to.equal(2);
  });

  it('refuses a buffer that is too large before the device does', async () => {
    const { maxBufferSize, maxStorageBufferBindingSize } = backend.device.limits;
    const error = await errorOf(() => backend.allocate(Math.floor(maxBufferSize / 4) + 1, { label: 'weights' }));
    expect(error.code).to.equal('BUFFER_TOO_LARGE');
    expect(error.message).to.match(/^weights takes \d+\.\d MiB, this device allows \d+\.\d MiB$/);
    // A buffer that exists but cannot be bound whole; the device allocates it lazily.
    if (maxBufferSize <= maxStorageBufferBindingSize) return;
    const x = backend.allocate(Math.floor(maxStorageBufferBindingSize / 4) + 1);
    const y = backend.allocate(1);
    const binding = await errorOf(() =>
      backend.record([{ kernel: addOne, buffers: { x, y }, constants: { count: 1 } }]),
    );
    expect(binding.code).to.equal('BUFFER_TOO_LARGE');
    expect(binding.message).to.match(/^x of add-one takes/);
  });

  it('refuses numbers that float32 cannot hold', async () => {
    const error = await errorOf(() => backend.write(backend.allocate(3), [1, -1e39, 2]));
    expect(error.code).to.equal('NON_FINITE_INPUT');
    expect(error.where).to.deep.equal({ index: 1, value: -1e39 });
  });

  it('refuses a buffer that was released', async () => {
    const buffer = backend.allocate(3);
    backend.release(buffer);
    expect((await errorOf(() => backend.write(buffer, [1]))).code).to.equal('INVALID_ARGUMENT');
    expect((await errorOf(() => backend.read([buffer]))).code).to.equal('INVALID_ARGUMENT');
  });

  it('submits many short replays at once', async () => {
    const { recording } = await recordAddOne(backend);
    const { submits } = backend.counters;
    backend.run(recording, 1000);
    expect(backend.counters.submits - submits).to.equal(2);
  });

  it('answers a read that destroy() overtakes', async () => {
    const other = new WebGpuBackend(backend.device);
    const reading = errorOf(() => other.read([other.allocate(4)]));
    other.destroy();
    expect((await reading).code).to.equal('BACKEND_DESTROYED');
  });
});

describe('WebGPU backend without timestamps', () => {
  it('profiles by the host clock', async () => {
    const owner = await ownDevice();
    const device = await withoutTimestamps(owner);
    const backend = new WebGpuBackend(device);
    try {
      const { recording } = await recordAddOne(backend);
      const [{ seconds }] = await backend.profile(recording, 3);
      expect(seconds).to.have.length(3);
      for (const time of seconds) expect(time).to.be.above(0);
    } finally {
      backend.destroy();
      device.destroy();
      owner.destroy();
    }
  });
});

describe('WebGPU backend on a device that breaks', () => {
  let owner: WebGpuBackend;
  let backend: WebGpuBackend;
  beforeEach(async () => {
    owner = await ownDevice();
    backend = new WebGpuBackend(owner.device);
  });
  afterEach(() => {
    backend.destroy();
    owner.destroy();
  });

  it('reports the loss of the device from every call', async () => {
    const { buffers, recording } = await recordAddOne(backend);
    backend.device.destroy();
    const calls: (() => unknown)[] = [
      () => backend.finish(),
      () => backend.read([buffers.y]),
      () => backend.run(recording),
      () => backend.profile(recording),
      () => backend.allocate(1),
      () => recordAddOne(backend),
    ];
    for (const call of calls) {
      const error = await errorOf(call);
      expect(error.code).to.equal('DEVICE_LOST');
      expect(error.fix).to.match(/Open a new backend/);
    }
  });

  it('reports the loss of the device to a read under way', async () => {
    const { buffers } = await recordAddOne(backend);
    const reading = errorOf(() => backend.read([buffers.y]));
    backend.device.destroy();
    expect((await reading).code).to.equal('DEVICE_LOST');
  });

  it('reports the loss of the device to a recording under way', async () => {
    const recording = errorOf(() => recordAddOne(backend));
    backend.device.destroy();
    expect((await recording).code).to.equal('DEVICE_LOST');
  });

  it('throws what nobody captured from the next call', async () => {
    const { recording } = await recordAddOne(backend);
    backend.device.createBuffer({ size: 4, usage: 0xffff });
    expect((await errorOf(() => backend.finish())).code).to.equal('DEVICE_ERROR');
    const error = await errorOf(() => backend.run(recording));
    expect(error.code).to.equal('DEVICE_ERROR');
    expect(error.message).to.match(/refused a command: .*usage/i);
  });
});

async function withoutTimestamps(owner: WebGpuBackend): Promise<GPUDevice> {
  const adapter = await owner.options.gpu!.requestAdapter();
  return adapter!.requestDevice();
}
