/**
 * The change of basis b = A ψ applied along the coefficient axis of a tensor [inputs, coefficients, outputs].
 *
 * A is upper triangular Toeplitz with A_{i,i+s} = h^{−degree}/degree! · (−1)^s C(r, s), r = degree + 1,
 * coefficients = intervals + degree. It is h^{−degree}/degree! · (I − N)^r with the shift (N u)_k = u_{k+1}, so that
 * A⁻¹ is r running sums, every one of positive terms: backward substitution would cancel where these do not.
 * Source: docs/mathematics.md, "Power-ReLU basis and the change of basis".
 */
import multiplyWgsl from '../../shaders/banded-multiply.wgsl';
import solveWgsl from '../../shaders/banded-solve.wgsl';
import transposeMultiplyWgsl from '../../shaders/banded-transpose-multiply.wgsl';
import transposeSolveWgsl from '../../shaders/banded-transpose-solve.wgsl';
import changeOfBasis from '../../shaders/lib/change-of-basis.wgsl';
import linearIndex from '../../shaders/lib/linear-index.wgsl';
import { changeOfBasisDiagonals } from '../splines/change-of-basis.ts';
import { defineKernel, type HostArray, linearGrid } from './kernel.ts';

const bindings = { input: 'read', output: 'write' } as const;
const constantNames = ['inputs', 'outputs', 'intervals', 'degree', 'domainStart', 'domainEnd'] as const;

type Constants = Readonly<Record<(typeof constantNames)[number], number>>;

const size = ({ inputs, intervals, degree, outputs }: Constants) => inputs * (intervals + degree) * outputs;

const lengths = (constants: Constants) => ({ input: size(constants), output: size(constants) });

/** output = A · input. One thread per element. */
export const bandedMultiply = defineKernel({
  name: 'banded-multiply',
  wgsl: linearIndex + changeOfBasis + multiplyWgsl,
  bindings,
  constants: constantNames,
  lengths,
  workgroups: (constants) => linearGrid(size(constants)),
  flops: (constants) => size(constants) * 2 * (constants.degree + 2),
  reference({ input, output }, constants) {
    const { inputs, outputs, intervals, degree } = constants;
    const diagonals = diagonalsOf(constants);
    const coefficients = intervals + degree;
    for (let p = 0; p < inputs; p++) {
      for (let k = 0; k < coefficients; k++) {
        const row = (p * coefficients + k) * outputs;
        output.fill(0, row, row + outputs);
        const last = Math.min(degree + 1, coefficients - 1 - k);
        for (let s = 0; s <= last; s++) addScaledRow(output, row, diagonals[s], input, row + s * outputs, outputs);
      }
    }
  },
});

/** output = Aᵀ · input: spline coefficients become ReLU coefficients. One thread per element. */
export const bandedTransposeMultiply = defineKernel({
  name: 'banded-transpose-multiply',
  wgsl: linearIndex + changeOfBasis + transposeMultiplyWgsl,
  bindings,
  constants: constantNames,
  lengths,
  workgroups: (constants) => linearGrid(size(constants)),
  flops: (constants) => size(constants) * 2 * (constants.degree + 2),
  reference({ input, output }, constants) {
    const { inputs, outputs, intervals, degree } = constants;
    const diagonals = diagonalsOf(constants);
    const coefficients = intervals + degree;
    for (let p = 0; p < inputs; p++) {
      for (let k = 0; k < coefficients; k++) {
        const row = (p * coefficients + k) * outputs;
        output.fill(0, row, row + outputs);
        const last = Math.min(degree + 1, k);
        for (let s = 0; s <= last; s++) addScaledRow(output, row, diagonals[s], input, row - s * outputs, outputs);
      }
    }
  },
});

/** output = A⁻¹ · input. One thread per pair of input and output. */
export const bandedSolve = defineKernel({
  name: 'banded-solve',
  wgsl: linearIndex + changeOfBasis + solveWgsl,
  bindings,
  constants: constantNames,
  lengths,
  workgroups: ({ inputs, outputs }) => linearGrid(inputs * outputs),
  flops: (constants) => size(constants) * (constants.degree + 2),
  reference({ input, output }, constants) {
    const { inputs, outputs, intervals, degree } = constants;
    const coefficients = intervals + degree;
    divideByDiagonal(input, output, constants);
    for (let p = 0; p < inputs; p++) {
      const first = p * coefficients * outputs;
      const last = first + (coefficients - 1) * outputs;
      for (let pass = 0; pass <= degree; pass++) {
        for (let i = last - 1; i >= first; i--) output[i] += output[i + outputs];
      }
    }
  },
});

/** output = A⁻ᵀ · input: ReLU coefficients become spline coefficients. One thread per pair of input and output. */
export const bandedTransposeSolve = defineKernel({
  name: 'banded-transpose-solve',
  wgsl: linearIndex + changeOfBasis + transposeSolveWgsl,
  bindings,
  constants: constantNames,
  lengths,
  workgroups: ({ inputs, outputs }) => linearGrid(inputs * outputs),
  flops: (constants) => size(constants) * (constants.degree + 2),
  reference({ input, output }, constants) {
    const { inputs, outputs, intervals, degree } = constants;
    const coefficients = intervals + degree;
    divideByDiagonal(input, output, constants);
    for (let p = 0; p < inputs; p++) {
      const first = p * coefficients * outputs;
      const end = first + coefficients * outputs;
      for (let pass = 0; pass <= degree; pass++) {
        for (let i = first + outputs; i < end; i++) output[i] += output[i - outputs];
      }
    }
  },
});

function diagonalsOf({ intervals, degree, domainStart, domainEnd }: Constants): Float64Array {
  return changeOfBasisDiagonals({ degree, intervals, domain: [domainStart, domainEnd] });
}

function divideByDiagonal(input: HostArray, output: HostArray, constants: Constants): void {
  const diagonal = diagonalsOf(constants)[0];
  const count = size(constants);
  for (let i = 0; i < count; i++) output[i] = input[i] / diagonal;
}

/** target[t … t+length) += factor · source[s … s+length) */
function addScaledRow(target: HostArray, t: number, factor: number, source: HostArray, s: number, length: number) {
  for (let q = 0; q < length; q++) target[t + q] += factor * source[s + q];
}
