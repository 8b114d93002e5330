import type { Matrix } from '../arrays.ts';
import { NestkanError } from '../errors.ts';
import type { Random } from '../random.ts';
import { describe } from './expression.ts';

/** The box on which a problem is posed: a range per coordinate, in order. */
export type Box = readonly (readonly [name: string, start: number, end: number])[];

export interface SamplingContext {
  readonly box: Box;
  /** Of this term and level alone. */
  readonly random: Random;
  /**
   * Asks for points that are as good as the sampler's own but others: a sampler that always gives the same points may give
   * some between them. Used to check a solution where it was not trained.
   */
  readonly heldOut?: boolean;
}

/** Points [points, coordinates] where a term is to hold; asked for anew on every level. */
export type Sampler = (context: SamplingContext) => Matrix;

/** Points inside the box. */
export function interior(
  count: number,
  { method = 'quasi-random' }: { method?: 'quasi-random' | 'uniform' } = {},
): Sampler {
  checkCount(count);
  return ({ box, random }) => inBox(box, unitPoints(count, box.length, method, random));
}

/**
 * Points on faces of the box: those of `coordinates`, or of all, in proportion to their size.
 *
 * ```ts
 * const walls = faces(400, { coordinates: ['x'] });
 * ```
 */
export function faces(count: number, { coordinates }: { coordinates?: readonly string[] } = {}): Sampler {
  checkCount(count);
  return (context) => {
    const { box } = context;
    for (const name of coordinates ?? []) coordinateIndex(box, name);
    const chosen = box.filter(([name]) => coordinates?.includes(name) ?? true);
    const sizes = chosen.map(([name]) =>
      box.reduce((size, [other, a, b]) => (other === name ? size : size * (b - a)), 1),
    );
    const total = 2 * sizes.reduce((sum, size) => sum + size, 0);
    let passed = 0;
    let placed = 0;
    const parts = chosen.flatMap(([name, start, end], index) =>
      [start, end].map((value) => {
        passed += sizes[index];
        const upTo = Math.round((count * passed) / total);
        const part = face({ [name]: value }, Math.max(1, upTo - placed))(context);
        placed = upTo;
        return part;
      }),
    );
    return stack(parts);
  };
}

/** Quasi-random points on the part of the box where some coordinates are fixed: a face, an initial line, an interface. */
export function face(fixed: Readonly<Record<string, number>>, count: number): Sampler {
  checkCount(count);
  return ({ box, random }) => {
    const indices = Object.keys(fixed).map((name) => coordinateIndex(box, name));
    const points = inBox(box, unitPoints(count, box.length, 'quasi-random', random));
    indices.forEach((column, index) => {
      const value = Object.values(fixed)[index];
      for (let row = 0; row < points.rows; row++) points.data[row * points.columns + column] = value;
    });
    return points;
  };
}

/**
 * Nodes of an equispaced grid of counts[j] nodes along coordinate j: those inside the box, on its boundary, or all.
 * Fixed coordinates take one value and no nodes.
 */
export function grid(
  counts: Readonly<Record<string, number>>,
  { part = 'all', fixed = {} }: { part?: 'inside' | 'boundary' | 'all'; fixed?: Readonly<Record<string, number>> } = {},
): Sampler {
  for (const count of Object.values(counts)) checkCount(count);
  if (part !== 'inside' && part !== 'boundary' && part !== 'all') {
    throw new NestkanError('INVALID_ARGUMENT', `a grid has no part ${describe(part)}`, {
      fix: "Use 'inside', 'boundary' or 'all'.",
    });
  }
  return ({ box, random, heldOut }) => {
    for (const name of [...Object.keys(counts), ...Object.keys(fixed)]) coordinateIndex(box, name);
    const axes = box.map(([name, start, end]) => {
      if (Object.hasOwn(fixed, name)) return [{ value: fixed[name], edge: false }];
      const nodes = counts[name] ?? 1;
      return Array.from({ length: nodes }, (_, node) => ({
        value: nodes === 1 ? (start + end) / 2 : (start * (nodes - 1 - node) + end * node) / (nodes - 1),
        edge: node === 0 || node === nodes - 1,
      }));
    });
    let rows: { values: number[]; edge: boolean }[] = [{ values: [], edge: false }];
    for (const axis of axes) {
      rows = rows.flatMap((row) =>
        axis.map(({ value, edge }) => ({ values: [...row.values, value], edge: row.edge || edge })),
      );
    }
    const kept = rows.filter(({ edge }) => part === 'all' || edge === (part === 'boundary'));
    const data = Float64Array.from(kept.flatMap(({ values }) => values));
    if (heldOut) {
      box.forEach(([, start, end], column) => {
        if (axes[column].length === 1) return;
        for (let row = 0; row < kept.length; row++) {
          const at = row * box.length + column;
          const onFace = part === 'boundary' && (data[at] === start || data[at] === end);
          if (!onFace) data[at] = start + (end - start) * random.uniform();
        }
      });
    }
    return { rows: kept.length, columns: box.length, data };
  };
}

/** The given points, the same on every level. */
export function points(rows: readonly (readonly number[])[]): Sampler {
  return ({ box }) => {
    if (rows.length === 0 || rows.some((row) => row.length !== box.length || !row.every(Number.isFinite))) {
      throw new NestkanError('SHAPE_MISMATCH', `points must be rows of ${box.length} finite numbers`, {
        fix: `Give one number for each of: ${box.map(([name]) => name).join(', ')}.`,
      });
    }
    return { rows: rows.length, columns: box.length, data: Float64Array.from(rows.flat()) };
  };
}

/** Points of several matrices, one after the other. */
export function stack(parts: readonly Matrix[]): Matrix {
  const data = Float64Array.from(parts.flatMap((part) => [...part.data]));
  return { rows: data.length / parts[0].columns, columns: parts[0].columns, data };
}

function inBox(box: Box, unit: Matrix): Matrix {
  return {
    ...unit,
    data: unit.data.map((value, index) => {
      const [, start, end] = box[index % box.length];
      return start * (1 - value) + end * value;
    }),
  };
}

/**
 * Points of the unit cube: uniform random ones, or the additive recurrence R_d with a random shift.
 *
 * Source: M. Roberts, The unreasonable effectiveness of quasirandom sequences (2018): steps φ⁻¹ … φ⁻ᵈ, φ^{d+1} = φ + 1.
 */
function unitPoints(rows: number, columns: number, method: 'quasi-random' | 'uniform', random: Random): Matrix {
  if (method === 'uniform') {
    return { rows, columns, data: Float64Array.from({ length: rows * columns }, () => random.uniform()) };
  }
  let phi = 2;
  for (let iteration = 0; iteration < 60; iteration++) phi = (1 + phi) ** (1 / (columns + 1));
  const shift = Array.from({ length: columns }, () => random.uniform());
  const data = Float64Array.from({ length: rows * columns }, (_, index) => {
    const column = index % columns;
    return (shift[column] + (Math.floor(index / columns) + 1) * phi ** -(column + 1)) % 1;
  });
  return { rows, columns, data };
}

function coordinateIndex(box: Box, name: string): number {
  const index = box.findIndex(([candidate]) => candidate === name);
  if (index >= 0) return index;
  throw new NestkanError('INVALID_ARGUMENT', `there is no coordinate ${name}`, {
    fix: `Use one of: ${box.map(([candidate]) => candidate).join(', ')}.`,
  });
}

function checkCount(count: number): void {
  if (Number.isInteger(count) && count >= 1) return;
  throw new NestkanError('INVALID_ARGUMENT', `the number of points is ${describe(count)}`, {
    fix: 'Use a positive whole number, as in interior(1000).',
  });
}
