/**
 * A layer of the multichannel MLP: every input p opens the channels ψ_j(x_p), and W mixes them linearly.
 *
 * y[b,q] = Σ_p Σ_j W[p,j,q] ψ_j(x[b,p]), ψ_j(x) = ReLU(x − t_i)^degree, i = j − degree, j = 0 … intervals + degree − 1,
 * on the uniform knots t_i = a + i·h. Outside the domain every ψ_j continues linearly from the nearer end, as splines do.
 *
 * x [batch, inputs], W [inputs, coefficients, outputs], y [batch, outputs]; coefficients = intervals + degree.
 * Dense on purpose: this is the paper's model, not the way to evaluate a spline. In float32 its terms cancel.
 * Source: docs/mathematics.md, "Power-ReLU basis and the change of basis" and "Outside the domain".
 */

import integerPower from '../../shaders/lib/integer-power.wgsl';
import linearIndex from '../../shaders/lib/linear-index.wgsl';
import nan from '../../shaders/lib/nan.wgsl';
import powerRelu from '../../shaders/lib/power-relu.wgsl';
import workgroupSum from '../../shaders/lib/workgroup-sum.wgsl';
import forwardWgsl from '../../shaders/power-relu-forward.wgsl';
import inputGradientWgsl from '../../shaders/power-relu-input-gradient.wgsl';
import weightGradientWgsl from '../../shaders/power-relu-weight-gradient.wgsl';
import { defineKernel, type HostArray, linearGrid } from './kernel.ts';

const constantNames = ['batch', 'inputs', 'outputs', 'intervals', 'degree', 'domainStart', 'domainEnd'] as const;

type Constants = Readonly<Record<(typeof constantNames)[number], number>>;

/** Multiplications, additions and the power, per weight and row. */
const flopsPerWeight = ({ batch, inputs, outputs, intervals, degree }: Constants) =>
  batch * inputs * (intervals + degree) * (2 * outputs + degree + 3);

const weightCount = ({ inputs, intervals, degree, outputs }: Constants) => inputs * (intervals + degree) * outputs;

/** y = Σ_p Σ_j W ψ_j(x). One thread per element of y. */
export const powerReluForward = defineKernel({
  name: 'power-relu-forward',
  wgsl: linearIndex + integerPower + powerRelu + forwardWgsl,
  bindings: { x: 'read', weights: 'read', y: 'write' },
  constants: constantNames,
  lengths: (constants) => ({
    x: constants.batch * constants.inputs,
    weights: weightCount(constants),
    y: constants.batch * constants.outputs,
  }),
  workgroups: ({ batch, outputs }) => linearGrid(batch * outputs),
  flops: flopsPerWeight,
  reference({ x, weights, y }, constants) {
    const { batch, inputs, outputs, intervals, degree } = constants;
    const coefficients = intervals + degree;
    const width = cellWidth(constants);
    y.fill(0, 0, batch * outputs);
    for (let p = 0; p < inputs; p++) {
      for (let b = 0; b < batch; b++) {
        const point = x[b * inputs + p];
        const position = positionInside(point, constants);
        const excess = excessOutside(point, constants);
        for (let j = 0; j < coefficients; j++) {
          const channel = channelValue(position + degree - j, excess, degree, width);
          addScaledRow(y, b * outputs, channel, weights, (p * coefficients + j) * outputs, outputs);
        }
      }
    }
  },
});

/** inputGradient[b,p] = Σ_q outputGradient[b,q] Σ_j W[p,j,q] ψ_j'(x[b,p]); outside the domain ψ_j' is the end's slope. */
export const powerReluInputGradient = defineKernel({
  name: 'power-relu-input-gradient',
  wgsl: linearIndex + integerPower + nan + powerRelu + inputGradientWgsl,
  bindings: { x: 'read', weights: 'read', outputGradient: 'read', inputGradient: 'write' },
  constants: constantNames,
  lengths: (constants) => ({
    x: constants.batch * constants.inputs,
    weights: weightCount(constants),
    outputGradient: constants.batch * constants.outputs,
    inputGradient: constants.batch * constants.inputs,
  }),
  workgroups: ({ batch, inputs }) => linearGrid(batch * inputs),
  flops: flopsPerWeight,
  reference({ x, weights, outputGradient, inputGradient }, constants) {
    const { batch, inputs, outputs, intervals, degree } = constants;
    const coefficients = intervals + degree;
    const width = cellWidth(constants);
    for (let p = 0; p < inputs; p++) {
      for (let b = 0; b < batch; b++) {
        const point = x[b * inputs + p];
        const position = positionInside(point, constants);
        let sum = 0;
        for (let j = 0; j < coefficients; j++) {
          const slope = channelSlope(position + degree - j, degree, width);
          sum += slope * dotRows(outputGradient, b * outputs, weights, (p * coefficients + j) * outputs, outputs);
        }
        inputGradient[b * inputs + p] = Number.isNaN(point) ? point : sum;
      }
    }
  },
});

/**
 * weightGradient[p,j,q] = Σ_b ψ_j(x[b,p]) outputGradient[b,q].
 *
 * One workgroup per weight, summed in a fixed order. Source: docs/mathematics.md, "Reproducible reductions".
 */
export const powerReluWeightGradient = defineKernel({
  name: 'power-relu-weight-gradient',
  wgsl: linearIndex + integerPower + powerRelu + workgroupSum + weightGradientWgsl,
  bindings: { x: 'read', outputGradient: 'read', weightGradient: 'write' },
  constants: constantNames,
  lengths: (constants) => ({
    x: constants.batch * constants.inputs,
    outputGradient: constants.batch * constants.outputs,
    weightGradient: weightCount(constants),
  }),
  workgroups: (constants) => linearGrid(weightCount(constants), 1),
  flops: flopsPerWeight,
  reference({ x, outputGradient, weightGradient }, constants) {
    const { batch, inputs, outputs, intervals, degree } = constants;
    const coefficients = intervals + degree;
    const width = cellWidth(constants);
    weightGradient.fill(0, 0, inputs * coefficients * outputs);
    for (let p = 0; p < inputs; p++) {
      for (let b = 0; b < batch; b++) {
        const point = x[b * inputs + p];
        const position = positionInside(point, constants);
        const excess = excessOutside(point, constants);
        for (let j = 0; j < coefficients; j++) {
          const channel = channelValue(position + degree - j, excess, degree, width);
          addScaledRow(weightGradient, (p * coefficients + j) * outputs, channel, outputGradient, b * outputs, outputs);
        }
      }
    }
  },
});

function cellWidth({ intervals, domainStart, domainEnd }: Constants): number {
  return (domainEnd - domainStart) / intervals;
}

/** Position of x in cells, held inside the domain. */
function positionInside(x: number, { intervals, domainStart, domainEnd }: Constants): number {
  const inside = Math.min(Math.max(x, domainStart), domainEnd);
  return (inside - domainStart) * (intervals / (domainEnd - domainStart));
}

/** Signed distance of x from the domain, in cells; 0 inside. */
function excessOutside(x: number, { intervals, domainStart, domainEnd }: Constants): number {
  const inside = Math.min(Math.max(x, domainStart), domainEnd);
  return x === inside ? 0 : (x - inside) * (intervals / (domainEnd - domainStart));
}

/** ψ at `distance` cells to the right of its knot, continued linearly over `excess` cells. */
function channelValue(distance: number, excess: number, degree: number, width: number): number {
  if (distance < 0) return 0 * excess;
  const lower = power(distance * width, degree - 1);
  return (distance + degree * excess) * width * lower;
}

/** dψ/dx; at the knot itself the cell to its right counts, which matters for degree 1. */
function channelSlope(distance: number, degree: number, width: number): number {
  return distance < 0 ? 0 : degree * power(distance * width, degree - 1);
}

function power(base: number, exponent: number): number {
  let result = 1;
  for (let factor = 0; factor < exponent; factor++) result *= base;
  return result;
}

/** target[t … t+length) += factor · source[s … s+length) */
function addScaledRow(target: HostArray, t: number, factor: number, source: HostArray, s: number, length: number) {
  for (let q = 0; q < length; q++) target[t + q] += factor * source[s + q];
}

function dotRows(a: HostArray, aStart: number, b: HostArray, bStart: number, length: number): number {
  let sum = 0;
  for (let q = 0; q < length; q++) sum += a[aStart + q] * b[bStart + q];
  return sum;
}
