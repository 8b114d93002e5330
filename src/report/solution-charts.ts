/** Charts of functions on a picture grid: lines over one coordinate, heat maps over two. */
import { type HeatMap, heatMap, type LineSeries, lineChart } from './charts.ts';

/** The points of all pictures: the centres of a grid's cells, in one coordinate or two. */
export interface PictureGrid {
  axes: readonly { name: string; domain: readonly [number, number]; cells: number }[];
  /** Where the picture lies, if there are more coordinates: for example `z = 0.5`. */
  slice?: string;
}

/** Values on the picture grid, the first coordinate fastest; what is not finite stays empty. */
export interface Picture {
  /** Of what: an unknown, a term, a level. */
  name: string;
  values: ArrayLike<number>;
}

/** Pictures of one kind share their colours over this many decades at most. */
const MOST_DECADES = 8;
/** Pixels of a map that stands beside others. */
const SMALL = 380;

/** One unknown; over one coordinate the exact solution, where it is known, as a second line. */
export function solutionChart(
  grid: PictureGrid,
  { name, values, exact }: Picture & { exact?: ArrayLike<number> },
  { width }: { width?: number } = {},
): string {
  if (grid.axes.length > 1) {
    const title = titled(name, grid);
    return heatMap({ ...mapOf(grid), title, colorLabel: name, values, drawingWidth: width });
  }
  const x = centres(grid);
  const series: LineSeries[] = [{ name: `${name}, network`, x, y: values }];
  if (exact) series.push({ name: `${name}, exact`, x, y: exact, dashed: true });
  return lineChart({ title: name, xLabel: grid.axes[0].name, yLabel: name, series, width });
}

/**
 * Sizes of one quantity, on a logarithmic scale that all pictures share: one chart of lines, or a map for each.
 *
 * @param label of the quantity, for example `|u − exact|`
 */
export function sizeCharts(
  grid: PictureGrid,
  label: string,
  pictures: readonly Picture[],
  { width }: { width?: number } = {},
): string[] {
  if (grid.axes.length === 1) {
    const x = centres(grid);
    const series = pictures.map(({ name, values }) => ({ name, x, y: values }));
    const [{ name: xLabel }] = grid.axes;
    return [lineChart({ title: label, xLabel, yLabel: label, yScale: 'log', series, width })];
  }
  const colorDomain = commonDomain(pictures.map(({ values }) => values));
  return pictures.map(({ name, values }) =>
    heatMap({
      ...mapOf(grid),
      title: titled(`${label}, ${name}`, grid),
      colorLabel: label,
      values,
      colorScale: 'log',
      colorDomain,
      drawingWidth: width ?? SMALL,
    }),
  );
}

/** A figure's frame: a heat map over two coordinates. */
function mapOf({
  axes: [x, y],
}: PictureGrid): Pick<HeatMap, 'xLabel' | 'yLabel' | 'xDomain' | 'yDomain' | 'width' | 'height'> {
  return {
    xLabel: x.name,
    yLabel: y.name,
    xDomain: x.domain,
    yDomain: y.domain,
    width: x.cells,
    height: y.cells,
  };
}

function centres({ axes: [{ domain, cells }] }: PictureGrid): number[] {
  const [start, end] = domain;
  return Array.from({ length: cells }, (_, cell) => start + ((end - start) * (cell + 0.5)) / cells);
}

function titled(what: string, { slice }: PictureGrid): string {
  return slice === undefined ? what : `${what} at ${slice}`;
}

/** From the lowest hundredth to the largest of all values, for logarithmic colours; none without positive values. */
function commonDomain(pictures: readonly ArrayLike<number>[]): readonly [number, number] | undefined {
  const values = pictures
    .flatMap((picture) => Array.from(picture))
    .filter((value) => value > 0 && Number.isFinite(value))
    .sort((a, b) => a - b);
  if (values.length === 0) return undefined;
  const high = values[values.length - 1];
  const low = Math.max(values[Math.floor(values.length / 100)], high * 10 ** -MOST_DECADES);
  return low < high ? [low, high] : [high / 10, high];
}
