/** What every kernel of spline layers starts from: windows of B-splines, and points on the grid of one layer. */
import nan from '../../shaders/lib/nan.wgsl';
import grid from '../../shaders/lib/spline-grid.wgsl';
import window from '../../shaders/lib/spline-window.wgsl';

/** Functions of the degree alone. */
export const windowWgsl = nan + window;

/** Functions of one layer's grid; after {@link windowWgsl}. */
export const gridWgsl = grid;

export const splineWgsl = windowWgsl + gridWgsl;
