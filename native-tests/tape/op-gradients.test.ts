/** Every op's gradient with respect to every input: against finite differences in float64, and WebGPU against the CPU. */
import { CpuBackend } from '../../src/backend/cpu/cpu-backend.ts';
import { WebGpuBackend } from '../../src/backend/webgpu/webgpu-backend.ts';
import { sharedDevice } from '../backends.ts';
import { expectClose, expectFiniteDifferences, gradientsOf } from './gradient-tools.ts';
import { chainLength, opCases } from './op-cases.ts';

/** Powers of ReLU over a domain of width 8 reach (8 + 3 h)³; their rounding is relative to these terms. */
const LARGEST_POWER = 12.8 ** 3;

describe('gradients of ops', () => {
  const cpu = new CpuBackend();

  for (const testCase of opCases) {
    it(`${testCase.name}: as finite differences have it`, () =>
      expectFiniteDifferences(cpu, testCase, testCase.name.startsWith('power-relu') ? LARGEST_POWER : 1));
  }

  it("WebGPU gives the CPU's gradients", async () => {
    const webgpu = new WebGpuBackend(await sharedDevice());
    try {
      // Every case compiles kernels of its own; what degrees 1 to 5 do on a device is seen kernel by kernel elsewhere.
      const compared = opCases.filter(({ name }) => !/degree [1245]|-4,4|penalty of [23]$/.test(name));
      const actual = await Promise.all(compared.map((testCase) => gradientsOf(webgpu, testCase)));
      for (const [index, testCase] of compared.entries()) {
        expectClose(actual[index], await gradientsOf(cpu, testCase), chainLength(testCase), testCase.name);
      }
    } finally {
      webgpu.destroy();
    }
  });
});
