import { affine } from '../tape/ops/affine.ts';
import { meanSquaredError } from '../tape/ops/mean-squared-error.ts';
import { Tape } from '../tape/tape.ts';
import type { Samples } from './compare.ts';
import type { Monitor, Problem } from './problem.ts';
import { regression } from './regression.ts';

/**
 * Regression whose figure of merit weighs the targets: the mean over rows b and targets q of (w_q (ŷ_bq − y_bq))².
 *
 * @param weights one per target; their units of measurement, for errors in the targets' own units
 */
export function weightedError(samples: Samples, weights: readonly number[]): Problem {
  return {
    ...regression(samples),
    monitor(model): Monitor {
      const tape = new Tape(model.backend);
      const { inputs, targets } = samples;
      const scale = tape.input([weights.length, weights.length], diagonal(weights));
      const predicted = model.apply(tape, tape.input([inputs.rows, inputs.columns], inputs.data));
      const actual = tape.input([targets.rows, targets.columns], targets.data);
      const weighted = [predicted, actual].map((values) => tape.apply(affine, [values, scale], undefined));
      const loss = tape.apply(meanSquaredError, weighted, undefined);
      return { loss: loss.buffer, evaluate: tape.dispatches, dispose: () => tape.dispose() };
    },
  };
}

function diagonal(values: readonly number[]): Float64Array {
  const matrix = new Float64Array(values.length ** 2);
  values.forEach((value, index) => {
    matrix[index * (values.length + 1)] = value;
  });
  return matrix;
}
