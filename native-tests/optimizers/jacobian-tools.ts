/** Compact Jacobian rows unpacked into dense matrices, and finite differences of the residuals they belong to. */
import { expect } from 'chai';
import type { Backend } from '../../src/backend/backend.ts';
import { rowElements } from '../../src/kernels/jacobian-rows.ts';
import { ceilDiv } from '../../src/kernels/kernel.ts';
import { Kan } from '../../src/models/kan.ts';
import type { Network } from '../../src/models/network.ts';
import { regression } from '../../src/multilevel/regression.ts';
import type { Objective, ResidualBlock } from '../../src/optimizers/objective.ts';
import { outputsOf, randomRows } from '../models/model-tools.ts';

/** A block of residuals as the definition has it; the last column of both matrices is the residual itself. */
export interface DenseBlock {
  readonly samples: number;
  /** factor · weights */
  readonly weights: Float64Array;
  /** [samples, columns], summed over traces, and the same of the sizes of all entries. */
  readonly jacobian: Float64Array;
  readonly sizes: Float64Array;
  readonly columns: number;
}

/** All blocks of a least-squares objective at its present variables, made a few samples at a time. */
export async function denseBlocks({ backend, leastSquares, variables }: Objective): Promise<DenseBlock[]> {
  const { evaluate, blocks } = leastSquares!();
  backend.run(await backend.record([...evaluate, ...blocks.flatMap(({ sweep }) => sweep)]));
  const dense: DenseBlock[] = [];
  for (const block of blocks) {
    const { samples, traces, slots, factor } = block;
    // Three chunks, the last of them not full.
    const chunk = ceilDiv(samples, 3) + (samples % 3 === 0 && samples > 3 ? 1 : 0);
    const length = rowElements({ traces, chunk, slots });
    const [values, columns, counter] = [
      backend.allocate(length),
      backend.allocate(length, { type: 'uint' }),
      backend.allocate(1, { type: 'uint' }),
    ];
    const target = { values, columns, counter, chunk, residualColumn: variables.length };
    const recording = await backend.record(block.rows(target));
    const unpacked = emptyBlock(block, variables.length + 1, await backend.read([block.weights]), factor);
    for (let number = 0; number * chunk < samples; number++) {
      backend.write(counter, [number]);
      backend.run(recording);
      const [entries, places] = await backend.read([values, columns]);
      const first = number * chunk;
      for (let s = 0; s < Math.min(chunk, samples - first); s++) {
        for (let trace = 0; trace < traces; trace++) {
          const at = (trace * chunk + s) * slots;
          unpack(unpacked, first + s, entries.subarray(at, at + slots), places.subarray(at, at + slots));
        }
      }
    }
    for (const buffer of [values, columns, counter]) backend.release(buffer);
    dense.push(unpacked);
  }
  return dense;
}

function emptyBlock(
  { samples }: ResidualBlock,
  columns: number,
  [weights]: readonly Float64Array[],
  factor: number,
): DenseBlock {
  const matrix = () => new Float64Array(samples * columns);
  return { samples, weights: weights.map((weight) => factor * weight), jacobian: matrix(), sizes: matrix(), columns };
}

function unpack({ jacobian, sizes, columns }: DenseBlock, sample: number, values: Float64Array, places: Float64Array) {
  expect(new Set(places).size, 'a parameter in two slots of a row').to.equal(places.length);
  values.forEach((value, slot) => {
    expect(places[slot]).to.be.below(columns);
    jacobian[sample * columns + places[slot]] += value;
    sizes[sample * columns + places[slot]] += Math.abs(value);
  });
}

/** Σ over blocks and samples of weight · a aᵀ [columns, columns], and the sum of the sizes of its terms. */
export function normalMatrixOf(blocks: readonly DenseBlock[]): { matrix: Float64Array; sizes: Float64Array } {
  const { columns } = blocks[0];
  const matrix = new Float64Array(columns * columns);
  const sizes = new Float64Array(columns * columns);
  for (const { samples, weights, ...block } of blocks) {
    for (let s = 0; s < samples; s++) {
      const row = (of: Float64Array) => of.subarray(s * columns, (s + 1) * columns);
      const [a, size] = [row(block.jacobian), row(block.sizes)];
      for (let i = 0; i < columns; i++) {
        if (size[i] === 0) continue;
        for (let j = 0; j < columns; j++) {
          matrix[i * columns + j] += weights[s] * a[i] * a[j];
          sizes[i * columns + j] += Math.abs(weights[s]) * size[i] * size[j];
        }
      }
    }
  }
  return { matrix, sizes };
}

const STEP = 2 ** -14;
const CHECKED_PER_TENSOR = 16;

/**
 * Compares the rows with central differences of the residuals, which `residuals` computes by other means, block by block.
 *
 * Differences are off by about |D(2h) − D(h)|/3, their truncation error, and by the residuals' rounding over h.
 */
export async function expectRowsOf(
  model: Network,
  blocks: readonly DenseBlock[],
  residuals: () => Promise<readonly ArrayLike<number>[]>,
): Promise<void> {
  const { parameters } = model;
  const values = await parameters.read();
  expect(blocks.length).to.be.above(0);
  (await residuals()).forEach((block, index) => {
    const { samples, columns, jacobian } = blocks[index];
    expect(block.length).to.equal(samples);
    for (let s = 0; s < samples; s++) {
      expect(jacobian[(s + 1) * columns - 1], `residual ${s}`).to.be.closeTo(
        block[s],
        1e-11 * (1 + Math.abs(block[s])),
      );
    }
  });
  for (const { name, offset } of parameters.entries) {
    const array = values[name];
    const at = async (element: number, shift: number) => {
      parameters.write({ [name]: array.map((value, i) => (i === element ? value + shift : value)) });
      return residuals();
    };
    for (let element = 0; element < array.length; element += ceilDiv(array.length, CHECKED_PER_TENSOR)) {
      const [below2, below] = [await at(element, -2 * STEP), await at(element, -STEP)];
      const [above, above2] = [await at(element, STEP), await at(element, 2 * STEP)];
      blocks.forEach(({ samples, columns, jacobian }, block) => {
        for (let s = 0; s < samples; s++) {
          const near = (above[block][s] - below[block][s]) / (2 * STEP);
          const far = (above2[block][s] - below2[block][s]) / (4 * STEP);
          const size = 1 + Math.abs(above[block][s]) + Math.abs(near);
          const bound = Math.abs(far - near) + (512 * 2 ** -53 * size) / STEP;
          const where = `${name}[${element}], block ${block}, sample ${s}`;
          expect(jacobian[s * columns + offset + element], where).to.be.closeTo(near, bound);
          expect(bound, `${where}: the bound must mean something`).to.be.below(1e-4 * size);
        }
      });
    }
    parameters.write({ [name]: array });
  }
}

/** Data that a network made, to be learned by that network with its coefficients displaced. */
export async function teacherObjective(backend: Backend): Promise<Objective> {
  const teacher = Kan.create(backend, {
    widths: [2, 2, 1],
    intervals: 2,
    hiddenIntervals: 1,
    hiddenDomain: [-1, 1],
    seed: 5,
  });
  const inputs = randomRows(4, 150, 2);
  const targets = Array.from(await outputsOf(teacher, inputs), (value) => [value]);
  const objective = regression({ inputs, targets }).bind(teacher);
  for (const [name, array] of Object.entries(await teacher.parameters.read())) {
    teacher.parameters.write({ [name]: array.map((value, i) => value + 0.1 * Math.sin(9 * i + 1)) });
  }
  return objective;
}
