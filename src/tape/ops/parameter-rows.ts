/** How ops hand their parameters' Jacobian rows to Gauss–Newton methods. */
import type { DeviceBuffer } from '../../backend/backend.ts';
import { dispatch } from '../../backend/dispatch.ts';
import { denseJacobianRows } from '../../kernels/jacobian-rows.ts';
import type { EdgeLayout, ParameterRows } from '../op.ts';

/** The layout of a spline layer's coefficients. */
export function edgesOfSplines({
  inputs,
  outputs,
  intervals,
  degree,
}: Record<'inputs' | 'outputs' | 'intervals' | 'degree', number>): EdgeLayout {
  return { inputs, coefficients: intervals + degree, outputs, width: degree + 1 };
}

/** The layout of so many parameters of which every sample touches all. */
export function edgesOfOne(count: number): EdgeLayout {
  return { inputs: 1, coefficients: 1, outputs: count, width: 1 };
}

/** Jacobian rows that lie ready in `source`, as denseJacobianRows reads them. */
export function denseRows(
  source: DeviceBuffer,
  layout: {
    readonly count: number;
    readonly pointStride: number;
    readonly entryStride: number;
    /** Default 0. */
    readonly offset?: number;
    /** Default: those of the rows. */
    readonly sourceTraces?: number;
  },
): ParameterRows {
  return {
    ...edgesOfOne(layout.count),
    write: ({ values, columns, counter, ...target }) =>
      dispatch(
        denseJacobianRows,
        { source, counter, values, columns },
        { ...target, offset: 0, sourceTraces: target.traces, ...layout },
      ),
  };
}
