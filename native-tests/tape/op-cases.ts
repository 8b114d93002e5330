import { activations } from '../../src/kernels/activations.ts';
import type { SplineGrid } from '../../src/splines/grid.ts';
import type { Op } from '../../src/tape/op.ts';
import { activation } from '../../src/tape/ops/activation.ts';
import { add } from '../../src/tape/ops/add.ts';
import { affine } from '../../src/tape/ops/affine.ts';
import { differencePenalty } from '../../src/tape/ops/difference-penalty.ts';
import { meanSquaredError } from '../../src/tape/ops/mean-squared-error.ts';
import { powerReluLayer } from '../../src/tape/ops/power-relu-layer.ts';
import { splineLayer } from '../../src/tape/ops/spline-layer.ts';
import { elements, type Shape } from '../../src/tape/tensor.ts';
import { type Case, randomValues } from './gradient-tools.ts';
import { weightedSum } from './weighted-sum.ts';

/** Σ c · op(inputs) with random c, as a function of the inputs and of c. */
export function opCase<Options>(
  name: string,
  op: Op<Options>,
  options: Options,
  shapes: readonly Shape[],
  values = shapes.map((shape, index) => randomValues(31 * index + name.length, shape)),
): Case {
  const output = op.shape(shapes, options);
  return {
    name,
    shapes: [...shapes, output],
    values: [...values, randomValues(99, output)],
    build(tape, tensors) {
      const inputs = tensors.slice(0, -1);
      return tape.apply(weightedSum, [tape.apply(op, inputs, options), tensors[shapes.length]], undefined);
    },
  };
}

const BATCH = 7;

function gridCase(op: Op<SplineGrid>, degree: number, domain: readonly [number, number], outputs = 3): Case {
  const grid: SplineGrid = { degree, intervals: 5, domain };
  const shapes = [
    [BATCH, 2],
    [2, 5 + degree, outputs],
  ];
  // Half as far again as the domain on both sides.
  const [middle, half] = [(domain[0] + domain[1]) / 2, (domain[1] - domain[0]) / 2];
  const x = randomValues(degree, shapes[0], 1.5 * half).map((value) => Math.fround(middle + value));
  return opCase(`${op.name}, degree ${degree} on [${domain}] to ${outputs}`, op, grid, shapes, [
    x,
    randomValues(17, shapes[1]),
  ]);
}

function usedTwice(name: string, op: Op<void>, shape: Shape): Case {
  const output = op.shape([shape, shape], undefined);
  return {
    name,
    shapes: [shape, output],
    values: [randomValues(5, shape), randomValues(6, output)],
    build: (tape, [x, weights]) => tape.apply(weightedSum, [tape.apply(op, [x, x], undefined), weights], undefined),
  };
}

/** x enters twice on two paths of different length: y = x A + tanh(x A) A, and A three times. */
const branches: Case = {
  name: 'a tensor on two paths',
  shapes: [
    [4, 3],
    [3, 3],
    [4, 3],
  ],
  values: [randomValues(1, [4, 3]), randomValues(2, [3, 3]), randomValues(3, [4, 3])],
  build(tape, [x, a, target]) {
    const first = tape.apply(affine, [x, a], undefined);
    const second = tape.apply(affine, [tape.apply(activation, [first], 'tanh'), a], undefined);
    return tape.apply(meanSquaredError, [tape.apply(add, [first, second, first], undefined), target], undefined);
  },
};

export const opCases: readonly Case[] = [
  ...activations.map((name) => opCase(`activation ${name}`, activation, name, [[5, 3]])),
  opCase('add of two', add, undefined, [[6], [6]]),
  opCase('add of three', add, undefined, [
    [2, 3],
    [2, 3],
    [2, 3],
  ]),
  opCase('affine with bias', affine, undefined, [[BATCH, 3], [3, 4], [4]]),
  opCase('affine without bias', affine, undefined, [
    [BATCH, 3],
    [3, 4],
  ]),
  opCase('mean squared error', meanSquaredError, undefined, [
    [BATCH, 2],
    [BATCH, 2],
  ]),
  ...[2, 3, 9].map((coefficients) =>
    opCase(`difference penalty of ${coefficients}`, differencePenalty, { factor: 0.7 }, [[2, coefficients, 3]]),
  ),
  ...[splineLayer, powerReluLayer].flatMap((op) => [
    ...[1, 2, 3, 4, 5].map((degree) => gridCase(op, degree, [-1, 1])),
    gridCase(op, 3, [-4, 4]),
  ]),
  // Wide enough for kernels of its own.
  gridCase(splineLayer, 3, [-1, 1], 20),
  gridCase(splineLayer, 4, [-1, 1], 16),
  opCase('an op of the user', weightedSum, undefined, [[4], [4]]),
  usedTwice('add of a tensor to itself', add, [2, 3]),
  usedTwice('square of a tensor by an op of the user', weightedSum, [5]),
  branches,
];

/** Number of roundings in the longest chain of a case, generously: terms of its longest sum, and what makes a term. */
export function chainLength({ shapes }: Case): number {
  return 4 * Math.max(...shapes.map(elements)) + 64;
}
