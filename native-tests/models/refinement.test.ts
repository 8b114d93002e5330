/** Nestedness: refinement changes the function at no point that the network meets. */
import { expect } from 'chai';
import type { Backend } from '../../src/backend/backend.ts';
import { CpuBackend } from '../../src/backend/cpu/cpu-backend.ts';
import { Kan, type KanOptions } from '../../src/models/kan.ts';
import { MultichannelMlp } from '../../src/models/multichannel-mlp.ts';
import type { Network } from '../../src/models/network.ts';
import { Tape } from '../../src/tape/tape.ts';
import type { Tensor } from '../../src/tape/tensor.ts';
import { errorOf, forEachBackend } from '../backends.ts';
import {
  largest,
  outputsOf,
  powerReluChannels,
  randomRows,
  relativeDifference,
  roundoff,
  scaleParameters,
} from './model-tools.ts';

const ROWS = 200;
/** Inputs go this far on a domain that ends at 1. */
const RANGE = 1.8;

/** What enters layer `index`, over all rows. */
async function activationsOf(model: Network, rows: number[][], index: number): Promise<Float64Array> {
  const { backend } = model;
  const tape = new Tape(backend);
  const input = tape.input([rows.length, model.inputs]);
  const seen: Tensor[] = [];
  model.apply(tape, input, (tensor) => seen.push(tensor));
  backend.write(input.buffer, rows.flat());
  backend.run(await tape.record());
  const [values] = await backend.read([seen[index].buffer]);
  tape.dispose();
  return values;
}

/** Relative to the largest output. In float32 a layer makes some ten roundings and enlarges earlier ones a few times. */
function tolerance({ precision }: Backend, layers: number): number {
  return precision === 'float64' ? 1e-12 : 32 * layers * 2 ** -24;
}

/** Every new size is compiled on a device: there a deep network refined once stands for all. */
function sizesFor({ name }: Backend): readonly { widths: number[]; intervals: number; refinements: number }[] {
  if (name === 'webgpu') return [{ widths: [2, 5, 1], intervals: 3, refinements: 1 }];
  return [
    { widths: [1, 1], intervals: 1, refinements: 3 },
    { widths: [2, 5, 1], intervals: 3, refinements: 2 },
    { widths: [3, 4, 3, 2], intervals: 4, refinements: 2 },
  ];
}

const FACTOR = 3;

async function expectNested(backend: Backend, variant: Partial<KanOptions>): Promise<void> {
  const kan = Kan.create(backend, { widths: [2, 4, 1], intervals: 3, seed: 1, ...variant });
  await scaleParameters(kan, FACTOR);
  const rows = randomRows(1, ROWS, 2, RANGE);
  const [expected, fine] = [await outputsOf(kan, rows), await kan.refine()];
  expect(relativeDifference(await outputsOf(fine, rows), expected)).to.be.below(tolerance(backend, 2));
}

forEachBackend('refinement of a Kan', (open) => {
  for (const degree of [1, 2, 3, 4, 5]) {
    it(`keeps the function: degree ${degree}, in and outside the domains`, async () => {
      const backend = await open();
      for (const { widths, intervals, refinements } of sizesFor(backend)) {
        const hiddenDomain = [-1.5, 1] as const;
        const kan = Kan.create(backend, { widths, degree, intervals, hiddenDomain, seed: degree });
        await scaleParameters(kan, FACTOR);
        const rows = randomRows(degree, ROWS, widths[0], RANGE);
        for (let layer = 1; layer + 1 < widths.length; layer++) {
          const values = await activationsOf(kan, rows, layer);
          expect(values.some((value) => value < -1.5) && values.some((value) => value > 1)).to.equal(true);
        }
        const expected = await outputsOf(kan, rows);
        const bound = tolerance(backend, widths.length - 1);
        let fine = kan;
        for (let refinement = 1; refinement <= refinements; refinement++) {
          fine = await fine.refine();
          expect(fine.intervals).to.deep.equal(kan.intervals.map((n) => 2 ** refinement * n));
          expect(relativeDifference(await outputsOf(fine, rows), expected), `widths ${widths}`).to.be.below(bound);
        }
        expect(await outputsOf(kan, rows), 'the coarse model stays as it is').to.deep.equal(expected);
      }
    });
  }

  for (const variant of [{ squashing: 'tanh' }, { leadingLinear: 'with-bias' }] as const) {
    it(`keeps the function: ${JSON.stringify(variant)}`, async () => expectNested(await open(), variant));
  }

  it('refuses grids finer than there are', async () => {
    const kan = Kan.create(await open(), { widths: [1, 1], degree: 1, intervals: 1500 });
    const fine = await kan.refine();
    expect((await errorOf(() => fine.refine())).code).to.equal('INTERVALS_OUT_OF_RANGE');
  });
});

describe('refinement of a Kan, in float64', () => {
  const variants: readonly Partial<KanOptions>[] = [
    { squashing: 'sigmoid' },
    { leadingLinear: 'without-bias', squashing: 'sigmoid' },
    { intervals: 4, hiddenIntervals: 2, domain: [-3, 0.5] },
  ];
  for (const variant of variants) {
    it(`keeps the function: ${JSON.stringify(variant)}`, () => expectNested(new CpuBackend(), variant));
  }
});

forEachBackend('refinement of a MultichannelMlp', (open) => {
  for (const degree of [1, 2, 3, 4, 5]) {
    it(`keeps the function: degree ${degree}, in and outside the domain, up to the basis's own condition`, async () => {
      const backend = await open();
      const grid = { degree, intervals: 4, domain: [-1, 1] as const };
      const coarse = await MultichannelMlp.create(backend, { widths: [2, 3], ...grid, seed: degree });
      const fine = await coarse.refine();
      const rows = randomRows(degree, ROWS, 2, RANGE);
      const [expected, actual] = [await outputsOf(coarse, rows), await outputsOf(fine, rows)];
      const bounds = await Promise.all([coarse, fine].map((model) => sumsOfTerms(model, rows)));
      actual.forEach((value, index) => {
        // Weights and powers are rounded degree + 3 times, sums as often as there are terms; for both models.
        const operations = 2 * (degree + 3) + 2 * (8 + degree);
        const bound = operations * roundoff(backend) * (bounds[0][index] + bounds[1][index]);
        expect(value, `output ${index}`).to.be.closeTo(expected[index], bound);
      });
      expect(fine.intervals).to.deep.equal([8]);
    });
  }

  it('keeps the function of a deep network', async () => {
    const backend = await open();
    const options = { widths: [2, 3, 1], degree: 2, intervals: 2, hiddenDomain: [-0.5, 0.5] as const, seed: 2 };
    const coarse = await MultichannelMlp.create(backend, options);
    const rows = randomRows(3, ROWS, 2, RANGE);
    const fine = await coarse.refine();
    // Two layers whose terms are up to about a thousand times their sum.
    const bound = backend.precision === 'float64' ? 1e-12 : 1000 * roundoff(backend);
    expect(relativeDifference(await outputsOf(fine, rows), await outputsOf(coarse, rows))).to.be.below(bound);
  });
});

/** Σ |w ψ(x)| per output: what rounding errors of a dense sum are relative to. */
async function sumsOfTerms(model: MultichannelMlp, rows: number[][]): Promise<number[]> {
  const [layer] = model.layers;
  if (layer.type !== 'power-relu') throw new Error('not a single layer');
  const weights = (await model.parameters.read())['layer0.weights'];
  const coefficients = layer.grid.intervals + layer.grid.degree;
  return rows.flatMap((row) => {
    const sums = new Array<number>(layer.outputs).fill(0);
    row.forEach((x, p) => {
      // Outside, value and slope of the end are two terms.
      const end = Math.min(1, Math.max(-1, x));
      const there = powerReluChannels(end, layer.grid);
      const here = powerReluChannels(x, layer.grid);
      for (let j = 0; j < coefficients; j++) {
        const size = Math.abs(there[j]) + Math.abs(here[j] - there[j]);
        for (let q = 0; q < layer.outputs; q++) {
          sums[q] += size * Math.abs(weights[(p * coefficients + j) * layer.outputs + q]);
        }
      }
    });
    expect(largest(sums)).to.be.above(0);
    return sums;
  });
}
