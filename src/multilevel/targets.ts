import type { Matrix } from '../arrays.ts';
import { fitTargetScaling, scaleTargets, type TargetScaling } from '../data/scaling.ts';
import type { KanOptions } from '../models/kan.ts';
import { createRandom, type Random } from '../random.ts';
import type { Samples } from './compare.ts';

/** A function to be learned, on a box. */
export interface RegressionTarget {
  /** In mathematical notation, for people. */
  readonly label: string;
  /** Range of every input. */
  readonly domain: readonly (readonly [number, number])[];
  evaluate(point: readonly number[]): number;
  /** What its source uses in place of the defaults of {@link Kan}. */
  readonly network?: Pick<KanOptions, 'leadingLinear' | 'intervals'>;
}

/** Rotation of the paper's function, in radians, counter-clockwise. */
const ROTATION = 0.175;

/** Built-in test functions: [ML]'s own, and two smooth ones of known difficulty. */
export const regressionTargets = {
  paper: {
    label: 'cos 4πx + sin πy + sin 2πy + |sin 3πy²|, rotated by 0.175',
    domain: [
      [0.0001, 0.9999],
      [0.0001, 0.9999],
    ],
    evaluate([p, q]) {
      const x = Math.cos(ROTATION) * p - Math.sin(ROTATION) * q;
      const y = Math.sin(ROTATION) * p + Math.cos(ROTATION) * q;
      const waves = Math.cos(4 * Math.PI * x) + Math.sin(Math.PI * y) + Math.sin(2 * Math.PI * y);
      return waves + Math.abs(Math.sin(3 * Math.PI * y * y));
    },
    // A linear map undoes the rotation: then a sum of functions of one variable is left, [ML] Table 2.
    network: { leadingLinear: 'with-bias', intervals: 5 },
  },
  'sine-rings': {
    label: 'sin 2π(x² + y²)',
    domain: [
      [-1, 1],
      [-1, 1],
    ],
    evaluate: ([x, y]) => Math.sin(2 * Math.PI * (x * x + y * y)),
  },
  'exp-sine': {
    label: 'exp(sin πx + y²)',
    domain: [
      [-1, 1],
      [-1, 1],
    ],
    evaluate: ([x, y]) => Math.exp(Math.sin(Math.PI * x) + y * y),
  },
} as const satisfies Record<string, RegressionTarget>;

export interface SampledTarget {
  readonly train: Samples;
  readonly test: Samples;
  /** Of the training targets; turns errors back into the function's own units. */
  readonly targetScaling: TargetScaling;
}

/**
 * Uniform random points for training and, independently, for testing: inputs scaled from their ranges to [-1, 1],
 * targets to mean 0 and variance 1 of the training points.
 *
 * @throws NestkanError INVALID_ARGUMENT for a bad seed, DATA_CONSTANT_COLUMN where all training targets are equal
 */
export function sampleTarget(
  { domain, evaluate }: RegressionTarget,
  { train, test, seed = 0 }: { train: number; test: number; seed?: number },
): SampledTarget {
  const random = createRandom(seed);
  const trainPoints = drawPoints(domain.length, train, random);
  const testPoints = drawPoints(domain.length, test, random);
  const valuesAt = ({ rows, columns, data }: Matrix) =>
    Float64Array.from({ length: rows }, (_, row) =>
      evaluate(domain.map(([a, b], j) => a + ((b - a) * (data[row * columns + j] + 1)) / 2)),
    );
  const trainValues = valuesAt(trainPoints);
  const targetScaling = fitTargetScaling(trainValues, ['target']);
  const samples = (inputs: Matrix, values: Float64Array): Samples => ({
    inputs,
    targets: { rows: inputs.rows, columns: 1, data: scaleTargets(targetScaling, values) },
  });
  return { train: samples(trainPoints, trainValues), test: samples(testPoints, valuesAt(testPoints)), targetScaling };
}

function drawPoints(columns: number, rows: number, random: Random): Matrix {
  return { rows, columns, data: Float64Array.from({ length: rows * columns }, () => 2 * random.uniform() - 1) };
}
