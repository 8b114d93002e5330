import type { Matrix } from '../arrays.ts';
import { NestkanError } from '../errors.ts';
import { checkFinite } from './checks.ts';
import { constant, type Expression, isExpression } from './expression.ts';
import type { Pde } from './pde.ts';
import { compile, execute } from './program.ts';
import { coordinateKey, coordinateSymbols, givenKey, type TracedTerm } from './trace.ts';

/** Affine maps of the features to the network's domain, [-1, 1]: scaled = scale · feature + shift. */
export interface FeatureScaling {
  readonly scale: readonly number[];
  readonly shift: readonly number[];
}

/** What the network sees at a point, as formulas of the coordinates. */
export function featuresOf(pde: Pde): readonly Expression[] {
  const coordinates = coordinateSymbols(pde);
  const features: unknown = pde.features?.(coordinates as never) ?? Object.values(coordinates);
  if (Array.isArray(features) && features.length > 0 && features.every(isExpression)) return features;
  throw new NestkanError('INVALID_ARGUMENT', 'features gave no array of formulas', {
    fix: 'Return at least one formula of the coordinates: features: ({ x }) => [x, x.abs()].',
  });
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

/** Values [formulas, rows] of formulas of the coordinates (symbols {@link coordinateKey}), in float64. */
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
  given.forEach(({ trace, f }, index) => {
    const { data, columns: width } = traces[trace];
    const at = (row: number) => f(...data.subarray(row * width, (row + 1) * width));
    columns.set(
      givenKey(index),
      Float64Array.from({ length: rows }, (_, row) => at(row)),
    );
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

/**
 * Jets [channels, traces · rows, features] of the scaled features along a term's directions, by the chain rule.
 *
 * They depend on points alone: one upload serves every step.
 */
export function inputJets(
  pde: Pde,
  { directions, order, traces }: Pick<TracedTerm, 'directions' | 'order' | 'traces'>,
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
    checkFinite('a feature or a derivative of one', values, pde.box, side);
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
