/** Every kernel's WGSL (float32, on the device) against its reference (float64) on the same float32 inputs. */
import { expect } from 'chai';
import type { Backend, Dispatch } from '../../src/backend/backend.ts';
import { WebGpuBackend } from '../../src/backend/webgpu/webgpu-backend.ts';
import { affineBiasGradient } from '../../src/kernels/affine.ts';
import { type Kernel, MAX_WORKGROUPS } from '../../src/kernels/kernel.ts';
import { kernels } from '../../src/kernels/registry.ts';
import { fill } from '../../src/kernels/vectors.ts';
import { sharedDevice } from '../backends.ts';
import { cases } from './cases.ts';
import { type Buffers, copyOf, EPSILON, type KernelCase, Random, written } from './kernel-case.ts';

const REPETITIONS = 20;

/** Numbers below the smallest normal float32, 2^-126, may be flushed to zero and then multiplied by up to 2^12. */
const FLUSHED = 2 ** -114;

/** A case compiled and bound; `run` gives the contents of every buffer after a run on the given contents. */
async function prepare(backend: Backend, kernel: Kernel, testCase: KernelCase) {
  const names = Object.keys(kernel.bindings);
  const buffers = Object.fromEntries(
    names.map((name) => {
      const type = kernel.bindings[name].endsWith(':uint') ? 'uint' : 'float';
      return [name, backend.allocate(testCase.buffers[name].length, { type })] as const;
    }),
  );
  const recording = await backend.record([{ kernel, buffers, constants: testCase.constants }]);
  return {
    async run(contents: Buffers): Promise<Buffers> {
      for (const name of names) backend.write(buffers[name], contents[name]);
      backend.run(recording);
      const arrays = await backend.read(names.map((name) => buffers[name]));
      return Object.fromEntries(names.map((name, i) => [name, arrays[i]]));
    },
  };
}

/** The case with one NaN in one of the float buffers that the kernel reads. */
function poisoned(kernel: Kernel, { buffers }: KernelCase, random: Random): Buffers {
  const contents = copyOf(buffers);
  const floats = Object.keys(kernel.bindings).filter((name) => ['read', 'update'].includes(kernel.bindings[name]));
  if (floats.length === 0) return contents;
  const array = contents[random.pick(floats)];
  array[random.integer(0, array.length - 1)] = Number.NaN;
  return contents;
}

function compare(kernel: Kernel, testCase: KernelCase, contents: Buffers, actual: Buffers) {
  const expected = copyOf(contents);
  kernel.reference(expected, testCase.constants);
  for (const side of [expected, actual]) addRest(side, testCase);
  for (const name of Object.keys(kernel.bindings)) {
    const bounds = testCase.bounds[name] ?? [];
    for (let i = 0; i < expected[name].length; i++) {
      const [is, should] = [actual[name][i], expected[name][i]];
      if (Object.is(is, should)) continue;
      if (Number.isNaN(should) ? Number.isNaN(is) : Number.isNaN(is) && hasNan(expected[name], testCase)) continue;
      const bound = EPSILON * (bounds[i] ?? 0);
      const flushed = i < bounds.length ? FLUSHED : 0;
      if (Math.abs(is - should) <= bound + flushed) continue;
      expect.fail(
        `${kernel.name} ${JSON.stringify(testCase.constants)}: ${name}[${i}] is ${is}, ` +
          `the reference gives ${should}, the bound is ${bound}`,
      );
    }
  }
}

function addRest(buffers: Buffers, { compensated }: KernelCase): void {
  if (!compensated) return;
  const rest = buffers[compensated.rest];
  buffers[compensated.sum].forEach((value, i, sums) => {
    sums[i] = value + rest[i];
  });
  rest.fill(0);
}

function hasNan(values: ArrayLike<number>, { spreadsNan }: KernelCase): boolean {
  return spreadsNan === true && Array.prototype.some.call(values, Number.isNaN);
}

describe('WGSL agrees with the float64 reference', () => {
  let backend: WebGpuBackend;
  before(async () => {
    backend = new WebGpuBackend(await sharedDevice());
  });
  after(() => backend.destroy());

  it('every kernel has a case, and every case a kernel', () => {
    expect(Object.keys(cases).sort()).to.deep.equal(kernels.map(({ name }) => name).sort());
  });

  it('kernel names are unique', () => {
    expect(new Set(kernels.map(({ name }) => name)).size).to.equal(kernels.length);
  });

  it('elements past the 65535th workgroup are reached', async () => {
    const count = MAX_WORKGROUPS * 64 + 70;
    const target = backend.allocate(count);
    const outputs = MAX_WORKGROUPS + 3;
    const outputGradient = backend.allocate(outputs);
    const biasGradient = backend.allocate(outputs);
    backend.write(
      outputGradient,
      Float64Array.from({ length: outputs }, (_, q) => q),
    );
    const dispatches: Dispatch[] = [
      { kernel: fill, buffers: { target }, constants: { count, value: 7 } },
      {
        kernel: affineBiasGradient,
        buffers: { outputGradient, biasGradient },
        constants: { batch: 1, inputs: 1, outputs },
      },
    ];
    backend.run(await backend.record(dispatches));
    const [filled, sums] = await backend.read([target, biasGradient]);
    expect(filled.indexOf(0)).to.equal(-1);
    expect(sums.findIndex((sum, q) => sum !== q)).to.equal(-1);
  });

  kernels.forEach((kernel, index) => {
    it(`${kernel.name}: ${REPETITIONS} random cases, each also with a NaN`, async () => {
      const random = new Random(index);
      const testCases = Array.from({ length: REPETITIONS }, () => cases[kernel.name](kernel, random));
      // Together, because compilation takes most of the time and can use all cores.
      const prepared = await Promise.all(testCases.map((testCase) => prepare(backend, kernel, testCase)));
      for (const [i, testCase] of testCases.entries()) {
        for (const contents of [testCase.buffers, poisoned(kernel, testCase, random)]) {
          compare(kernel, testCase, contents, await prepared[i].run(contents));
        }
      }
    });

    it(`${kernel.name}: the same numbers give the same bits`, async () => {
      const testCase = cases[kernel.name](kernel, new Random(index));
      const { run } = await prepare(backend, kernel, testCase);
      const first = await run(testCase.buffers);
      for (let repetition = 0; repetition < 3; repetition++) {
        const again = await run(testCase.buffers);
        for (const name of written(kernel)) expect(bitsOf(again[name])).to.deep.equal(bitsOf(first[name]));
      }
    });
  });
});

function bitsOf(values: ArrayLike<number>): Buffer {
  return Buffer.from(Float64Array.from(values).buffer);
}
