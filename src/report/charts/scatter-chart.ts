import * as Plot from '@observablehq/plot';
import { formatCount, notDrawn } from '../format.ts';
import { axisDomain, isDrawable } from './axis.ts';
import { panel } from './panel.ts';
import { seriesColor, svgDocument } from './svg.ts';

export interface ScatterSeries {
  name: string;
  /** Actual values. */
  x: ArrayLike<number>;
  /** Predicted values. */
  y: ArrayLike<number>;
}

export interface ScatterChart {
  title: string;
  xLabel: string;
  yLabel: string;
  series: readonly ScatterSeries[];
  /** Points drawn at most, all series together; default 2000. */
  maxPoints?: number;
  /** Pixels; default 480. */
  width?: number;
}

const GOLDEN_RATIO = (Math.sqrt(5) - 1) / 2;

/**
 * `count` of the numbers 0 … length − 1, one from each of `count` equal strata, the place within a stratum by the golden
 * ratio's multiples: even, reproducible, and in step with no period of the data.
 */
export function subsample(length: number, count: number): number[] {
  if (length <= count) return Array.from({ length }, (_, index) => index);
  return Array.from({ length: count }, (_, stratum) => {
    const [start, end] = [Math.floor((stratum * length) / count), Math.floor(((stratum + 1) * length) / count)];
    return start + Math.floor(((stratum * GOLDEN_RATIO) % 1) * (end - start));
  });
}

function drawablePoints({ x, y }: ScatterSeries): { x: number; y: number }[] {
  return Array.from({ length: Math.min(x.length, y.length) }, (_, index) => ({ x: x[index], y: y[index] })).filter(
    (point) => isDrawable(point.x, 'linear') && isDrawable(point.y, 'linear'),
  );
}

function remarks(total: number, drawable: number, drawn: number): string[] {
  const sampled = drawn < drawable ? [`${formatCount(drawn)} of ${formatCount(drawable)} points are drawn.`] : [];
  return [...sampled, ...notDrawn(total - drawable, 'not finite')];
}

/**
 * Predicted against actual values as SVG: one scale on both axes, the line of equality dashed.
 *
 * The axes cover all points, also those that subsampling leaves out.
 */
export function scatterChart({ title, xLabel, yLabel, series, maxPoints = 2000, width = 480 }: ScatterChart): string {
  const points = series.map(drawablePoints);
  const drawable = points.reduce((sum, { length }) => sum + length, 0);
  const domain = axisDomain(
    points.flat().flatMap(({ x, y }) => [x, y]),
    'linear',
    0.03,
  );
  // Every series keeps at least one point, so one place each is set aside.
  const share = drawable <= maxPoints ? 1 : (maxPoints - series.length) / drawable;
  const drawn = points.map((all) => subsample(all.length, Math.ceil(all.length * share)).map((index) => all[index]));
  const count = drawn.reduce((sum, { length }) => sum + length, 0);
  const marks = drawn.map((kept, index) =>
    Plot.dot(kept, {
      x: 'x',
      y: 'y',
      r: count > 400 ? 1.8 : 2.75,
      fill: seriesColor(index),
      fillOpacity: count > 400 ? 0.5 : 0.75,
      className: `series series-${index}`,
    }),
  );
  const ends = domain === null ? [] : [domain];
  const diagonal = Plot.link(ends, {
    x1: '0',
    y1: '0',
    x2: '1',
    y2: '1',
    stroke: 'currentColor',
    strokeDasharray: '4 3',
    className: 'diagonal',
  });
  const total = series.reduce((sum, { x, y }) => sum + Math.min(x.length, y.length), 0);
  return svgDocument({
    title,
    description: `${yLabel} against ${xLabel}, ${formatCount(drawable)} points; on the dashed diagonal both are equal.`,
    width,
    legend: series.map(({ name }, index) => ({ name, color: seriesColor(index), symbol: 'dot' })),
    notes: remarks(total, drawable, count),
    body: panel({
      width,
      innerHeight: 'square',
      x: { label: xLabel, scale: 'linear', domain },
      y: { label: yLabel, scale: 'linear', domain },
      marks: [diagonal, ...marks],
    }),
  });
}
