import { affine } from '../tape/ops/affine.ts';
import { meanSquaredError } from '../tape/ops/mean-squared-error.ts';
import { Tape } from '../tape/tape.ts';
import type { Tensor } from '../tape/tensor.ts';
import type { Samples } from './compare.ts';
import type { Monitor, Problem } from './problem.ts';
import { regression } from './regression.ts';

/**
 * The mean squared error over all rows and targets in the targets' own units, for level tables; trained on, it is
 * plain regression.
 *
 * @param samples inputs in the model's coordinates, targets in units of `deviation`
 * @param deviation one unit per target
 */
export function errorInUnits(samples: Samples, deviation: readonly number[]): Problem {
  return {
    ...regression(samples),
    monitor(model): Monitor {
      const tape = new Tape(model.backend);
      const upload = (shape: readonly number[], data: ArrayLike<number>): Tensor => {
        const tensor = tape.input(shape);
        tape.backend.write(tensor.buffer, data);
        return tensor;
      };
      const { inputs, targets } = samples;
      const units = upload([deviation.length, deviation.length], diagonal(deviation));
      const predicted = model.apply(tape, upload([inputs.rows, inputs.columns], inputs.data));
      const actual = upload([targets.rows, targets.columns], targets.data);
      const inUnits = [predicted, actual].map((values) => tape.apply(affine, [values, units], undefined));
      const loss = tape.apply(meanSquaredError, inUnits, undefined);
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
