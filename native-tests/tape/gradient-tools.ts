import { expect } from 'chai';
import type { Backend } from '../../src/backend/backend.ts';
import { createRandom } from '../../src/random.ts';
import { Tape } from '../../src/tape/tape.ts';
import { elements, type Shape, type Tensor } from '../../src/tape/tensor.ts';

/** A scalar function of tensors: their shapes and values, and how a tape computes it. */
export interface Case {
  readonly name: string;
  readonly shapes: readonly Shape[];
  readonly values: readonly Float64Array[];
  build(tape: Tape, inputs: readonly Tensor[]): Tensor;
}

export interface Gradients {
  readonly loss: number;
  readonly gradients: readonly Float64Array[];
}

/** Numbers in ±range that float32 represents, so that both backends compute with the same. */
export function randomValues(seed: number, shape: Shape, range = 1): Float64Array {
  const random = createRandom(seed);
  return Float64Array.from({ length: elements(shape) }, () => Math.fround(range * (2 * random.uniform() - 1)));
}

/** Loss and gradients with respect to every input, by one replay of a recorded tape. */
export async function gradientsOf(backend: Backend, { shapes, values, build }: Case): Promise<Gradients> {
  const tape = new Tape(backend);
  const inputs = shapes.map((shape) => tape.input(shape));
  const targets = shapes.map((shape) => tape.input(shape));
  inputs.forEach((input, index) => {
    tape.watch(input, targets[index]);
  });
  const loss = build(tape, inputs);
  tape.backward(loss);
  values.forEach((value, index) => {
    backend.write(inputs[index].buffer, value);
  });
  backend.run(await tape.record());
  const [[value], ...gradients] = await backend.read([loss.buffer, ...targets.map((target) => target.buffer)]);
  tape.dispose();
  return { loss: value, gradients };
}

/** The loss alone, at any values. */
async function lossFunction(backend: Backend, { shapes, build }: Case) {
  const tape = new Tape(backend);
  const inputs = shapes.map((shape) => tape.input(shape));
  const loss = build(tape, inputs);
  const recording = await tape.record();
  return async (values: readonly Float64Array[]) => {
    values.forEach((value, index) => {
      backend.write(inputs[index].buffer, value);
    });
    backend.run(recording);
    const [[value]] = await backend.read([loss.buffer]);
    return value;
  };
}

const STEP = 2 ** -14;
/** Rounding of a loss in float64: at most this many operations in a row, each relative to the loss's largest term. */
const ROUNDING = 512 * 2 ** -53;

/**
 * Compares every derivative with central differences D(h) in float64.
 *
 * D(h) is off by about |D(2h) − D(h)|/3, the leading term of its truncation error, and by the loss's rounding over h.
 */
export async function expectFiniteDifferences(backend: Backend, testCase: Case, magnitude = 1): Promise<void> {
  const { gradients } = await gradientsOf(backend, testCase);
  const loss = await lossFunction(backend, testCase);
  const values = testCase.values.map((value) => value.slice());
  const difference = async (array: Float64Array, element: number, step: number) => {
    const held = array[element];
    array[element] = held + step;
    const above = await loss(values);
    array[element] = held - step;
    const below = await loss(values);
    array[element] = held;
    return { slope: (above - below) / (2 * step), size: Math.max(Math.abs(above), Math.abs(below)) };
  };
  for (const [input, array] of values.entries()) {
    for (let element = 0; element < array.length; element++) {
      const near = await difference(array, element, STEP);
      const far = await difference(array, element, 2 * STEP);
      const bound = Math.abs(far.slope - near.slope) + (ROUNDING * Math.max(near.size, magnitude)) / STEP;
      const label = `${testCase.name}: input ${input}, element ${element}`;
      expect(gradients[input][element], label).to.be.closeTo(near.slope, bound);
      expect(bound, `${label}: the bound must mean something`).to.be.below(1e-5 * Math.max(near.size, magnitude));
    }
  }
}

/**
 * Compares float32 results with float64 ones in norm: `operations` roundings of 2^-24 in a row, relative to the largest
 * entry of each tensor.
 */
export function expectClose(actual: Gradients, expected: Gradients, operations: number, label: string): void {
  const tolerance = operations * 2 ** -24;
  expect(actual.loss, `${label}: loss`).to.be.closeTo(expected.loss, tolerance * Math.max(1, Math.abs(expected.loss)));
  expected.gradients.forEach((gradient, input) => {
    const size = gradient.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
    gradient.forEach((value, element) => {
      const where = `${label}: input ${input}, element ${element} (largest ${size})`;
      expect(actual.gradients[input][element], where).to.be.closeTo(value, tolerance * size);
    });
  });
}
