import { rowDots } from '../kernels/reductions.ts';
import { fill } from '../kernels/vectors.ts';
import { weightedSquares, weightedSquaresGradient } from '../kernels/weighted-squares.ts';
import type { Op } from '../tape/op.ts';
import { denseRows } from '../tape/ops/parameter-rows.ts';
import { elements, shapeMismatch } from '../tape/tensor.ts';
import type { ResidualKernels } from './residual-kernel.ts';

/**
 * A traced residual. Inputs: jets [channels, traces · batch, outputs], fields [fields, batch], scalars [scalars].
 * Output: [residuals, batch].
 */
export const residual: Op<ResidualKernels> = {
  name: 'residual',
  shape(shapes, { channels, traces, outputs, fields, residuals }) {
    const [jets, given] = shapes;
    const batch = elements(jets) / (channels * traces * outputs);
    if (Number.isInteger(batch) && elements(given) >= fields * batch) return [residuals, batch];
    throw shapeMismatch(
      'residual',
      `jets [${channels}, ${traces} · batch, ${outputs}] and fields [${fields}, batch]`,
      shapes,
    );
  },
  forward({ inputs: [jets, fields, scalars], output, options, run }) {
    const buffers = { jets: jets.buffer, fields: fields.buffer, scalars: scalars.buffer, residual: output.buffer };
    run(options.forward, buffers, { batch: output.shape[1] });
  },
  backward({ inputs, output, outputGradient, inputGradients, options, run, scratch }) {
    const [jets, fields, scalars] = inputs;
    const [jetsGradient, , scalarsGradient] = inputGradients;
    const batch = output.shape[1];
    const scalarGradients = scratch(Math.max(1, options.scalars * batch));
    const buffers = {
      jets: jets.buffer,
      fields: fields.buffer,
      scalars: scalars.buffer,
      residualGradient: outputGradient.buffer,
      jetsGradient: jetsGradient?.buffer ?? scratch(elements(jets.shape)),
      scalarGradients,
    };
    run(options.backward, buffers, { batch });
    if (!scalarsGradient) return;
    const ones = scratch(batch);
    run(fill, { target: ones }, { count: batch, value: 1 });
    run(
      rowDots,
      { matrix: scalarGradients, vector: ones, dots: scalarsGradient.buffer },
      { rows: options.scalars, columns: batch },
    );
  },
  jacobian({ inputs: [jets, fields, scalars], output, adjoint, options, run, scratch }) {
    const batch = output.shape[1];
    const scalarGradients = scratch(options.scalars * batch);
    const buffers = {
      jets: jets.buffer,
      fields: fields.buffer,
      scalars: scalars.buffer,
      residualGradient: adjoint.buffer,
      jetsGradient: scratch(elements(jets.shape)),
      scalarGradients,
    };
    run(options.backward, buffers, { batch });
    const layout = { count: options.scalars, pointStride: 1, entryStride: batch, sourceTraces: 1 };
    return [undefined, undefined, denseRows(scalarGradients, layout)];
  },
};

/** factor · Σ_b w_b Σ_r residual[r, b]². Inputs: residual [residuals, batch], w [batch]. Output: [1]. */
export const weightedSquaresLoss: Op<{ factor: number }> = {
  name: 'weighted-squares',
  shape(shapes) {
    const [values, weights] = shapes;
    if (values?.length === 2 && elements(weights) === values[1]) return [1];
    throw shapeMismatch('weighted-squares', 'residual [residuals, batch] and weights [batch]', shapes);
  },
  forward({ inputs: [values, weights], output, options, run }) {
    const [residuals, batch] = values.shape;
    const buffers = { residual: values.buffer, weights: weights.buffer, loss: output.buffer };
    run(weightedSquares, buffers, { batch, residuals, factor: options.factor });
  },
  backward({ inputs: [values, weights], outputGradient, inputGradients: [gradient, weightGradient], options, run }) {
    const [residuals, batch] = values.shape;
    if (weightGradient) throw shapeMismatch('weighted-squares', 'weights without a gradient', [weights.shape]);
    if (!gradient) return;
    const shared = { residual: values.buffer, weights: weights.buffer, lossGradient: outputGradient.buffer };
    run(
      weightedSquaresGradient,
      { ...shared, gradient: gradient.buffer },
      { batch, residuals, factor: options.factor },
    );
  },
};
