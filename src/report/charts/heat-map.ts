import * as Plot from '@observablehq/plot';
import { formatCount } from '../format.ts';
import { axisDomain, axisPosition, axisTicks, type Domain, isDrawable, type ScaleType } from './axis.ts';
import { type Frame, panel } from './panel.ts';
import { pngDataUri } from './png.ts';
import { fitText, round, svgDocument, svgText, textWidth } from './svg.ts';

export interface HeatMap {
  title: string;
  xLabel: string;
  yLabel: string;
  xDomain: Domain;
  yDomain: Domain;
  /** Cells along x and along y; `values` holds width · height numbers, row by row, the first row at the low end of y. */
  width: number;
  height: number;
  /** The value of each cell, at its centre. What is not finite stays empty. */
  values: ArrayLike<number>;
  colorLabel: string;
  /** Colours that part at zero, for errors and differences. */
  diverging?: boolean;
  /** Default linear. On a logarithmic scale what is not positive takes the colour of the least. */
  colorScale?: ScaleType;
  /** Values of the first and the last colour, so that several maps can be compared; what lies beyond takes theirs. */
  colorDomain?: Domain;
  /** Width of the drawing in pixels. Default 560. */
  drawingWidth?: number;
}

const COLORS = 255;
const EMPTY = 255;
/** More cells than this per side than a drawing of this size shows; the nearest cell stands for its neighbours. */
const MAX_CELLS = 256;
const WIDTH = 560;
/** Pixels of a drawing's width for every tick of its colour bar. */
const TICK_SPACING = 90;
/** Room right of the frame for the colour bar and its label, ticks left out. */
const BAR_ROOM = 72;
const BAR_WIDTH = 14;

function rgb(color: string): number[] {
  const hex = /^#(..)(..)(..)$/.exec(color);
  return hex
    ? hex.slice(1).map((part) => Number.parseInt(part, 16))
    : (color.match(/\d+/g) ?? []).slice(0, 3).map(Number);
}

function palette(diverging: boolean): number[][] {
  const scale = Plot.scale({ color: { type: 'linear', scheme: diverging ? 'RdBu' : 'Viridis', domain: [0, 1] } });
  const colors = Array.from({ length: COLORS }, (_, index) => rgb(scale!.apply(index / (COLORS - 1))));
  return diverging ? colors.reverse() : colors; // high is red
}

function colorDomain({ values, diverging, colorScale = 'linear', ...map }: HeatMap): Domain | null {
  const domain = map.colorDomain ?? axisDomain(Array.from(values), colorScale);
  if (domain === null || !diverging) return domain;
  const largest = Math.max(Math.abs(domain[0]), Math.abs(domain[1]));
  return [-largest, largest];
}

/** Rows from the top, as images have them. */
function rasterUri(map: HeatMap, domain: Domain, colors: number[][]): string {
  const [low, high] = domain;
  const position = (value: number) =>
    axisPosition(Math.min(high, Math.max(low, value)), domain, map.colorScale ?? 'linear');
  const width = Math.min(map.width, MAX_CELLS);
  const height = Math.min(map.height, MAX_CELLS);
  const pixels = new Uint8Array(width * height);
  for (let row = 0; row < height; row++) {
    const source = Math.floor(((height - 1 - row + 0.5) * map.height) / height);
    for (let column = 0; column < width; column++) {
      const value = map.values[source * map.width + Math.floor(((column + 0.5) * map.width) / width)];
      pixels[row * width + column] = isDrawable(value, 'linear') ? Math.round(position(value) * (COLORS - 1)) : EMPTY;
    }
  }
  return pngDataUri({ width, height, palette: [...colors, [0, 0, 0]], transparent: EMPTY, pixels });
}

function image(uri: string, x: number, y: number, width: number, height: number): string {
  return `<image href="${uri}" x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}" preserveAspectRatio="none" style="image-rendering:pixelated"/>`;
}

function barTicks({ colorScale = 'linear', drawingWidth = WIDTH }: HeatMap, domain: Domain) {
  const ticks = axisTicks(domain, colorScale, Math.max(2, Math.round(drawingWidth / TICK_SPACING)));
  return { ...ticks, widest: Math.max(0, ...ticks.labels.map((text) => textWidth(text, 11))) };
}

function colorBar(map: HeatMap, domain: Domain, colors: number[][], frame: Frame): string {
  const { colorLabel, colorScale = 'linear' } = map;
  const left = frame.left + frame.width + 18;
  const gradient = Uint8Array.from(colors, (_, index) => COLORS - 1 - index);
  const uri = pngDataUri({ width: 1, height: COLORS, palette: colors, pixels: gradient });
  const ticks = barTicks(map, domain);
  const labels = ticks.values.map((value, index) => {
    const y = frame.top + (1 - axisPosition(value, domain, colorScale)) * frame.height;
    return svgText(left + BAR_WIDTH + 6, y + 4, ticks.labels[index], { size: 11 });
  });
  const label = fitText(colorLabel, frame.height, 11);
  const [x, y] = [left + BAR_WIDTH + 6 + ticks.widest + 16, frame.top + frame.height / 2];
  const name = `<g transform="translate(${round(x)},${round(y)}) rotate(-90)">${svgText(0, 0, label, { size: 11, anchor: 'middle' })}</g>`;
  return image(uri, left, frame.top, BAR_WIDTH, frame.height) + labels.join('') + name;
}

/** A function of two inputs as colours on a grid, embedded as one small PNG. */
export function heatMap(map: HeatMap): string {
  const { title, xLabel, yLabel, colorLabel, diverging = false, drawingWidth = WIDTH } = map;
  const domain = map.width > 0 && map.height > 0 ? colorDomain(map) : null;
  const colors = palette(diverging);
  const cells = Array.from({ length: map.width * map.height }, (_, index) => map.values[index]);
  const empty = cells.filter((value) => !isDrawable(value, 'linear')).length;
  const place = (axis: Domain) => (domain === null ? null : axisDomain(axis, 'linear'));
  const underlay = (frame: Frame) =>
    domain === null
      ? ''
      : image(rasterUri(map, domain, colors), frame.left, frame.top, frame.width, frame.height) +
        colorBar(map, domain, colors, frame);
  return svgDocument({
    title,
    description: `${colorLabel} as colours over ${xLabel} and ${yLabel}, ${map.width} by ${map.height} cells.`,
    width: drawingWidth,
    notes: empty > 0 ? [`${formatCount(empty)} of ${formatCount(cells.length)} cells are empty: not finite.`] : [],
    body: panel({
      width: drawingWidth,
      innerHeight: 'square',
      marginRight: BAR_ROOM + (domain === null ? 0 : barTicks(map, domain).widest),
      x: { label: xLabel, scale: 'linear', domain: place(map.xDomain) },
      y: { label: yLabel, scale: 'linear', domain: place(map.yDomain) },
      grid: false,
      marks: [],
      underlay,
    }),
  });
}
