import * as Plot from '@observablehq/plot';
import { notDrawn } from '../format.ts';
import { axisDomain, isDrawable, type ScaleType } from './axis.ts';
import { type MarkerLine, panel } from './panel.ts';
import { seriesColor, seriesDash, svgDocument } from './svg.ts';

export interface LineSeries {
  name: string;
  x: ArrayLike<number>;
  y: ArrayLike<number>;
  dashed?: boolean;
  /** Dots alone, however many, without a line between them. */
  dots?: boolean;
}

export interface LineChart {
  title: string;
  xLabel: string;
  yLabel: string;
  /** Default linear. On a logarithmic axis values that are not positive are left out, and counted in a note. */
  xScale?: ScaleType;
  yScale?: ScaleType;
  /** Ticks at these x, for example the sizes measured, in place of round values. */
  xTicks?: readonly number[];
  series: readonly LineSeries[];
  /** Vertical lines, for example the refinements of a run. */
  markers?: readonly MarkerLine[];
  notes?: readonly string[];
  /** Pixels; default 720 and, between the axes, 300. */
  width?: number;
  innerHeight?: number;
}

interface Point {
  x: number;
  y: number;
  run: number;
}

/** More points than this per run are thinned to each bucket's first, lowest, highest and last. */
const BUCKETS = 250;
/** Series up to this long show their points. */
const DOTS_UP_TO = 32;

function extremes(points: Point[]): Point[] {
  let [low, high] = [0, 0];
  for (const [index, { y }] of points.entries()) {
    if (y < points[low].y) low = index;
    if (y > points[high].y) high = index;
  }
  const kept = new Set([0, low, high, points.length - 1]);
  return [...kept].sort((a, b) => a - b).map((index) => points[index]);
}

function thin(points: Point[]): Point[] {
  if (points.length <= 4 * BUCKETS) return points;
  const edge = (bucket: number) => Math.round((bucket * points.length) / BUCKETS);
  return Array.from({ length: BUCKETS }, (_, bucket) => extremes(points.slice(edge(bucket), edge(bucket + 1)))).flat();
}

/** A series as runs of drawable points: a line breaks where a value is missing. */
function splitRuns({ x, y }: LineSeries, xScale: ScaleType, yScale: ScaleType): { runs: Point[][]; dropped: number } {
  const runs: Point[][] = [];
  const length = Math.min(x.length, y.length);
  let [current, dropped]: [Point[] | null, number] = [null, 0];
  for (let index = 0; index < length; index++) {
    if (isDrawable(x[index], xScale) && isDrawable(y[index], yScale)) {
      if (current === null) {
        current = [];
        runs.push(current);
      }
      current.push({ x: x[index], y: y[index], run: runs.length });
    } else {
      current = null;
      dropped++;
    }
  }
  return { runs: runs.map(thin), dropped };
}

function seriesMarks(runs: Point[][], index: number, { dashed, dots: only }: LineSeries): Plot.Markish[] {
  const stroke = seriesColor(index);
  const className = `series series-${index}`;
  const drawn = runs.flat();
  const dots = only || drawn.length <= DOTS_UP_TO ? drawn : runs.filter((run) => run.length === 1).flat();
  const line = {
    x: 'x',
    y: 'y',
    z: 'run',
    stroke,
    strokeWidth: 1.75,
    strokeDasharray: seriesDash(index, dashed),
    className,
  };
  return [
    only ? null : Plot.line(drawn, line),
    Plot.dot(dots, { x: 'x', y: 'y', r: 2.75, fill: stroke, className: `${className} dots` }),
  ];
}

/**
 * Lines over a common pair of axes, as SVG.
 *
 * Lines break at values that have no place on their axis. Long series are thinned, their extremes kept.
 */
export function lineChart(chart: LineChart): string {
  const { title, xLabel, yLabel, xScale = 'linear', yScale = 'linear', series, notes = [] } = chart;
  const { width = 720, innerHeight = 300 } = chart;
  const split = series.map((entry) => splitRuns(entry, xScale, yScale));
  const points = split.flatMap(({ runs }) => runs.flat());
  const markers = (chart.markers ?? []).filter(({ x }) => isDrawable(x, xScale));
  const xDomain =
    points.length === 0
      ? null
      : axisDomain(
          [...points, ...markers].map(({ x }) => x),
          xScale,
        );
  const yDomain = axisDomain(
    points.map(({ y }) => y),
    yScale,
    0.03,
  );
  const body = panel({
    width,
    innerHeight,
    x: { label: xLabel, scale: xScale, domain: xDomain, ticks: chart.xTicks },
    y: { label: yLabel, scale: yScale, domain: yDomain },
    marks: split.flatMap(({ runs }, index) => seriesMarks(runs, index, series[index])),
    markers,
  });
  const dropped = split.reduce((sum, { dropped: count }) => sum + count, 0);
  const logarithmic = xScale === 'log' || yScale === 'log';
  const reason = logarithmic ? 'zero or negative on a logarithmic axis, or not finite' : 'not finite';
  return svgDocument({
    title,
    description: `Line chart of ${yLabel} against ${xLabel}: ${series.map(({ name }) => name).join(', ') || 'no series'}.`,
    width,
    legend: series.map(({ name, dashed, dots }, index) => ({
      name: split[index].runs.length > 0 ? name : `${name} (nothing to draw)`,
      color: seriesColor(index),
      dash: seriesDash(index, dashed),
      symbol: dots ? 'dot' : 'line',
    })),
    notes: [...notes, ...notDrawn(dropped, reason)],
    body,
  });
}
