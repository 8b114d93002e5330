/** Rows of a Jacobian (src/kernels/jacobian-rows.ts) for a spline layer on directional Taylor jets (src/kernels/jet.ts). */
import jacobianRowsWgsl from '../../shaders/lib/jacobian-rows.wgsl';
import linearIndexWgsl from '../../shaders/lib/linear-index.wgsl';
import jetRowsWgsl from '../../shaders/spline-jet-jacobian-rows.wgsl';
import { eachRow, layerLengths, rowConstants } from './jacobian-rows.ts';
import { jetChannels } from './jet.ts';
import { defineKernel, linearGrid } from './kernel.ts';
import { splineJetWgsl } from './spline-jet.ts';
import { jetJacobianRow, type SplineJetConstants } from './spline-jet-references.ts';
import { splineWgsl } from './spline-wgsl.ts';

/**
 * Derivatives by the coefficients W [inputs, intervals + degree, outputs] of a spline layer on jets, from x [channels,
 * batch, inputs] and the adjoint of its output [channels, batch, outputs], batch = traces · samples.
 */
export const splineJetJacobianRows = defineKernel({
  name: 'spline-jet-jacobian-rows',
  wgsl: linearIndexWgsl + splineWgsl + splineJetWgsl + jacobianRowsWgsl + jetRowsWgsl,
  bindings: { x: 'read', adjoint: 'read', counter: 'read:uint', values: 'update', columns: 'update:uint' },
  constants: [
    ...rowConstants,
    'batch',
    'inputs',
    'outputs',
    'intervals',
    'degree',
    'domainStart',
    'domainEnd',
    'directions',
    'order',
  ],
  lengths: (constants) => layerLengths(constants, jetChannels(constants) * constants.batch),
  workgroups: ({ traces, chunk, inputs, outputs }) => linearGrid(traces * chunk * inputs * outputs),
  flops({ traces, chunk, inputs, outputs, degree, directions, order }) {
    const perPoint = 20 + 3 * (degree + 1) * (degree + 2);
    return traces * chunk * inputs * (perPoint + outputs * (4 * order * directions + 6 * (degree + 1)));
  },
  parts: ({ chunk }) => chunk,
  reference({ x, adjoint, counter, values, columns }, constants, first, end) {
    const { slots, slot } = constants;
    const row = jetJacobianRow(x, adjoint, constants as unknown as SplineJetConstants, constants.column);
    eachRow(constants, counter, first, end, (at, point) => row(point, values, columns, at * slots + slot));
  },
});
