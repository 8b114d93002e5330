import * as Plot from '@observablehq/plot';
import { formatNumber } from '../format.ts';
import { axisDomain, axisTicks, isDrawable } from './axis.ts';
import { plotMarkup } from './panel.ts';
import { fitText, seriesColor, svgDocument, svgText, textWidth } from './svg.ts';

export interface BarChart {
  title: string;
  /** What the bars measure, with its unit. */
  valueLabel: string;
  categories: readonly string[];
  /** One bar per category and series; a value that is not finite is named instead of drawn. */
  series: readonly { name: string; values: ArrayLike<number> }[];
  /** Pixels; default 720. */
  width?: number;
  /** How the number at a bar's end is written; default `formatNumber`. */
  format?: (value: number) => string;
}

const BAR_HEIGHT = 16;
const GROUP_GAP = 12;
const MARGIN_RIGHT = 80;
const MARGIN_BOTTOM = 46;

/** Horizontal bars from zero, grouped by category, as SVG. */
export function barChart({
  title,
  valueLabel,
  categories,
  series,
  width = 720,
  format = formatNumber,
}: BarChart): string {
  const left = Math.min(width / 3, Math.max(40, ...categories.map((name) => textWidth(name)))) + 20;
  const groupHeight = series.length * BAR_HEIGHT + GROUP_GAP;
  const frameHeight = categories.length * groupHeight;
  const bars = categories.flatMap((_, category) =>
    series.map(({ values }, index) => {
      const top = category * groupHeight + GROUP_GAP / 2 + index * BAR_HEIGHT;
      return { index, value: values[category], top: top + 1, bottom: top + BAR_HEIGHT - 1 };
    }),
  );
  const drawable = bars.filter(({ value }) => isDrawable(value, 'linear'));
  const domain = axisDomain([0, ...drawable.map(({ value }) => value)], 'linear') ?? [0, 1];
  const ticks = axisTicks(domain, 'linear', 6);
  const names = categories.map((name, category) =>
    svgText(left - 8, (category + 0.5) * groupHeight + 4, fitText(name, left - 20), { anchor: 'end' }),
  );
  const marks = series.map((_, index) =>
    Plot.rect(
      drawable.filter((bar) => bar.index === index),
      {
        x1: () => 0,
        x2: 'value',
        y1: 'top',
        y2: 'bottom',
        fill: seriesColor(index),
        className: `series series-${index}`,
      },
    ),
  );
  const numbers = Plot.text(bars, {
    x: ({ value }) => (isDrawable(value, 'linear') ? Math.max(0, value) : 0),
    y: ({ top, bottom }) => (top + bottom) / 2,
    text: ({ value }) => format(value),
    textAnchor: 'start',
    dx: 4,
  });
  const markup = plotMarkup({
    width,
    height: frameHeight + MARGIN_BOTTOM,
    marginLeft: left,
    marginRight: MARGIN_RIGHT,
    marginTop: 0,
    marginBottom: MARGIN_BOTTOM,
    x: { type: 'linear', domain: [...domain], label: null },
    y: { type: 'linear', domain: [frameHeight, 0], axis: null },
    marks: [
      Plot.gridX(ticks.values),
      Plot.axisX(ticks.values, {
        text: ticks.labels,
        label: fitText(valueLabel, width - left - MARGIN_RIGHT),
        labelAnchor: 'center',
        labelArrow: 'none',
        labelOffset: 38,
      }),
      ...marks,
      Plot.ruleX([0]),
      numbers,
    ],
  });
  return svgDocument({
    title,
    description: `Bars of ${valueLabel} for ${categories.join(', ') || 'no categories'}.`,
    width,
    legend:
      series.length > 1 ? series.map(({ name }, index) => ({ name, color: seriesColor(index), symbol: 'box' })) : [],
    body: { height: frameHeight + MARGIN_BOTTOM, markup: names.join('') + markup },
  });
}
