/**
 * Linear maps into the parameters of a network: prolongations from coarser grids, and the multilevel generating system
 * of all of them. An optimizer can be set to work in the variables v of θ = θ₀ + B v.
 */
import { dispatch } from '../src/backend/dispatch.ts';
import { defineKernel, linearGrid } from '../src/kernels/kernel.ts';
import { type DeviceBuffer, type Dispatch, type Objective, type Optimizer, Parameters } from '../src/node.ts';
import { Memory } from '../src/optimizers/memory.ts';
import { NormalEquations } from '../src/optimizers/normal-equations.ts';
import { refinementMask } from '../src/splines/prolongation.ts';

/** Compressed rows. */
export interface SparseMatrix {
  readonly rows: number;
  readonly columns: number;
  readonly starts: Uint32Array;
  readonly indices: Uint32Array;
  readonly values: Float64Array;
}

type Entry = readonly [row: number, column: number, value: number];

export function sparseMatrix(rows: number, columns: number, entries: readonly Entry[]): SparseMatrix {
  const starts = new Uint32Array(rows + 1);
  for (const [row] of entries) starts[row + 1]++;
  for (let row = 0; row < rows; row++) starts[row + 1] += starts[row];
  const next = starts.slice(0, rows);
  const indices = new Uint32Array(entries.length);
  const values = new Float64Array(entries.length);
  for (const [row, column, value] of entries) {
    indices[next[row]] = column;
    values[next[row]++] = value;
  }
  return { rows, columns, starts, indices, values };
}

export function entriesOf({ rows, starts, indices, values }: SparseMatrix): Entry[] {
  const entries: Entry[] = [];
  for (let row = 0; row < rows; row++) {
    for (let at = starts[row]; at < starts[row + 1]; at++) entries.push([row, indices[at], values[at]]);
  }
  return entries;
}

function transposed(matrix: SparseMatrix): SparseMatrix {
  const entries = entriesOf(matrix).map(([row, column, value]): Entry => [column, row, value]);
  return sparseMatrix(matrix.columns, matrix.rows, entries);
}

function product(left: SparseMatrix, right: SparseMatrix): SparseMatrix {
  const sums = new Map<number, number>();
  for (const [row, inner, factor] of entriesOf(left)) {
    for (let at = right.starts[inner]; at < right.starts[inner + 1]; at++) {
      const place = row * right.columns + right.indices[at];
      sums.set(place, (sums.get(place) ?? 0) + factor * right.values[at]);
    }
  }
  const entries = [...sums].map(([place, value]): Entry => {
    return [Math.floor(place / right.columns), place % right.columns, value];
  });
  return sparseMatrix(left.rows, right.columns, entries);
}

export function multiply({ rows, starts, indices, values }: SparseMatrix, vector: Float64Array): Float64Array {
  const result = new Float64Array(rows);
  for (let row = 0; row < rows; row++) {
    for (let at = starts[row]; at < starts[row + 1]; at++) result[row] += values[at] * vector[indices[at]];
  }
  return result;
}

/** Where the coefficients [inputs, coefficients, outputs] of every layer lie in a flat vector. */
export interface Layout {
  readonly length: number;
  readonly tensors: readonly {
    readonly offset: number;
    readonly inputs: number;
    readonly coefficients: number;
    readonly outputs: number;
  }[];
}

/** A network of spline layers alone, all of one degree. */
export function layoutOf({ variables }: Objective): Layout {
  if (!(variables instanceof Parameters)) throw new Error('these are not the parameters of a network');
  const tensors = variables.entries.map(({ offset, shape: [inputs, coefficients, outputs] }) => {
    return { offset, inputs, coefficients, outputs };
  });
  return { length: variables.length, tensors };
}

/** From half as many intervals, and where their coefficients lie. */
function prolongation(fine: Layout, degree: number): { readonly matrix: SparseMatrix; readonly coarse: Layout } {
  const mask = refinementMask(degree);
  const entries: Entry[] = [];
  let length = 0;
  const tensors = fine.tensors.map(({ offset, inputs, coefficients, outputs }) => {
    const tensor = { offset: length, inputs, coefficients: (coefficients - degree) / 2 + degree, outputs };
    length += inputs * tensor.coefficients * outputs;
    for (let p = 0; p < inputs; p++) {
      for (let k = 0; k < tensor.coefficients; k++) {
        mask.forEach((value, s) => {
          const j = 2 * k + s - degree;
          if (j < 0 || j >= coefficients) return;
          for (let q = 0; q < outputs; q++) {
            const row = offset + (p * coefficients + j) * outputs + q;
            entries.push([row, tensor.offset + (p * tensor.coefficients + k) * outputs + q, value]);
          }
        });
      }
    }
    return tensor;
  });
  return { matrix: sparseMatrix(fine.length, length, entries), coarse: { length, tensors } };
}

export interface Grids {
  readonly degree: number;
  /** Intervals of the coarsest level. */
  readonly coarsest: number;
}

/** Prolongations to the objective's grid from the next coarser one, from the one after that, and so on. */
export function prolongations(objective: Objective, grids: Grids): SparseMatrix[] {
  return chain(objective, grids).map(({ matrix }) => matrix);
}

function chain(objective: Objective, { degree, coarsest }: Grids) {
  const chained: { readonly matrix: SparseMatrix; readonly layout: Layout }[] = [];
  let layout = layoutOf(objective);
  let matrix: SparseMatrix | undefined;
  while (layout.tensors[0].coefficients - degree >= 2 * coarsest) {
    const step = prolongation(layout, degree);
    matrix = matrix ? product(matrix, step.matrix) : step.matrix;
    layout = step.coarse;
    chained.push({ matrix, layout });
  }
  return chained;
}

/** How the levels of a generating system weigh: all alike, or every layer's by the inverse of its mean energy. */
export type LevelScaling = 'equal' | 'energy';

/**
 * B = (I, P₁ D₁^½, P₂ D₂^½ …), whose B Bᵀ is the multilevel preconditioner of Bramble, Pasciak and Xu: D is 1, or for
 * the coefficients of a layer on a level the mean of diag H on the finest grid over that of diag PᵀHP, with H = JᵀWJ at
 * the start.
 */
export async function generatingSystem(
  objective: Objective,
  grids: Grids,
  scaling: LevelScaling,
): Promise<SparseMatrix> {
  const finest = layoutOf(objective);
  const levels = chain(objective, grids);
  const energies = scaling === 'energy' && levels.length > 0 ? await energyOf(objective) : undefined;
  const identity = Array.from({ length: finest.length }, (_, i): Entry => [i, i, 1]);
  const entries = energies ? identity : [...identity];
  const reference = energies && meansOf(finest, energies(identity));
  let columns = finest.length;
  for (const { matrix, layout } of levels) {
    const own = entriesOf(matrix);
    const means = energies && meansOf(layout, energies(own, layout.length));
    const scales = layout.tensors.map((_, layer) => (means ? Math.sqrt(reference![layer] / means[layer]) : 1));
    for (const [row, column, value] of own) {
      entries.push([row, columns + column, value * scales[layerOf(layout, column)]]);
    }
    columns += layout.length;
  }
  return sparseMatrix(finest.length, columns, entries);
}

/** diag BᵀHB for the columns of B. */
async function energyOf(objective: Objective): Promise<(b: readonly Entry[], columns?: number) => Float64Array> {
  const { backend, variables, leastSquares } = objective;
  const equations = await NormalEquations.open(backend, variables.length, leastSquares!());
  const { active, hessian } = await equations.assemble();
  equations.close();
  const place = new Int32Array(variables.length).fill(-1);
  active.forEach((index, at) => {
    place[index] = at;
  });
  return (entries, columns = variables.length) => {
    const byColumn = Array.from({ length: columns }, (): Entry[] => []);
    for (const entry of entries) if (place[entry[0]] >= 0) byColumn[entry[1]].push(entry);
    return Float64Array.from(byColumn, (own) => {
      let energy = 0;
      for (const [i, , a] of own)
        for (const [j, , b] of own) energy += a * b * hessian[place[i] * active.length + place[j]];
      return energy;
    });
  };
}

function layerOf({ tensors }: Layout, column: number): number {
  return tensors.filter(({ offset }) => offset <= column).length - 1;
}

function meansOf({ tensors }: Layout, values: Float64Array): number[] {
  return tensors.map(({ offset, inputs, coefficients, outputs }) => {
    const own = values.subarray(offset, offset + inputs * coefficients * outputs);
    return own.reduce((sum, value) => sum + value, 0) / own.length;
  });
}

/** y = shift + A x, as a kernel of its own. These experiments run on the CPU alone. */
function affineMap(matrix: SparseMatrix, buffers: Readonly<Record<'x' | 'shift' | 'y', DeviceBuffer>>): Dispatch {
  const { rows, columns, starts, indices, values } = matrix;
  const kernel = defineKernel({
    name: 'sparse-affine-map',
    wgsl: '',
    bindings: { x: 'read', shift: 'read', y: 'write' },
    constants: [],
    lengths: () => ({ x: columns, shift: rows, y: rows }),
    workgroups: () => linearGrid(rows),
    flops: () => 2 * values.length,
    reference({ x, shift, y }) {
      for (let row = 0; row < rows; row++) {
        let sum = shift[row];
        for (let at = starts[row]; at < starts[row + 1]; at++) sum += values[at] * x[indices[at]];
        y[row] = sum;
      }
    },
  });
  return dispatch(kernel, buffers, {});
}

/** An optimizer at work on v in θ = θ₀ + B v, from v = 0; the gradient that it sees is Bᵀ∇. */
export function inVariables(
  optimizer: Optimizer,
  mapOf: (objective: Objective) => SparseMatrix | Promise<SparseMatrix>,
): Optimizer {
  return {
    name: optimizer.name,
    async start(objective, budget) {
      const { backend, variables } = objective;
      const memory = new Memory(backend);
      const map = await mapOf(objective);
      const origin = memory.allocate(variables.length);
      const [point] = await backend.read([variables.values]);
      backend.write(origin, point);
      const [values, gradients, none] = [0, 1, 2].map(() => memory.allocate(map.columns));
      const enter = affineMap(map, { x: values, shift: origin, y: variables.values });
      const pullBack = affineMap(transposed(map), { x: variables.gradients, shift: none, y: gradients });
      const leave = await backend.record([enter]);
      const moved = {
        ...objective,
        variables: { values, gradients, length: map.columns },
        leastSquares: undefined,
        evaluate: [enter, ...objective.evaluate, pullBack],
      };
      const run = await optimizer.start(moved, budget);
      return {
        depth: 1,
        async advance(evaluations) {
          const advance = await run.advance(evaluations);
          // The last evaluation need not have been at the point that the optimizer ends at.
          backend.run(leave);
          return advance;
        },
        dispose() {
          run.dispose();
          memory.release();
        },
      };
    },
  };
}
