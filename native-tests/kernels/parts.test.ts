/** Cutting a reference into units (Kernel.parts) changes no bit, whatever the cut and the order of the pieces. */
import { expect } from 'chai';
import type { Kernel } from '../../src/kernels/kernel.ts';
import { kernels } from '../../src/kernels/registry.ts';
import { kernelMakers } from '../../src/node/kernel-makers.ts';
import { symbol } from '../../src/physics/expression.ts';
import { fieldKey, jetKey, residualKernels, scalarKey } from '../../src/physics/residual-kernel.ts';
import { cases } from './cases.ts';
import { type Buffers, copyOf, Random } from './kernel-case.ts';

const REPETITIONS = 20;

/** Runs a reference piece by piece, in random order. */
function runInPieces(kernel: Kernel, buffers: Buffers, constants: Record<string, number>, random: Random): void {
  const parts = kernel.parts(constants);
  const cuts = new Set([0, parts]);
  for (let cut = random.integer(0, 5); cut > 0; cut--) cuts.add(random.integer(0, parts));
  const places = [...cuts].sort((a, b) => a - b);
  const pieces = places.slice(1).map((end, index) => [places[index], end]);
  while (pieces.length > 0) {
    const [[first, end]] = pieces.splice(random.integer(0, pieces.length - 1), 1);
    kernel.reference(buffers, constants, first, end);
  }
}

function expectSame(kernel: Kernel, contents: Buffers, constants: Record<string, number>, random: Random): void {
  const [whole, cut] = [copyOf(contents), copyOf(contents)];
  kernel.reference(whole, constants);
  runInPieces(kernel, cut, constants, random);
  for (const name of Object.keys(kernel.bindings)) {
    const different = whole[name].findIndex((value, i) => !Object.is(value, cut[name][i]));
    if (different < 0) continue;
    const [is, should] = [cut[name][different], whole[name][different]];
    expect.fail(`${kernel.name} ${JSON.stringify(constants)}: ${name}[${different}] is ${is}, in one piece ${should}`);
  }
}

/** A cubic equation in a jet, a field and a scalar, and a batch longer than a block of registers. */
function residualCase(random: Random): { kernels: readonly Kernel[]; contents: Buffers; batch: number } {
  const batch = random.integer(1, 1300);
  const [u, slope, f, c] = [jetKey(0, 0, 0), jetKey(0, 1, 0), fieldKey(0), scalarKey(0)].map(symbol);
  const sizes = { channels: 2, traces: 1, outputs: 1, fields: 1, scalars: 1, residuals: 1 };
  const { forward, backward } = residualKernels([u.mul(u).mul(slope.sin()).add(f.mul(c))], sizes, 'case');
  const draw = (length: number) => Float64Array.from({ length }, () => random.uniform(-1, 1));
  const contents = {
    jets: draw(2 * batch),
    fields: draw(batch),
    scalars: draw(1),
    residual: draw(batch),
    residualGradient: draw(batch),
    jetsGradient: draw(2 * batch),
    scalarGradients: draw(batch),
  };
  return { kernels: [forward, backward], contents, batch };
}

describe('kernels in pieces', () => {
  kernels.forEach((kernel, index) => {
    it(`${kernel.name}: ${REPETITIONS} random cuts`, () => {
      const random = new Random(index);
      for (let repetition = 0; repetition < REPETITIONS; repetition++) {
        const { buffers, constants } = cases[kernel.name](kernel, random);
        expect(kernel.parts(constants)).to.satisfy((parts: number) => Number.isInteger(parts) && parts >= 1);
        expectSame(kernel, buffers, constants, random);
      }
    });
  });

  it(`residuals: ${REPETITIONS} random cuts`, () => {
    const random = new Random(1);
    for (let repetition = 0; repetition < REPETITIONS; repetition++) {
      const { kernels, contents, batch } = residualCase(random);
      for (const kernel of kernels) expectSame(kernel, contents, { batch }, random);
    }
  });

  it('residuals: made again from their recipes, sent to another thread', () => {
    const { kernels, contents, batch } = residualCase(new Random(2));
    for (const kernel of kernels) {
      const { maker, options } = structuredClone(kernel.recipe!);
      const again = kernelMakers[maker](options as never);
      expect(again.name).to.equal(kernel.name);
      const [expected, actual] = [copyOf(contents), copyOf(contents)];
      kernel.reference(expected, { batch });
      again.reference(actual, { batch });
      expect(actual).to.deep.equal(expected);
    }
  });
});
