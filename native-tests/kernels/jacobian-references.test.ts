/** The float64 references of compact Jacobian rows and of sums over them: finite differences and definitions. */
import { expect } from 'chai';
import fc from 'fast-check';
import { affineForward } from '../../src/kernels/affine.ts';
import {
  affineJacobianRows,
  DIFFERENCE_SLOTS,
  denseJacobianRows,
  differenceJacobianRows,
  splineJacobianRows,
} from '../../src/kernels/jacobian-rows.ts';
import type { Kernel } from '../../src/kernels/kernel.ts';
import { normalMatrix } from '../../src/kernels/normal-equations.ts';
import { splineJetForward } from '../../src/kernels/spline-jet.ts';
import { splineJetJacobianRows } from '../../src/kernels/spline-jet-jacobian-rows.ts';
import { splineForward } from '../../src/kernels/spline-layer.ts';
import { compactRows, rowConstants } from './jacobian-cases.ts';
import { type JetConstants, jets } from './jet-cases.ts';
import { type Buffers, type Constants, Random, withOutputs } from './kernel-case.ts';
import { layerConstants } from './layer-cases.ts';
import { differentiate, expectClose, GRADIENT_TOLERANCE, runs, seeds } from './reference-tools.ts';

/** Every row of a kernel, chunk after chunk: the columns and values of its own slots, by point. */
function allRows(kernel: Kernel, constants: Constants, inputs: Buffers, own: number) {
  const { samples, traces, chunk, slots, slot } = constants;
  const rows: { columns: number[]; values: number[] }[] = [];
  for (let number = 0; number * chunk < samples; number++) {
    const buffers = withOutputs(kernel, constants, { ...inputs, counter: Uint32Array.of(number) });
    kernel.reference(buffers, constants);
    for (let trace = 0; trace < traces; trace++) {
      for (let s = 0; s < Math.min(chunk, samples - number * chunk); s++) {
        const at = (trace * chunk + s) * slots + slot;
        rows[trace * samples + number * chunk + s] = {
          columns: [...buffers['columns'].subarray(at, at + own)],
          values: [...buffers['values'].subarray(at, at + own)],
        };
      }
    }
  }
  return rows;
}

/** Rows summed into the tensor whose first element is parameter `column`. */
function summed(rows: ReturnType<typeof allRows>, { column }: Constants, length: number): Float64Array {
  const sum = new Float64Array(length);
  for (const { columns, values } of rows) {
    columns.forEach((parameter, i) => {
      sum[parameter - column] += values[i];
    });
  }
  return sum;
}

describe('Jacobian rows of a spline layer', () => {
  function randomRows(random: Random, directions: number): { constants: Constants; own: number; x: Float64Array } {
    const layer = layerConstants(random, 6);
    const { batch: samples, inputs, outputs, degree } = layer;
    const own = inputs * (degree + 1) * outputs;
    const rows = rowConstants(random, { own, samples });
    const batch = rows.traces * samples;
    const constants = { ...layer, ...rows, batch, directions, order: random.integer(1, 2) };
    return { constants, own, x: jets(random, constants as JetConstants) };
  }

  it('add up to what differences of the outputs give, on plain values and on jets, inside and outside the domain', () => {
    fc.assert(
      fc.property(seeds, fc.integer({ min: 0, max: 3 }), (seed, directions) => {
        const random = new Random(seed);
        const { constants, own, x } = randomRows(random, directions);
        const { batch, inputs, outputs, intervals, degree, order } = constants;
        const adjoint = random.floats((1 + order * directions) * batch * outputs, () => random.uniform(-1, 1));
        const weights = new Float64Array(inputs * (intervals + degree) * outputs);
        const forward: Kernel = directions > 0 ? splineJetForward : splineForward;
        const expected = differentiate(forward, constants, { x, weights }, 'weights', adjoint);
        const kernel: Kernel = directions > 0 ? splineJetJacobianRows : splineJacobianRows;
        const rows = allRows(kernel, constants, { x, adjoint }, own);
        expect(rows).to.have.length(batch);
        expectClose(summed(rows, constants, weights.length), expected, GRADIENT_TOLERANCE);
      }),
      runs,
    );
  });

  it('never have a coefficient in two slots', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const random = new Random(seed);
        const { constants, own, x } = randomRows(random, random.integer(0, 2));
        const { batch, outputs, directions, order } = constants;
        const adjoint = new Float64Array((1 + order * directions) * batch * outputs);
        const kernel: Kernel = directions > 0 ? splineJetJacobianRows : splineJacobianRows;
        const places = new Map<number, number>();
        for (const { columns } of allRows(kernel, constants, { x, adjoint }, own)) {
          expect(new Set(columns).size).to.equal(own);
          columns.forEach((column, slot) => {
            expect(places.get(column) ?? slot).to.equal(slot);
            places.set(column, slot);
          });
        }
      }),
      runs,
    );
  });
});

describe('Jacobian rows of an affine layer', () => {
  it('add up to what differences of the outputs give, over all channels', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const random = new Random(seed);
        const [inputs, outputs, channels] = [random.integer(1, 4), random.integer(1, 4), random.integer(1, 5)];
        const rows = rowConstants(random, { own: inputs * outputs, samples: random.integer(1, 6) });
        const constants = { ...rows, channels, inputs, outputs };
        const batch = channels * rows.traces * rows.samples;
        const x = random.floats(batch * inputs, () => random.uniform(-1, 1));
        const adjoint = random.floats(batch * outputs, () => random.uniform(-1, 1));
        const layer = { x, weights: new Float64Array(inputs * outputs), bias: new Float64Array(outputs) };
        const sizes = { batch, inputs, outputs, biasRows: 0 };
        const expected = differentiate(affineForward, sizes, layer, 'weights', adjoint);
        const found = allRows(affineJacobianRows, constants, { x, adjoint }, inputs * outputs);
        expectClose(summed(found, constants, inputs * outputs), expected, GRADIENT_TOLERANCE);
      }),
      runs,
    );
  });
});

describe('Jacobian rows that lie ready', () => {
  const rows = { samples: 3, traces: 2, chunk: 2, slots: 4, slot: 1, column: 10 };
  const source = Float64Array.from({ length: 20 }, (_, i) => i);
  const read = (layout: Constants) => allRows(denseJacobianRows, { ...rows, ...layout }, { source }, 2);

  it('are read point after point, or entry after entry', () => {
    const byPoint = read({ count: 2, offset: 1, pointStride: 3, entryStride: 1, sourceTraces: 2 });
    expect(byPoint.map(({ values }) => values)).to.deep.equal([0, 1, 2, 3, 4, 5].map((b) => [1 + 3 * b, 2 + 3 * b]));
    const byEntry = read({ count: 2, offset: 0, pointStride: 1, entryStride: 6, sourceTraces: 2 });
    expect(byEntry.map(({ values }) => values)).to.deep.equal([0, 1, 2, 3, 4, 5].map((b) => [b, 6 + b]));
    for (const { columns } of [...byPoint, ...byEntry]) expect(columns).to.deep.equal([10, 11]);
  });

  it('are zero in traces that the source does not have', () => {
    const found = read({ count: 2, offset: 0, pointStride: 1, entryStride: 3, sourceTraces: 1 });
    expect(found.map(({ values }) => values)).to.deep.equal([[0, 3], [1, 4], [2, 5], ...[3, 4, 5].map(() => [0, 0])]);
  });
});

describe('Jacobian rows of second differences', () => {
  it('are 1, −2, 1 and the difference itself, chunk after chunk, no coefficient in two slots', () => {
    const [inputs, coefficients, outputs] = [2, 5, 3];
    const rows = { samples: 18, traces: 1, chunk: 5, slots: 6, slot: 1, column: 10 };
    const constants = { ...rows, coefficients, outputs, residualColumn: 99 };
    const u = Float64Array.from({ length: inputs * coefficients * outputs }, (_, i) => Math.sin(7 * i));
    const found = allRows(differenceJacobianRows, constants, { coefficients: u }, DIFFERENCE_SLOTS);
    const expected = [];
    for (let p = 0; p < inputs; p++) {
      for (let k = 0; k + 2 < coefficients; k++) {
        for (let q = 0; q < outputs; q++) {
          const place = (j: number) => (p * coefficients + k + j) * outputs + q;
          const difference = u[place(0)] - 2 * u[place(1)] + u[place(2)];
          expected.push({ [10 + place(0)]: 1, [10 + place(1)]: -2, [10 + place(2)]: 1, 99: difference });
        }
      }
    }
    expect(found.map(({ columns, values }) => Object.fromEntries(columns.map((c, i) => [c, values[i]])))).to.deep.equal(
      expected,
    );
    const slots = found.flatMap(({ columns }) => columns.map((column, slot) => `${column} in slot ${slot}`));
    expect(new Set(slots).size).to.equal(inputs * coefficients * outputs + 1);
  });
});

describe('normal matrix', () => {
  it('is Σ_s weight a aᵀ, a the sum of the rows of all traces, whatever the chunks and tiles', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const random = new Random(seed);
        const samples = random.integer(1, 12);
        // Few slots, or enough of them for several strips of the reference.
        const own = random.integer(1, random.pick([5, 90]));
        const { slot: _, column: __, ...rows } = rowConstants(random, { own, samples });
        const { traces, chunk, slots } = rows;
        const constants = {
          ...rows,
          size: slots + random.integer(0, 6),
          tiles: random.integer(1, 3),
          factor: random.uniform(0, 2),
        };
        const { size, tiles, factor } = constants;
        const weights = random.floats(samples, () => random.uniform(0, 2));
        const buffers = withOutputs(normalMatrix, constants, {
          weights,
          matrix: new Float64Array(tiles * size * size),
          rest: new Float64Array(tiles * size * size),
        });
        const expected = new Float64Array(size * size);
        const owners = random.integer(0, 1e6);
        for (let number = 0; number * chunk < samples; number++) {
          // The same owners of columns for all chunks: a column is never in two slots.
          const { values, columns } = compactRows(new Random(owners), constants, number, () => random.uniform(-1, 1));
          normalMatrix.reference(
            { ...buffers, weights, values, columns, counter: Uint32Array.of(number) } as never,
            constants,
          );
          for (let s = number * chunk; s < Math.min(samples, (number + 1) * chunk); s++) {
            const a = new Float64Array(size);
            for (let trace = 0; trace < traces; trace++) {
              const at = (trace * chunk + (s - number * chunk)) * slots;
              for (let entry = at; entry < at + slots; entry++) a[columns[entry]] += values[entry];
            }
            for (let i = 0; i < size; i++) {
              for (let j = 0; j < size; j++) expected[i * size + j] += factor * weights[s] * a[i] * a[j];
            }
          }
        }
        const { matrix } = buffers;
        const actual = expected.map((_, index) => {
          const [i, j] = [Math.floor(index / size), index % size];
          let sum = 0;
          for (let tile = 0; tile < tiles * size * size; tile += size * size) {
            sum += matrix[tile + index] + (i === j ? 0 : matrix[tile + j * size + i]);
          }
          return sum;
        });
        expectClose(actual, expected, 1e-13);
      }),
      runs,
    );
  });
});
