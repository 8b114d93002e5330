import type { Matrix } from '../arrays.ts';
import { NestkanError } from '../errors.ts';
import { checkFinite, named, valuesAt } from './checks.ts';
import { coordinateKey, coordinateSymbols, givenKey, onlyKnown } from './context.ts';
import { constant, type Expression, isExpression } from './expression.ts';
import type { Pde } from './pde.ts';
import { compile, execute } from './program.ts';
import type { TracedTerm } from './trace.ts';

/** Affine maps of the features to the network's domain, [-1, 1]: scaled = scale · feature + shift. */
export interface FeatureScaling {
  readonly scale: readonly number[];
  readonly shift: readonly number[];
}

/** What the network sees at a point, as formulas of the coordinates. */
export function featuresOf(pde: Pde): readonly Expression[] {
  const coordinates = coordinateSymbols(pde);
  if (pde.features === undefined) return Object.values(coordinates);
  const fix = 'Return at least one formula of the coordinates: features: ({ x }) => [x, x.abs()].';
  const known = onlyKnown(coordinates, 'there is no coordinate');
  const features: unknown = named('features', { fix }, () => pde.features?.(known as never));
  if (Array.isArray(features) && features.length > 0 && features.every(isExpression)) return features;
  throw new NestkanError('INVALID_ARGUMENT', 'features gave no array of formulas', { fix });
}

/** Nodes per coordinate on which the features' ranges are found. */
const RANGE_NODES = { 1: 4097, 2: 129, 3: 33 } as Record<number, number>;

/** Scaling of every feature from its range over the box to [-1, 1]. Throws DOMAIN_INVALID for a constant feature. */
export function featureScaling(pde: Pde): FeatureScaling {
  const nodes = RANGE_NODES[pde.box.length] ?? 9;
  const rows = nodes ** pde.box.length;
  const data = new Float64Array(rows * pde.box.length);
  for (let row = 0; row < rows; row++) {
    let rest = row;
    pde.box.forEach(([, start, end], column) => {
      const node = rest % nodes;
      rest = Math.floor(rest / nodes);
      data[row * pde.box.length + column] = (start * (nodes - 1 - node) + end * node) / (nodes - 1);
    });
  }
  const features = featuresOf(pde);
  const values = evaluateFormulas(pde, features, [{ rows, columns: pde.box.length, data }]);
  const ranges = features.map((_, index) => {
    const column = values.subarray(index * rows, (index + 1) * rows);
    const [least, most] = [column.reduce((a, b) => Math.min(a, b)), column.reduce((a, b) => Math.max(a, b))];
    if (Number.isFinite(most - least) && most > least) return [least, most];
    throw new NestkanError('DOMAIN_INVALID', `feature ${index} ranges from ${least} to ${most} over the domain`, {
      fix: 'Use features that vary and stay finite on the whole domain.',
    });
  });
  return {
    scale: ranges.map(([least, most]) => 2 / (most - least)),
    shift: ranges.map(([least, most]) => -(most + least) / (most - least)),
  };
}

/**
 * Values [formulas, rows] of formulas of the coordinates (symbols {@link coordinateKey}), in float64.
 *
 * @param given what symbols {@link givenKey} stand for
 * @throws NestkanError INVALID_ARGUMENT that names the point where a given function throws, SHAPE_MISMATCH for values that
 * are not as many as the points
 */
export function evaluateFormulas(
  pde: Pde,
  formulas: readonly Expression[],
  traces: readonly Matrix[],
  given: TracedTerm['fields']['given'] = [],
): Float64Array {
  const [{ rows }] = traces;
  const columns = new Map<string, Float64Array>();
  traces.forEach((points, trace) => {
    pde.box.forEach(([name], index) => {
      const column = Float64Array.from({ length: rows }, (_, row) => points.data[row * points.columns + index]);
      columns.set(coordinateKey(trace, name), column);
    });
  });
  given.forEach(({ trace, by }, index) => {
    if (typeof by !== 'function') checkLength(by, rows);
    const values = typeof by === 'function' ? valuesAt('a given function', by, pde.box, traces[trace]) : by;
    columns.set(givenKey(index), values);
  });
  const program = compile(formulas);
  const registers = program.instructions.map(() => new Float64Array(rows));
  execute(program, rows, registers, (key) => ({ from: columns.get(key)!, at: 0, step: 1 }));
  const values = new Float64Array(formulas.length * rows);
  program.results.forEach((result, index) => {
    values.set(registers[result], index * rows);
  });
  return values;
}

function checkLength({ length }: ArrayLike<number>, rows: number): void {
  if (length === rows) return;
  throw new NestkanError('SHAPE_MISMATCH', `it has ${rows} points, at was given ${length} values`, {
    fix: 'Give one value for each point, in the order in which the sampler gives the points.',
  });
}

/**
 * Jets [channels, traces · rows, features] of the scaled features along a term's directions, by the chain rule.
 *
 * They depend on points alone: one upload serves every step.
 */
export function inputJets(
  pde: Pde,
  { name, directions, order, traces }: Pick<TracedTerm, 'name' | 'directions' | 'order' | 'traces'>,
  points: readonly Matrix[],
  { scale, shift }: FeatureScaling,
): Float64Array {
  const features = featuresOf(pde);
  const names = pde.box.map(([name]) => coordinateKey(0, name));
  const along = (f: Expression, direction: readonly number[]) =>
    direction.reduce(
      (sum, weight, index) => (weight === 0 ? sum : sum.add(f.derivative(names[index]).mul(weight))),
      constant(0),
    );
  const channels = [features];
  for (const direction of directions) {
    const first = features.map((f) => along(f, direction));
    channels.push(first);
    if (order === 2) channels.push(first.map((f) => along(f, direction)));
  }
  const [{ rows }] = points;
  const width = features.length;
  const jets = new Float64Array(channels.length * traces * rows * width);
  points.forEach((side, trace) => {
    const values = evaluateFormulas(pde, channels.flat(), [side]);
    const what = `a feature in the term ${name}, or a derivative of one,`;
    checkFinite(what, values, { box: pde.box, points: side, term: name });
    channels.forEach((formulas, channel) => {
      formulas.forEach((_, feature) => {
        const from = (channel * width + feature) * rows;
        const offset = channel === 0 ? shift[feature] : 0;
        for (let row = 0; row < rows; row++) {
          const to = ((channel * traces + trace) * rows + row) * width + feature;
          jets[to] = scale[feature] * values[from + row] + offset;
        }
      });
    });
  });
  return jets;
}
