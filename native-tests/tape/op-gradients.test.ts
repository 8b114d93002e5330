/** Every op's gradient with respect to every input: against finite differences in float64, and WebGPU against the CPU. */
import { expect } from 'chai';
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
      // Together, because compilation takes most of the time and can use all cores.
      const actual = await Promise.all(opCases.map((testCase) => gradientsOf(webgpu, testCase)));
      for (const [index, testCase] of opCases.entries()) {
        expectClose(actual[index], await gradientsOf(cpu, testCase), chainLength(testCase), testCase.name);
      }
    } finally {
      webgpu.destroy();
    }
    expect(opCases.length).to.be.above(20);
  });
});
