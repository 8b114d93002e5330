/** Every kernel's WGSL (float32, on the device) against its reference (float64) on the same float32 inputs. */
import { expect } from 'chai';
import type { Backend } from '../../src/backend/backend.ts';
import { WebGpuBackend } from '../../src/backend/webgpu/webgpu-backend.ts';
import type { Kernel } from '../../src/kernels/kernel.ts';
import { kernels } from '../../src/kernels/registry.ts';
import { sharedDevice } from '../backends.ts';
import { cases } from './cases.ts';
import { type Buffers, copyOf, EPSILON, type KernelCase, Random, written } from './kernel-case.ts';

const REPETITIONS = 24;

/** Results below the smallest normal float32 may be flushed to zero, before they are multiplied by a gradient. */
const SMALLEST_NORMAL = 2 ** -126;
const LARGEST_GRADIENT = 10;

/** Runs one case on the device, with the given contents; returns every buffer afterwards. */
async function onDevice(backend: Backend, kernel: Kernel, { constants }: KernelCase, contents: Buffers[]) {
  const names = Object.keys(kernel.bindings);
  const buffers = Object.fromEntries(
    names.map((name) => {
      const type = kernel.bindings[name].endsWith(':uint') ? 'uint' : 'float';
      return [name, backend.allocate(contents[0][name].length, { type })] as const;
    }),
  );
  const recording = await backend.record([{ kernel, buffers, constants }]);
  const results: Buffers[] = [];
  for (const content of contents) {
    for (const name of names) backend.write(buffers[name], content[name]);
    backend.run(recording);
    const arrays = await backend.read(names.map((name) => buffers[name]));
    results.push(Object.fromEntries(names.map((name, i) => [name, arrays[i]])));
  }
  for (const name of names) backend.release(buffers[name]);
  return results;
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
  for (const name of Object.keys(kernel.bindings)) {
    const bounds = testCase.bounds[name] ?? [];
    for (let i = 0; i < expected[name].length; i++) {
      const [is, should] = [actual[name][i], expected[name][i]];
      if (Object.is(is, should)) continue;
      if (Number.isNaN(should) ? Number.isNaN(is) : Number.isNaN(is) && hasNan(expected[name], testCase)) continue;
      const bound = EPSILON * (bounds[i] ?? 0);
      const flushed = i < bounds.length ? LARGEST_GRADIENT * SMALLEST_NORMAL : 0;
      if (Math.abs(is - should) <= bound + flushed) continue;
      expect.fail(
        `${kernel.name} ${JSON.stringify(testCase.constants)}: ${name}[${i}] is ${is}, ` +
          `the reference gives ${should}, the bound is ${bound}`,
      );
    }
  }
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

  kernels.forEach((kernel, index) => {
    it(`${kernel.name}: ${REPETITIONS} random cases, each also with a NaN`, async () => {
      for (let repetition = 0; repetition < REPETITIONS; repetition++) {
        const random = new Random(1000 * index + repetition);
        const testCase = cases[kernel.name](kernel, random);
        const contents = [testCase.buffers, poisoned(kernel, testCase, random)];
        const results = await onDevice(backend, kernel, testCase, contents);
        contents.forEach((content, i) => {
          compare(kernel, testCase, content, results[i]);
        });
      }
    });

    it(`${kernel.name}: the same numbers give the same bits`, async () => {
      const testCase = cases[kernel.name](kernel, new Random(index));
      const [first, ...others] = await onDevice(backend, kernel, testCase, new Array(4).fill(testCase.buffers));
      for (const name of written(kernel)) {
        for (const other of others)
          expect(Buffer.from(other[name].buffer)).to.deep.equal(Buffer.from(first[name].buffer));
      }
    });
  });
});
