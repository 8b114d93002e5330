import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import { axisPosition, axisTicks, type Domain, fixedTicks, type ScaleType, type Ticks } from './axis.ts';
import { fitText, round, svgText, textWidth } from './svg.ts';

/** One pair of axes with marks between them, drawn by Observable Plot in a document that is not a browser's. */

let shared: Document | undefined;
/** Made on first use: programs that only might write a report do not pay for it. */
function plotDocument(): Document {
  shared ??= parseHTML('<!doctype html><html><body></body></html>').document as unknown as Document;
  return shared;
}

/** Marks in pixel coordinates as markup, coordinates rounded to hundredths of a pixel. */
export function plotMarkup(options: Plot.PlotOptions): string {
  const svg = Plot.plot({ ...options, document: plotDocument() });
  for (const style of svg.querySelectorAll('style')) style.remove();
  const markup = svg.innerHTML.replace(/ (?:d|x|y|x1|x2|y1|y2|cx|cy|r|width|height|transform)="[^"]*"/g, (attribute) =>
    attribute.replace(/-?\d+\.\d{3,}(?:e[-+]?\d+)?/g, (number) => String(round(Number(number)))),
  );
  return `<g fill="currentColor" font-size="11" text-anchor="middle">${markup}</g>`;
}

export interface PanelAxis {
  label: string;
  scale: ScaleType;
  /** Null: nothing can be drawn along this axis. */
  domain: Domain | null;
  /** Along x: ticks at these values, in place of round ones. */
  ticks?: readonly number[];
}

export interface MarkerLine {
  x: number;
  label: string;
}

export interface Panel {
  width: number;
  /** Height of the frame between the axes, or as high as it is wide. */
  innerHeight: number | 'square';
  marginRight?: number;
  x: PanelAxis;
  y: PanelAxis;
  /** Lines across the frame at the ticks; default true. */
  grid?: boolean;
  marks: Plot.Markish[];
  /** Vertical lines across the frame, their labels above it. */
  markers?: MarkerLine[];
  /** Markup in pixels, drawn under the marks. */
  underlay?: (frame: Frame) => string;
}

/** Where the frame lies, in pixels. */
export interface Frame {
  left: number;
  top: number;
  width: number;
  height: number;
}

const MARKER_ROW = 15;
const MARGIN_BOTTOM = 48;

interface Label {
  text: string;
  position: number;
  start: number;
  end: number;
}

/** Labels of neighbouring markers go to different rows, from the right, so that a line ends below its left neighbour's. */
function markerRows(labels: Label[]): number[] {
  const rowStarts: number[] = [];
  const rows = [...labels].reverse().map(({ start, end }) => {
    const free = rowStarts.findIndex((rowStart) => rowStart >= end);
    const row = free === -1 ? rowStarts.length : free;
    rowStarts[row] = start;
    return row;
  });
  return rows.reverse();
}

/** A label stands to the right of its line, or to the left where it would leave the drawing. */
function placeLabel({ x, label }: MarkerLine, axis: PanelAxis, left: number, width: number): Label {
  const text = fitText(label, Math.min(140, width / 2), 11);
  const needed = textWidth(text, 11) + 6;
  const position = left + axisPosition(x, axis.domain!, axis.scale) * width;
  const start = position + needed > left + width + 12 ? position - needed : position;
  return { text, position, start, end: start + needed };
}

function markerLines(markers: MarkerLine[], axis: PanelAxis, left: number, width: number) {
  const labels = markers.map((marker) => placeLabel(marker, axis, left, width)).sort((a, b) => a.position - b.position);
  const rows = markerRows(labels);
  const height = Math.max(0, ...rows.map((row) => row + 1)) * MARKER_ROW;
  const markup = (top: number, frameHeight: number) => {
    const rowTop = (index: number) => top - (rows[index] + 1) * MARKER_ROW;
    const lines = labels.map(
      ({ position }, index) =>
        `<line class="marker" x1="${round(position)}" x2="${round(position)}" y1="${round(rowTop(index) + 3)}" y2="${round(top + frameHeight)}" stroke="var(--muted)" stroke-dasharray="2 3"/>`,
    );
    const texts = labels.map(({ text, start }, index) =>
      svgText(start + 3, rowTop(index) + 11, text, { size: 11, muted: true, halo: true }),
    );
    return lines.join('') + texts.join('');
  };
  return { height, markup };
}

function axisMarks(x: PanelAxis, y: PanelAxis, xTicks: Ticks, yTicks: Ticks, frame: Frame): Plot.Markish[] {
  // Labels as a channel: on a logarithmic scale Plot does not take a function for tickFormat.
  const common = { labelAnchor: 'center', labelArrow: 'none', fontSize: 11 } as const;
  const [xLabel, yLabel] = [fitText(x.label, frame.width, 11), fitText(y.label, frame.height, 11)];
  return [
    Plot.axisX(xTicks.values, { ...common, text: xTicks.labels, label: xLabel, labelOffset: 40 }),
    Plot.axisY(yTicks.values, { ...common, text: yTicks.labels, label: yLabel, labelOffset: frame.left - 8 }),
  ];
}

const tickCount = (length: number, spacing: number) => Math.max(2, Math.round(length / spacing));
const widest = ({ labels }: Ticks) => Math.max(0, ...labels.map((label) => textWidth(label, 11)));

interface Layout {
  frame: Frame;
  xTicks: Ticks;
  yTicks: Ticks;
  markers: ReturnType<typeof markerLines>;
}

/** Margins that hold the tick labels, and the frame between them. */
function layOut({ width, innerHeight, marginRight = 24, x, y, markers = [] }: Panel): Layout {
  const square = innerHeight === 'square';
  const yTicks = axisTicks(y.domain!, y.scale, tickCount(square ? width - 80 : innerHeight, 50));
  const left = 34 + Math.max(widest(yTicks), 20);
  const count = tickCount(width - left - marginRight, 80);
  const xTicks = x.ticks ? fixedTicks(x.ticks, x.domain!) : axisTicks(x.domain!, x.scale, count);
  const inner = width - left - Math.max(marginRight, widest(xTicks) / 2 + 4);
  const lines = markerLines(markers, x, left, inner);
  const frame = { left, top: 10 + lines.height, width: inner, height: square ? inner : innerHeight };
  return { frame, xTicks, yTicks, markers: lines };
}

/** The panel's markup, origin at its top left corner, and its height. */
export function panel(options: Panel): { height: number; markup: string } {
  const { width, x, y, marks, grid = true, underlay } = options;
  if (x.domain === null || y.domain === null) {
    const height = 120;
    return { height, markup: svgText(width / 2, height / 2, 'No data to draw', { anchor: 'middle', muted: true }) };
  }
  const { frame, xTicks, yTicks, markers } = layOut(options);
  const height = frame.top + frame.height + MARGIN_BOTTOM;
  const plot = plotMarkup({
    width,
    height,
    marginLeft: frame.left,
    marginRight: width - frame.left - frame.width,
    marginTop: frame.top,
    marginBottom: MARGIN_BOTTOM,
    x: { type: x.scale, domain: [...x.domain], label: null },
    y: { type: y.scale, domain: [...y.domain], label: null },
    marks: [
      grid ? [Plot.gridX(xTicks.values), Plot.gridY(yTicks.values)] : null,
      axisMarks(x, y, xTicks, yTicks, frame),
      ...marks,
    ],
  });
  return { height, markup: (underlay?.(frame) ?? '') + markers.markup(frame.top, frame.height) + plot };
}
