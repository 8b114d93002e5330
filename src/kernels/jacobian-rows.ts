/**
 * Rows of a Jacobian with respect to parameters, in the compact form that local support allows.
 *
 * A row belongs to a sample (and one of the `traces` points that its residual looks at) and has `slots` entries: slot a
 * of row r stands for the derivative values[r, a] by parameter columns[r, a]. No parameter ever appears in two slots, so
 * that sums over samples can be made by one thread per slot without a conflict. A spline layer needs
 * inputs · (degree + 1) · outputs slots however fine its grid is: slot (p, ρ, q) holds the one coefficient k ≡ ρ modulo
 * degree + 1 of edge (p, q) that the sample touches.
 *
 * Every kernel here writes slots `slot` … of rows [traces · chunk, slots] from adjoints: gradients of each sample's
 * residual. Rows are made `chunk` samples at a time, those from counter[0] · chunk on; rows past the last sample are
 * left as they are. Source: docs/mathematics.md, "Gauss–Newton on local support".
 */
import affineWgsl from '../../shaders/affine-jacobian-rows.wgsl';
import denseWgsl from '../../shaders/dense-jacobian-rows.wgsl';
import differenceWgsl from '../../shaders/difference-jacobian-rows.wgsl';
import jacobianRowsWgsl from '../../shaders/lib/jacobian-rows.wgsl';
import linearIndexWgsl from '../../shaders/lib/linear-index.wgsl';
import splineRowsWgsl from '../../shaders/spline-jacobian-rows.wgsl';
import { windowsAt } from '../splines/window.ts';
import { defineKernel, linearGrid } from './kernel.ts';
import { splineWgsl } from './spline-wgsl.ts';

/** Where rows lie, and which of their slots a kernel writes. */
export interface RowConstants {
  /** Samples of one trace. */
  readonly samples: number;
  readonly traces: number;
  /** Samples whose rows are made together. */
  readonly chunk: number;
  /** Slots of a row. */
  readonly slots: number;
  /** First slot, and the parameter that the first entry of the tensor is. */
  readonly slot: number;
  readonly column: number;
}

export const rowConstants = ['samples', 'traces', 'chunk', 'slots', 'slot', 'column'] as const;

/** Elements of `values` and of `columns`. */
export function rowElements({ traces, chunk, slots }: Pick<RowConstants, 'traces' | 'chunk' | 'slots'>): number {
  return traces * chunk * slots;
}

/** Elements of each buffer where x and the adjoint of a layer's output have `batch` rows. */
export function layerLengths(
  layer: Pick<RowConstants, 'traces' | 'chunk' | 'slots'> & { readonly inputs: number; readonly outputs: number },
  batch: number,
) {
  const rows = rowElements(layer);
  return { x: batch * layer.inputs, adjoint: batch * layer.outputs, counter: 1, values: rows, columns: rows };
}

/** Calls `visit` with the row and the point, of traces · samples, of samples `first` to `end` − 1 of a chunk. */
export function eachRow(
  { samples, traces, chunk }: RowConstants,
  counter: ArrayLike<number>,
  first: number,
  end: number,
  visit: (row: number, point: number) => void,
): void {
  const start = counter[0] * chunk;
  for (let trace = 0; trace < traces; trace++) {
    for (let s = first; s < end && start + s < samples; s++) visit(trace * chunk + s, trace * samples + start + s);
  }
}

/**
 * Derivatives by the coefficients W [inputs, intervals + degree, outputs] of a spline layer, from x [batch, inputs] and
 * the adjoint of its output [batch, outputs], batch = traces · samples.
 */
export const splineJacobianRows = defineKernel({
  name: 'spline-jacobian-rows',
  wgsl: linearIndexWgsl + splineWgsl + jacobianRowsWgsl + splineRowsWgsl,
  bindings: { x: 'read', adjoint: 'read', counter: 'read:uint', values: 'update', columns: 'update:uint' },
  constants: [...rowConstants, 'inputs', 'outputs', 'intervals', 'degree', 'domainStart', 'domainEnd'],
  lengths: (constants) => layerLengths(constants, constants.traces * constants.samples),
  workgroups: ({ traces, chunk, inputs, outputs }) => linearGrid(traces * chunk * inputs * outputs),
  flops({ traces, chunk, inputs, outputs, degree }) {
    return traces * chunk * inputs * (20 + (degree + 1) * (degree + 2 + outputs));
  },
  parts: ({ chunk }) => chunk,
  reference({ x, adjoint, counter, values, columns }, constants, first, end) {
    const { slots, slot, column, inputs, outputs, intervals, degree } = constants;
    const stride = degree + 1;
    const cells = new Int32Array(inputs);
    const windows = new Float64Array(inputs * stride);
    eachRow(constants, counter, first, end, (row, point) => {
      windowsAt(x, { first: point * inputs, count: inputs }, constants, 0, cells, windows);
      for (let p = 0; p < inputs; p++) {
        for (let j = 0; j < stride; j++) {
          const k = cells[p] + j;
          const to = row * slots + slot + (p * stride + (k % stride)) * outputs;
          const own = column + (p * (intervals + degree) + k) * outputs;
          const value = windows[p * stride + j];
          for (let q = 0; q < outputs; q++) {
            values[to + q] = value * adjoint[point * outputs + q];
            columns[to + q] = own + q;
          }
        }
      }
    });
  },
});

/**
 * Derivatives by W [inputs, outputs] of y = x W on x [channels, batch, inputs], from the adjoint of y [channels, batch,
 * outputs], batch = traces · samples; slot (p, q).
 */
export const affineJacobianRows = defineKernel({
  name: 'affine-jacobian-rows',
  wgsl: linearIndexWgsl + jacobianRowsWgsl + affineWgsl,
  bindings: { x: 'read', adjoint: 'read', counter: 'read:uint', values: 'update', columns: 'update:uint' },
  constants: [...rowConstants, 'channels', 'inputs', 'outputs'],
  lengths: (constants) => layerLengths(constants, constants.channels * constants.traces * constants.samples),
  workgroups: ({ traces, chunk, inputs, outputs }) => linearGrid(traces * chunk * inputs * outputs),
  flops: ({ traces, chunk, channels, inputs, outputs }) => 2 * traces * chunk * channels * inputs * outputs,
  parts: ({ chunk }) => chunk,
  reference({ x, adjoint, counter, values, columns }, constants, first, end) {
    const { samples, traces, slots, slot, column, channels, inputs, outputs } = constants;
    const batch = traces * samples;
    eachRow(constants, counter, first, end, (row, point) => {
      for (let p = 0; p < inputs; p++) {
        for (let q = 0; q < outputs; q++) {
          let sum = 0;
          for (let c = 0; c < channels; c++) {
            const b = c * batch + point;
            sum += x[b * inputs + p] * adjoint[b * outputs + q];
          }
          const at = row * slots + slot + p * outputs + q;
          values[at] = sum;
          columns[at] = column + p * outputs + q;
        }
      }
    });
  },
});

/**
 * Derivatives that are known as they are, of `count` parameters: entry i of point b is source[b · pointStride + i ·
 * entryStride], or 0 in traces from `sourceTraces` on.
 */
export const denseJacobianRows = defineKernel({
  name: 'dense-jacobian-rows',
  wgsl: linearIndexWgsl + jacobianRowsWgsl + denseWgsl,
  bindings: { source: 'read', counter: 'read:uint', values: 'update', columns: 'update:uint' },
  constants: [...rowConstants, 'count', 'offset', 'pointStride', 'entryStride', 'sourceTraces'],
  lengths(constants) {
    const { samples, count, offset, pointStride, entryStride, sourceTraces } = constants;
    const last = offset + (sourceTraces * samples - 1) * pointStride + (count - 1) * entryStride;
    const rows = rowElements(constants);
    return { source: last + 1, counter: 1, values: rows, columns: rows };
  },
  workgroups: ({ traces, chunk, count }) => linearGrid(traces * chunk * count),
  flops: () => 0,
  reference({ source, counter, values, columns }, constants) {
    const { samples, slots, slot, column, count, offset, pointStride, entryStride, sourceTraces } = constants;
    eachRow(constants, counter, 0, constants.chunk, (row, point) => {
      const known = point < sourceTraces * samples;
      for (let i = 0; i < count; i++) {
        const at = row * slots + slot + i;
        values[at] = known ? source[offset + point * pointStride + i * entryStride] : 0;
        columns[at] = column + i;
      }
    });
  },
});

/** Slots of {@link differenceJacobianRows}. */
export const DIFFERENCE_SLOTS = 4;

/**
 * Second differences u[p,k,q] − 2 u[p,k+1,q] + u[p,k+2,q] of coefficients [inputs, coefficients, outputs] as residuals, the
 * samples being (p, k, q): slot i modulo 3 for coefficient i, and the difference itself, column `residualColumn`, as the last.
 */
export const differenceJacobianRows = defineKernel({
  name: 'difference-jacobian-rows',
  wgsl: linearIndexWgsl + jacobianRowsWgsl + differenceWgsl,
  bindings: { coefficients: 'read', counter: 'read:uint', values: 'update', columns: 'update:uint' },
  constants: [...rowConstants, 'coefficients', 'outputs', 'residualColumn'],
  lengths(constants) {
    const { samples, coefficients, outputs } = constants;
    const inputs = samples / ((coefficients - 2) * outputs);
    const rows = rowElements(constants);
    return { coefficients: inputs * coefficients * outputs, counter: 1, values: rows, columns: rows };
  },
  workgroups: ({ traces, chunk }) => linearGrid(traces * chunk),
  flops: ({ traces, chunk }) => 3 * traces * chunk,
  reference({ coefficients: u, counter, values, columns }, constants) {
    const { slots, slot, column, coefficients, outputs, residualColumn } = constants;
    const perInput = (coefficients - 2) * outputs;
    eachRow(constants, counter, 0, constants.chunk, (row, point) => {
      const at = row * slots + slot;
      const k = Math.floor((point % perInput) / outputs);
      const first = Math.floor(point / perInput) * coefficients * outputs + (point % perInput);
      for (let j = 0; j < 3; j++) {
        values[at + ((k + j) % 3)] = j === 1 ? -2 : 1;
        columns[at + ((k + j) % 3)] = column + first + j * outputs;
      }
      values[at + 3] = u[first] - 2 * u[first + outputs] + u[first + 2 * outputs];
      columns[at + 3] = residualColumn;
    });
  },
});
