import { accumulate, copy } from '../../kernels/vectors.ts';
import type { Op } from '../op.ts';
import { elements, shapeMismatch } from '../tensor.ts';

/** Elementwise sum of two or more tensors of one shape. */
export const add: Op = {
  name: 'add',
  shape(shapes) {
    if (shapes.length > 1 && shapes.every((shape) => String(shape) === String(shapes[0]))) return shapes[0];
    throw shapeMismatch('add', 'at least two tensors of one shape', shapes);
  },
  forward({ inputs: [first, ...rest], output, run }) {
    const count = elements(output.shape);
    run(copy, { source: first.buffer, target: output.buffer }, { count });
    for (const addend of rest) run(accumulate, { addend: addend.buffer, total: output.buffer }, { count });
  },
  backward({ outputGradient, inputGradients, run }) {
    const count = elements(outputGradient.shape);
    for (const gradient of inputGradients) {
      if (gradient) run(copy, { source: outputGradient.buffer, target: gradient.buffer }, { count });
    }
  },
};
