/** Which backend a training gets, by measurements that the tests make up. */
import { expect } from 'chai';
import type { OpenedBackend } from '../../src/backend/open.ts';
import { Kan } from '../../src/models/kan.ts';
import { inCoordinates } from '../../src/multilevel/coordinates.ts';
import {
  chooseDevice,
  fastestBackend,
  type Measure,
  secondsPerEvaluation,
  type Workload,
} from '../../src/multilevel/fastest.ts';
import { regression } from '../../src/multilevel/regression.ts';
import {
  builtInProblems,
  comparisonWorkload,
  dataset,
  fitWorkload,
  openBackend,
  regressionTargets,
  sampleTarget,
  solveWorkload,
} from '../../src/node.ts';
import type { Optimizer } from '../../src/optimizers/optimizer.ts';
import { forEachBackend, ownDevice } from '../backends.ts';
import { ARCHITECTURE, ROWS, sample, smooth } from './problems.ts';

const idle = (() => expect.fail('nothing is to be made')) as Workload;

describe('the choice of a device', () => {
  const keep = (cpu: number, device?: number) => chooseDevice(cpu, device, 'ACME G1').keep;

  it('is the one that was faster', () => {
    expect(keep(1e-3, 4e-3)).to.equal('cpu');
    expect(keep(4e-3, 1e-3)).to.equal('device');
  });

  it('is the CPU where the two are as good as equal, and never more than a fifth slower', () => {
    expect(keep(1e-3, 1e-3)).to.equal('cpu');
    expect(keep(1.05e-3, 1e-3)).to.equal('cpu');
    for (let ratio = 0.01; ratio < 100; ratio *= 1.03) {
      const [cpu, device] = [ratio * 1e-3, 1e-3];
      const kept = keep(cpu, device) === 'cpu' ? cpu : device;
      expect(kept, `ratio ${ratio}`).to.be.below(1.2 * Math.min(cpu, device));
    }
  });

  it('says what was measured', () => {
    expect(chooseDevice(0.0007, 0.00214, 'ACME G1').reason).to.equal(
      'measured: 0.7 ms per evaluation on the CPU, 2.1 ms on ACME G1',
    );
    expect(chooseDevice(0.345, 0.0214, 'ACME G1').reason).to.match(/ 350 ms .* 21 ms/);
  });

  it('is the CPU where the device cannot run it, and says so', () => {
    expect(chooseDevice(2, undefined, 'ACME G1')).to.deep.equal({
      keep: 'cpu',
      reason: 'measured: 2000 ms per evaluation on the CPU; ACME G1 cannot run this',
    });
  });
});

type Device = 'auto' | 'cpu' | 'webgpu';

/** A machine with an adapter or none; counts what it opens and what is left open. */
function machine(adapter: 'hardware' | 'software' | 'none') {
  const opened: Device[] = [];
  const left: string[] = [];
  async function open(device: Device): Promise<OpenedBackend> {
    opened.push(device);
    const name = device === 'webgpu' || (device === 'auto' && adapter === 'hardware') ? 'webgpu' : 'cpu';
    if (name === 'webgpu' && adapter === 'none') throw new Error('no adapter');
    left.push(name);
    const choice = { reason: `${adapter} adapter`, fix: 'buy one', software: adapter === 'software' };
    return {
      name,
      adapter: name === 'cpu' ? 'JavaScript' : 'ACME G1',
      choice: adapter === 'hardware' ? { reason: 'a hardware adapter' } : choice,
      destroy: () => left.splice(left.indexOf(name), 1),
    } as unknown as OpenedBackend;
  }
  return { open, opened, left };
}

const taking =
  (seconds: { cpu: number; webgpu?: number }): Measure =>
  async ({ name }) =>
    seconds[name] ?? expect.fail('it does not run here');

describe('fastestBackend', () => {
  for (const [cpu, webgpu, expected] of [
    [1e-3, 3e-3, 'cpu'],
    [3e-3, 1e-3, 'webgpu'],
    [9, 0.1, 'webgpu'],
  ] as const) {
    it(`measures the CPU and hardware (${cpu} s and ${webgpu} s), keeps the faster, closes the other`, async () => {
      const { open, left } = machine('hardware');
      const { name, choice } = await fastestBackend(idle, open, taking({ cpu, webgpu }));
      expect(name).to.equal(expected);
      expect(left).to.deep.equal([expected]);
      expect(choice.reason).to.match(/^measured: .* on the CPU, .* on ACME G1$/);
    });
  }

  it('asks the CPU again before it takes a device, for it may have been busy', async () => {
    const { open, left } = machine('hardware');
    const seconds = [0.2, 0.02, 0.021];
    const measure: Measure = async () => seconds.shift()!;
    const { name, choice } = await fastestBackend(idle, open, measure);
    expect([name, left, seconds]).to.deep.equal(['cpu', ['cpu'], []]);
    expect(choice.reason).to.match(/^measured: 21 ms .* 20 ms/);
  });

  it('opens no software adapter for what the CPU does in milliseconds, and says so', async () => {
    const { open, opened, left } = machine('software');
    const { name, choice } = await fastestBackend(idle, open, taking({ cpu: 0.019 }));
    expect([name, opened, left]).to.deep.equal(['cpu', ['auto'], ['cpu']]);
    expect(choice.reason).to.match(/^software adapter; .* less than 20 ms$/);
    expect(choice.fix).to.equal('buy one');
  });

  it('tries a software adapter where evaluations take long', async () => {
    for (const [webgpu, expected] of [
      [0.1, 'cpu'],
      [0.01, 'webgpu'],
    ] as const) {
      const { open, left } = machine('software');
      const { name, choice } = await fastestBackend(idle, open, taking({ cpu: 0.03, webgpu }));
      expect([name, left]).to.deep.equal([expected, [expected]]);
      expect(choice.reason).to.match(/^measured: 30 ms/);
    }
  });

  it('measures nothing where there is no adapter', async () => {
    const { open, opened } = machine('none');
    const { name, choice } = await fastestBackend(idle, open, () => expect.fail('measured'));
    expect([name, opened]).to.deep.equal(['cpu', ['auto']]);
    expect(choice).to.include({ reason: 'none adapter', fix: 'buy one' });
  });

  it('keeps the CPU where the device fails', async () => {
    const { open, left } = machine('hardware');
    const { name, choice } = await fastestBackend(idle, open, taking({ cpu: 1 }));
    expect([name, left]).to.deep.equal(['cpu', ['cpu']]);
    expect(choice.reason).to.match(/ACME G1 cannot run this/);
  });

  it('leaves it to training to say what is wrong with a workload that runs nowhere', async () => {
    const broken: Measure = () => Promise.reject(new Error('no such workload'));
    for (const [adapter, expected] of [
      ['hardware', 'webgpu'],
      ['software', 'cpu'],
    ] as const) {
      const { open, left } = machine(adapter);
      const { name, choice } = await fastestBackend(idle, open, broken);
      expect([name, left]).to.deep.equal([expected, [expected]]);
      expect(choice.reason).to.equal(adapter === 'hardware' ? 'a hardware adapter' : 'software adapter');
    }
  });

  it('does so with real backends: what is kept works, what is not is destroyed', async () => {
    const { device } = await ownDevice();
    const info = { vendor: 'acme', architecture: 'gen-1', device: '', description: '', isFallbackAdapter: false };
    const adapter = { info, features: new Set(), limits: {}, requestDevice: async () => device };
    const gpu = { requestAdapter: async () => adapter } as unknown as GPU;
    const backends: OpenedBackend[] = [];
    const open = async (name: Device) => {
      const backend = await openBackend({ device: name, gpu });
      backends.push(backend);
      return backend;
    };
    const kept = await fastestBackend(idle, open, taking({ cpu: 1, webgpu: 2 }));
    expect(kept.name).to.equal('cpu');
    await kept.finish();
    for (const backend of backends) {
      if (backend !== kept) expect(() => backend.allocate(1)).to.throw('destroyed');
    }
    kept.destroy();
  });
});

const data = sample(smooth, ROWS, 1, 0.3);
const target = sampleTarget(regressionTargets['exp-sine'], { train: 60, test: 10, seed: 1 });
const table = dataset(data);

forEachBackend('timing a workload', (open) => {
  const workloads: Record<string, Workload> = {
    'of a fit': fitWorkload(table, { hidden: [2], levels: 3 }),
    'of a comparison': comparisonWorkload({ ...target, widths: [2, 2, 1], stepsPerLevel: [1, 1] }),
    'of an equation': solveWorkload(builtInProblems['poisson-smooth'].pde(), { hidden: [2], levels: 2 }),
    'in other coordinates': (backend) => ({
      model: Kan.create(backend, ARCHITECTURE),
      problem: inCoordinates(regression(data), { geometry: 'power-relu', gradient: 'power-relu' }),
    }),
  };
  for (const [name, workload] of Object.entries(workloads)) {
    it(`${name} gives a number, and all memory back`, async () => {
      const backend = await open();
      const released: number[] = [];
      const release = backend.release.bind(backend);
      backend.release = (buffer) => {
        released.push(buffer.length);
        release(buffer);
      };
      let allocated = 0;
      const allocate = backend.allocate.bind(backend);
      backend.allocate = (...request) => {
        allocated++;
        return allocate(...request);
      };
      expect(await secondsPerEvaluation(backend, workload)).to.be.above(0);
      expect(released.length).to.equal(allocated);
    });
  }

  it('leaves nothing behind where the optimizer refuses', async () => {
    const backend = await open();
    const refusing: Optimizer = { name: 'none', start: () => Promise.reject(new Error('not with me')) };
    const workload: Workload = (on) => ({
      model: Kan.create(on, ARCHITECTURE),
      problem: regression(data),
      optimizer: refusing,
    });
    const failure = await secondsPerEvaluation(backend, workload).catch((error: Error) => error.message);
    expect(failure).to.equal('not with me');
    if (backend.name === 'cpu') expect(backend.counters.bytes).to.equal(0);
  });
});
