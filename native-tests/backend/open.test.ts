import { expect } from 'chai';
import { openWith, unavailable } from '../../src/backend/open.ts';
import { openBackend as openInBrowser } from '../../src/index.ts';
import { type NodeOpenOptions, type OpenedBackend, type OpenOptions, openBackend } from '../../src/node.ts';
import { errorOf, sharedDevice } from '../backends.ts';
import { runProgram } from './child-process.ts';

/** Just enough of an adapter to be chosen or passed over. */
function gpuWith(info: Partial<GPUAdapterInfo> | undefined, requestDevice?: () => Promise<GPUDevice>): GPU {
  const adapter = { info, features: new Set(), limits: {}, requestDevice };
  return { requestAdapter: async () => (info ? adapter : null) } as unknown as GPU;
}

const hardware = { vendor: 'acme', architecture: 'gen-1', device: '', description: '', isFallbackAdapter: false };
const software = { ...hardware, description: 'llvmpipe', isFallbackAdapter: true };

async function opened<T>(options: NodeOpenOptions, use: (backend: OpenedBackend) => T): Promise<T> {
  const backend = await openBackend(options);
  try {
    return use(backend);
  } finally {
    backend.destroy();
  }
}

describe('openBackend', () => {
  it('takes the adapter that there is when WebGPU is asked for', () =>
    opened({ device: 'webgpu' }, ({ name, precision, adapter, choice }) => {
      expect({ name, precision }).to.deep.equal({ name: 'webgpu', precision: 'float32' });
      expect(adapter).to.not.equal('');
      expect(choice.reason).to.match(/adapter/);
    }));

  it('takes the CPU when it is asked for', () =>
    opened({ device: 'cpu' }, ({ name, precision }) => {
      expect({ name, precision }).to.deep.equal({ name: 'cpu', precision: 'float64' });
    }));

  it('auto: prefers the CPU to a software adapter, and says so', () =>
    opened({ gpu: gpuWith(software) }, ({ name, choice }) => {
      expect(name).to.equal('cpu');
      expect(choice.reason).to.match(/software one \(llvmpipe\)/);
      expect(choice.fix).to.match(/device "webgpu"/);
    }));

  it('auto: takes a hardware adapter', async () => {
    const device = await sharedDevice();
    const backend = await openBackend({ gpu: gpuWith(hardware, async () => device) });
    expect(backend.name).to.equal('webgpu');
    expect(backend.choice.reason).to.equal('a hardware adapter');
    // Not destroyed: it would take the shared device along.
    await backend.finish();
  });

  it('auto: falls back to the CPU without an adapter, or with one that gives no device', async () => {
    await opened({ gpu: gpuWith(undefined) }, ({ name, choice }) => {
      expect(name).to.equal('cpu');
      expect(choice.reason).to.match(/no adapter/);
    });
    const refusing = gpuWith(hardware, () => Promise.reject(new Error('driver too old')));
    await opened({ gpu: refusing }, ({ name, choice }) => {
      expect(name).to.equal('cpu');
      expect(choice.reason).to.match(/driver too old/);
    });
  });

  it('webgpu: refuses to run without an adapter, and says what to install', async () => {
    const error = await errorOf(() => openBackend({ device: 'webgpu', gpu: gpuWith(undefined) }));
    expect(error.code).to.equal('WEBGPU_UNAVAILABLE');
    expect(error.fix).to.match(/driver/);
  });

  it('runs without the package webgpu, on the CPU', async () => {
    const missing = () => Promise.reject(unavailable('the package webgpu is not installed', 'Run: npm install webgpu'));
    const backend = await openWith({}, missing);
    expect(backend.name).to.equal('cpu');
    expect(backend.choice.fix).to.match(/npm install webgpu/);
    expect((await errorOf(() => openWith({ device: 'webgpu' }, missing))).code).to.equal('WEBGPU_UNAVAILABLE');
  });

  it("does not destroy the caller's device", async () => {
    const device = await sharedDevice();
    const backend = await openInBrowser({ device });
    expect(backend.choice.reason).to.equal("the caller's device");
    backend.destroy();
    const again = await openInBrowser({ device });
    await again.finish();
    again.destroy();
  });

  it('counts the threads of the CPU, and takes no other number than a whole one', async () => {
    await opened({ device: 'cpu', threads: 3 }, ({ adapter }) =>
      expect(adapter).to.equal('JavaScript, float64, 3 threads'),
    );
    await opened({ device: 'cpu', threads: 1 }, ({ adapter }) => expect(adapter).to.equal('JavaScript, float64'));
    await opened({ gpu: gpuWith(undefined), threads: 2 }, ({ adapter }) => expect(adapter).to.match(/2 threads/));
    for (const threads of [0, 1.5, -1, 257, NaN, '2'] as number[]) {
      expect((await errorOf(() => openBackend({ device: 'cpu', threads }))).code).to.equal('INVALID_ARGUMENT');
    }
  });

  it('knows no other device', async () => {
    for (const device of ['gpu', null, 3] as unknown as OpenOptions['device'][]) {
      expect((await errorOf(() => openBackend({ device }))).code).to.equal('INVALID_ARGUMENT');
    }
  });

  it('in a browser without WebGPU, or Node through the browser entry: CPU, with the way out', async () => {
    const backend = await openInBrowser();
    expect(backend.name).to.equal('cpu');
    expect(backend.choice.fix).to.include('nestkan/node');
  });
});

describe('a Node process with a WebGPU backend', () => {
  it('ends by itself, destroyed or not, collected or not', async () => {
    const ended = await runProgram(`
      import { openBackend } from './src/node.ts';
      const kept = await openBackend({ device: 'webgpu' });
      for (let round = 0; round < 3; round++) {
        const backend = await openBackend({ device: 'webgpu' });
        const buffer = backend.allocate(1000);
        backend.write(buffer, [1, 2, 3]);
        const [values] = await backend.read([buffer]);
        if (values[2] !== 3) throw new Error('read back ' + values[2]);
        if (round > 0) backend.destroy();
        gc();
        await kept.finish();
      }
      gc();
      console.log('done');
    `);
    expect(ended).to.deep.equal({ status: 0, signal: null, stdout: 'done' });
  });
});
