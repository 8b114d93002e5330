/** The float64 references of layers and of operations on their coefficients: closed forms and finite differences. */
import { expect } from 'chai';
import fc from 'fast-check';
import {
  affineBiasGradient,
  affineForward,
  affineInputGradient,
  affineWeightGradient,
} from '../../src/kernels/affine.ts';
import {
  bandedMultiply,
  bandedSolve,
  bandedTransposeMultiply,
  bandedTransposeSolve,
} from '../../src/kernels/banded.ts';
import {
  powerReluForward,
  powerReluInputGradient,
  powerReluWeightGradient,
} from '../../src/kernels/power-relu-layer.ts';
import { prolongate } from '../../src/kernels/prolongation.ts';
import { splineForward, splineInputGradient } from '../../src/kernels/spline-layer.ts';
import { changeOfBasisMatrix, generalChangeOfBasis } from '../../src/splines/change-of-basis.ts';
import { uniformKnots } from '../../src/splines/knots.ts';
import { type Constants, Random } from './kernel-case.ts';
import { differentiate, evaluate, expectClose, GRADIENT_TOLERANCE, runs, seeds } from './reference-tools.ts';

interface Layer {
  readonly constants: Constants;
  readonly x: Float64Array;
  readonly weights: Float64Array;
  readonly outputGradient: Float64Array;
}

/** Points inside, but no closer to a knot than a difference quotient reaches, and outside. */
function randomLayer(random: Random): Layer {
  const constants = {
    batch: random.integer(1, 4),
    inputs: random.integer(1, 3),
    outputs: random.integer(1, 3),
    intervals: random.integer(1, 5),
    degree: random.integer(1, 5),
    domainStart: -1,
    domainEnd: 1.5,
  };
  const { batch, inputs, outputs, intervals, degree } = constants;
  const draw = () => -1 + (2.5 * (random.integer(-2, intervals + 1) + random.uniform(0.1, 0.9))) / intervals;
  const uniform = () => random.uniform(-1, 1);
  return {
    constants,
    x: random.floats(batch * inputs, draw),
    weights: random.floats(inputs * (intervals + degree) * outputs, uniform),
    outputGradient: random.floats(batch * outputs, uniform),
  };
}

describe('power-ReLU layer', () => {
  it('is the sum of powers of ReLU inside the domain', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const random = new Random(seed);
        const { constants, weights } = randomLayer(random);
        const { batch, inputs, outputs, intervals, degree } = constants;
        const x = random.floats(batch * inputs, () => random.uniform(-1, 1.5));
        const knots = uniformKnots({ degree, intervals, domain: [-1, 1.5] });
        const expected = new Float64Array(batch * outputs);
        for (let b = 0; b < batch; b++) {
          for (let i = 0; i < weights.length; i++) {
            const [p, j, q] = [
              Math.floor(i / outputs / (intervals + degree)),
              Math.floor(i / outputs) % (intervals + degree),
              i % outputs,
            ];
            expected[b * outputs + q] += weights[i] * Math.max(0, x[b * inputs + p] - knots[j]) ** degree;
          }
        }
        expectClose(evaluate(powerReluForward, constants, { x, weights }), expected, 1e-12);
      }),
      runs,
    );
  });

  it('equals the spline layer whose coefficients it has through Aᵀ, inside and outside the domain', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const { constants, x, weights: splineWeights, outputGradient } = randomLayer(new Random(seed));
        const weights = evaluate(bandedTransposeMultiply, constants, { input: splineWeights });
        const spline = evaluate(splineForward, constants, { x, weights: splineWeights });
        // Thirty terms of up to 20 · 2⁵/5! · 5⁵ ≈ 2e4 cancel: 6e5 ε < 1e-10.
        expectClose(evaluate(powerReluForward, constants, { x, weights }), spline, 1e-10);
        const slopes = evaluate(splineInputGradient, constants, { x, weights: splineWeights, outputGradient });
        expectClose(evaluate(powerReluInputGradient, constants, { x, weights, outputGradient }), slopes, 1e-10);
      }),
      runs,
    );
  });

  it('has the gradients that differences of its values give', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const { constants, x, weights, outputGradient } = randomLayer(new Random(seed));
        const toX = differentiate(powerReluForward, constants, { x, weights }, 'x', outputGradient);
        const toWeights = differentiate(powerReluForward, constants, { x, weights }, 'weights', outputGradient);
        const inputs = { x, weights, outputGradient };
        expectClose(evaluate(powerReluInputGradient, constants, inputs), toX, GRADIENT_TOLERANCE);
        expectClose(evaluate(powerReluWeightGradient, constants, inputs), toWeights, GRADIENT_TOLERANCE);
      }),
      runs,
    );
  });

  it('at the domain start a line of degree 1 has the slope of the first cell', () => {
    const constants = { batch: 1, inputs: 1, outputs: 1, intervals: 2, degree: 1, domainStart: 0, domainEnd: 1 };
    // ψ has knots −1/2, 0, 1/2; W counts how many slopes are alive.
    const inputs = { x: Float64Array.of(0), weights: Float64Array.of(1, 10, 100), outputGradient: Float64Array.of(1) };
    expect(evaluate(powerReluInputGradient, constants, inputs)[0]).to.equal(11);
    expect(evaluate(powerReluInputGradient, constants, { ...inputs, x: Float64Array.of(1) })[0]).to.equal(111);
  });
});

describe('change of basis on coefficient tensors', () => {
  function randomTensor(seed: number) {
    const random = new Random(seed);
    const { constants, weights } = randomLayer(random);
    const { batch: _, ...grid } = constants;
    return { constants: grid, input: weights, size: grid.intervals + grid.degree };
  }

  /** matrix (or its transpose) times every line of the tensor */
  function applyDense(
    at: (row: number, column: number) => number,
    tensor: Float64Array,
    size: number,
    outputs: number,
  ) {
    return tensor.map((_, index) => {
      const row = Math.floor(index / outputs) % size;
      let total = 0;
      for (let column = 0; column < size; column++) total += at(row, column) * tensor[index + (column - row) * outputs];
      return total;
    });
  }

  it('multiplies by A and its transpose, built densely from the recursion for any knots', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const { constants, input, size } = randomTensor(seed);
        const { degree, intervals, domainStart, domainEnd, outputs } = constants;
        const grid = { degree, intervals, domain: [domainStart, domainEnd] as const };
        const general = generalChangeOfBasis(uniformKnots(grid), degree);
        const at = (i: number, j: number) => general.data[i * general.columns + j];
        expectClose(evaluate(bandedMultiply, constants, { input }), applyDense(at, input, size, outputs), 1e-11);
        expectClose(
          evaluate(bandedTransposeMultiply, constants, { input }),
          applyDense((i, j) => at(j, i), input, size, outputs),
          1e-11,
        );
        const { data } = changeOfBasisMatrix(grid);
        expectClose(
          evaluate(bandedMultiply, constants, { input }),
          applyDense((i, j) => data[i * size + j], input, size, outputs),
          1e-14,
        );
      }),
      runs,
    );
  });

  it('solves with A and its transpose', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const { constants, input } = randomTensor(seed);
        const product = evaluate(bandedMultiply, constants, { input });
        // Ten coefficients of degree 5: rows of A⁻¹ sum to at most C(15, 6), of |A| to 2⁶: 3e5 ε < 1e-10.
        expectClose(evaluate(bandedSolve, constants, { input: product }), input, 1e-10);
        const transposed = evaluate(bandedTransposeMultiply, constants, { input });
        expectClose(evaluate(bandedTransposeSolve, constants, { input: transposed }), input, 1e-10);
      }),
      runs,
    );
  });
});

describe('prolongation of coefficient tensors', () => {
  it('keeps the spline layer, inside and outside the domain', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const { constants, x, weights } = randomLayer(new Random(seed));
        const fine = { ...constants, intervals: 2 * constants.intervals };
        const refined = evaluate(prolongate, constants, { coarse: weights });
        expectClose(
          evaluate(splineForward, fine, { x, weights: refined }),
          evaluate(splineForward, constants, { x, weights }),
          1e-13,
        );
      }),
      runs,
    );
  });
});

describe('affine layer', () => {
  const constants = { batch: 2, inputs: 2, outputs: 3, biasRows: 2 };
  const inputs = {
    x: Float64Array.of(1, 2, 3, 4),
    weights: Float64Array.of(1, 0, -1, 2, 1, 0),
    bias: Float64Array.of(10, 20, 30),
    outputGradient: Float64Array.of(1, 2, 3, 4, 5, 6),
  };

  it('multiplies and adds', () => {
    expect([...evaluate(affineForward, constants, inputs)]).to.deep.equal([15, 22, 29, 21, 24, 27]);
  });

  it('adds the bias to the first rows only, where told', () => {
    const derivatives = { ...constants, biasRows: 1 };
    expect([...evaluate(affineForward, derivatives, inputs)]).to.deep.equal([15, 22, 29, 11, 4, -3]);
  });

  it('has the gradients that differences of its values give', () => {
    const { outputGradient, ...layer } = inputs;
    const expected = (variable: string) => differentiate(affineForward, constants, layer, variable, outputGradient);
    expectClose(evaluate(affineInputGradient, constants, inputs), expected('x'), 1e-10);
    expectClose(evaluate(affineWeightGradient, constants, inputs), expected('weights'), 1e-10);
    expectClose(evaluate(affineBiasGradient, constants, inputs), expected('bias'), 1e-10);
  });
});
