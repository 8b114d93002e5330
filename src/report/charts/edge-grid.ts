import * as Plot from '@observablehq/plot';
import { formatCount, formatNumber } from '../format.ts';
import { axisDomain, axisPosition, type Domain, isDrawable } from './axis.ts';
import { plotMarkup } from './panel.ts';
import { FONT_SIZE, fitText, round, seriesColor, svgDocument, svgText, type TextOptions, textWidth } from './svg.ts';

/** The function on one edge of the network, from one input of a layer to one of its outputs. */
export interface EdgeCurve {
  /** Counted from zero. */
  layer: number;
  input: number;
  output: number;
  /** Default: the node's number, counted from one. */
  inputName?: string;
  outputName?: string;
  /** The interval the knots divide; outside it the function continues linearly. */
  domain: Domain;
  knots: ArrayLike<number>;
  x: ArrayLike<number>;
  y: ArrayLike<number>;
}

export interface EdgeGrid {
  title: string;
  edges: readonly EdgeCurve[];
  /** Curves drawn at most, those of the largest range; default 48. */
  maxEdges?: number;
  /** Pixels; default 720. */
  width?: number;
}

const GAP = 16;
const EDGE = 12;
const LEAST_CELL_WIDTH = 150;
const CURVE_HEIGHT = 72;
const HEADING_HEIGHT = 30;
const CELL_HEIGHT = 20 + CURVE_HEIGHT + 26;
const TICK = 5;

interface Curve {
  edge: EdgeCurve;
  x: Domain | null;
  y: Domain | null;
  range: number;
}

function measure(edge: EdgeCurve): Curve {
  const values = Array.from(edge.y);
  const finite = values.filter((value) => isDrawable(value, 'linear'));
  const y = axisDomain(values, 'linear');
  const range =
    finite.reduce((high, value) => Math.max(high, value), -Infinity) -
    finite.reduce((low, value) => Math.min(low, value), Infinity);
  return { edge, x: axisDomain([...Array.from(edge.x), ...edge.domain], 'linear'), y, range: y === null ? -1 : range };
}

/** The curves to draw, in the order given; of too many, those of the largest range. */
function choose(curves: Curve[], count: number): Curve[] {
  if (curves.length <= count) return curves;
  return [...curves]
    .map((curve, index) => ({ curve, index }))
    .sort((a, b) => b.curve.range - a.curve.range || a.index - b.index)
    .slice(0, count)
    .sort((a, b) => a.index - b.index)
    .map(({ curve }) => curve);
}

/** All curves of a layer span the same range, each about its own middle: what looks flat is small. */
function commonSpan(curves: Curve[]): number {
  return Math.max(0, ...curves.map(({ range }) => range));
}

function knotTicks({ edge, x }: Curve, width: number, bottom: number): string {
  const inside = Array.from(edge.knots).filter((knot) => isDrawable(knot, 'linear') && knot >= x![0] && knot <= x![1]);
  const path = inside.map((knot) => `M${round(axisPosition(knot, x!, 'linear') * width)},${bottom}v${-TICK}`).join('');
  return `<path class="knots" d="${path}" stroke="var(--muted)" fill="none"/>`;
}

/** What lies outside the domain is shaded: there the function is a straight line. */
function outside({ edge, x }: Curve, width: number): string {
  const [start, end] = edge.domain.map((value) => Math.min(1, Math.max(0, axisPosition(value, x!, 'linear'))) * width);
  return [
    [0, start],
    [end, width],
  ]
    .filter(([from, to]) => to - from > 0.5)
    .map(
      ([from, to]) =>
        `<rect x="${round(from)}" y="0" width="${round(to - from)}" height="${CURVE_HEIGHT}" fill="var(--muted)" fill-opacity="0.12"/>`,
    )
    .join('');
}

function curveMarkup(curve: Curve, width: number, span: number): string {
  const { edge, x, y, range } = curve;
  if (x === null || y === null)
    return svgText(width / 2, CURVE_HEIGHT / 2 + 4, 'not finite', { size: 11, anchor: 'middle', muted: true });
  const middle = (y[0] + y[1]) / 2;
  const half = range > 0 && span > 0 ? (span / 2) * 1.06 : (y[1] - y[0]) / 2;
  const points = Array.from({ length: Math.min(edge.x.length, edge.y.length) }, (_, index) => ({
    x: isDrawable(edge.x[index], 'linear') ? edge.x[index] : Number.NaN,
    y: isDrawable(edge.y[index], 'linear') ? edge.y[index] : Number.NaN,
  }));
  const plot = plotMarkup({
    width,
    height: CURVE_HEIGHT,
    margin: 0,
    axis: null,
    x: { type: 'linear', domain: [...x] },
    y: { type: 'linear', domain: [middle - half, middle + half] },
    marks: [
      Plot.line(points, {
        x: 'x',
        y: 'y',
        stroke: seriesColor(edge.layer),
        strokeWidth: 1.75,
        className: 'edge-curve',
      }),
    ],
  });
  return outside(curve, width) + knotTicks(curve, width, CURVE_HEIGHT) + plot;
}

/** Under the frame the domain's ends, each below its knot, and the curve's own range: the scale is shared, the middle is not. */
function rangeLabels({ edge, x, y, range }: Curve, width: number): string {
  const label = (position: number, text: string, anchor: TextOptions['anchor']) =>
    svgText(position, CURVE_HEIGHT + 13, text, { size: 10, muted: true, anchor });
  const middle = y === null ? '' : range > 0 ? `Δ ${formatNumber(range)}` : 'constant';
  if (x === null) return label(width / 2, middle, 'middle');
  const [start, end] = edge.domain.map((value) => axisPosition(value, x, 'linear') * width);
  return [
    label(start, formatNumber(edge.domain[0]), 'start'),
    label((start + end) / 2, middle, 'middle'),
    label(end, formatNumber(edge.domain[1]), 'end'),
  ].join('');
}

function cell(curve: Curve, left: number, top: number, width: number, span: number): string {
  const { input, output, inputName = `${input + 1}`, outputName = `${output + 1}` } = curve.edge;
  const arrow = ' → ';
  const room = (width - textWidth(arrow, 11)) / 2;
  const name = fitText(inputName, Math.max(room, width - textWidth(arrow + outputName, 11)), 11) + arrow;
  const label = name + fitText(outputName, width - textWidth(name, 11), 11);
  const frame = `<rect width="${round(width)}" height="${CURVE_HEIGHT}" fill="none" stroke="var(--muted)" stroke-opacity="0.4"/>`;
  const drawing = frame + curveMarkup(curve, width, span) + rangeLabels(curve, width);
  return `<g class="edge" transform="translate(${round(left)},${round(top)})">${svgText(0, 12, label, { size: 11 })}<g transform="translate(0,18)">${drawing}</g></g>`;
}

function layerMarkup(curves: Curve[], layer: number, total: number, top: number, width: number) {
  const columns = Math.max(1, Math.floor((width - 2 * EDGE + GAP) / (LEAST_CELL_WIDTH + GAP)));
  const cellWidth = (width - 2 * EDGE - (columns - 1) * GAP) / columns;
  const span = commonSpan(curves);
  const cells = curves.map((curve, index) => {
    const [column, row] = [index % columns, Math.floor(index / columns)];
    return cell(curve, EDGE + column * (cellWidth + GAP), top + HEADING_HEIGHT + row * CELL_HEIGHT, cellWidth, span);
  });
  const count = curves.length < total ? `, ${formatCount(curves.length)} of ${formatCount(total)} edges` : '';
  const heading = svgText(EDGE, top + 18, `Layer ${layer + 1}${count}`, { size: FONT_SIZE, bold: true });
  return {
    markup: heading + cells.join(''),
    height: HEADING_HEIGHT + Math.ceil(curves.length / columns) * CELL_HEIGHT,
  };
}

/**
 * One small curve per edge function, its knots as ticks along the bottom, layer by layer, as SVG.
 *
 * Within a layer all curves have one vertical scale, each centred on its own range; Δ is the range.
 */
export function edgeGrid({ title, edges, maxEdges = 48, width = 720 }: EdgeGrid): string {
  const drawn = choose(edges.map(measure), maxEdges);
  const layers = [...new Set(drawn.map(({ edge }) => edge.layer))].sort((a, b) => a - b);
  let height = 0;
  const markup = layers.map((layer) => {
    const curves = drawn.filter(({ edge }) => edge.layer === layer);
    const total = edges.filter((edge) => edge.layer === layer).length;
    const block = layerMarkup(curves, layer, total, height, width);
    height += block.height;
    return block.markup;
  });
  if (layers.length === 0) {
    height = 80;
    markup.push(svgText(width / 2, height / 2, 'No edge functions to draw', { anchor: 'middle', muted: true }));
  }
  const missing = edges.length - drawn.length;
  const note = `${formatCount(missing)} of ${formatCount(edges.length)} edge functions are not drawn: those of the smallest range.`;
  return svgDocument({
    title,
    description: `${formatCount(drawn.length)} edge functions as small curves with their knots.`,
    width,
    notes: missing > 0 ? [note] : [],
    body: { height, markup: markup.join('\n') },
  });
}
