import { expect } from 'chai';
import fc from 'fast-check';
import type { Kernel } from '../../src/kernels/kernel.ts';
import { type Buffers, type Constants, copyOf, withOutputs } from './kernel-case.ts';

/** Runs a reference and returns its last binding, which is the result. */
export function evaluate(kernel: Kernel, constants: Constants, inputs: Buffers): Float64Array {
  const buffers = withOutputs(kernel, constants, inputs);
  kernel.reference(buffers, constants);
  const result = Object.keys(kernel.bindings).at(-1)!;
  return Float64Array.from(buffers[result].subarray(0, kernel.lengths(constants)[result]));
}

export function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  expect(actual.length).to.equal(expected.length);
  const scale = Math.max(1, ...Array.from(expected, Math.abs));
  for (let i = 0; i < expected.length; i++) expect(actual[i]).to.be.closeTo(expected[i], tolerance * scale, `[${i}]`);
}

/** Step of the fourth-order central difference: truncation h⁴ f⁽⁵⁾/30 ≈ 1e-9, rounding ε/h ≈ 1e-13. */
const STEP = 1e-3;
export const GRADIENT_TOLERANCE = 1e-7;

/** d/dv Σ weights · kernel(…, v, …) for the buffer v named `variable`. */
export function differentiate(
  kernel: Kernel,
  constants: Constants,
  inputs: Buffers,
  variable: string,
  weights: Float64Array,
) {
  const value = (i: number, shift: number) => {
    const moved = copyOf(inputs);
    moved[variable][i] += shift * STEP;
    return evaluate(kernel, constants, moved).reduce((total, y, j) => total + y * weights[j], 0);
  };
  return Float64Array.from(
    inputs[variable],
    (_, i) => (8 * (value(i, 1) - value(i, -1)) - (value(i, 2) - value(i, -2))) / (12 * STEP),
  );
}

export const seeds = fc.integer({ min: 0, max: 1e6 });
export const runs = { numRuns: 40 };
