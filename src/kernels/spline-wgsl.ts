/** What every kernel of spline layers starts from: windows of B-splines, and points on the grid of one layer. */
import nan from '../../shaders/lib/nan.wgsl';
import grid from '../../shaders/lib/spline-grid.wgsl';
import locate from '../../shaders/lib/spline-locate.wgsl';
import window from '../../shaders/lib/spline-window.wgsl';

/** Functions of the degree and of a grid that is given to them. */
export const windowWgsl = nan + window + locate;

/** The grid of a layer; after {@link windowWgsl}. */
export const gridWgsl = grid;

export const splineWgsl = windowWgsl + gridWgsl;
