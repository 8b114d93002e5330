import { inflateSync } from 'node:zlib';
import { expect } from 'chai';
import fc from 'fast-check';
import { axisDomain, axisPosition, axisTicks, type ScaleType } from '../../src/report/charts/axis.ts';
import { subsample } from '../../src/report/charts/scatter-chart.ts';
import { barChart, chartRow, edgeGrid, heatMap, lineChart, scatterChart } from '../../src/report/charts.ts';
import { outsideReferences, readMarkup, withClass } from './markup.ts';

const labels = { title: 'title', xLabel: 'x', yLabel: 'y' };
const range = (count: number) => Array.from({ length: count }, (_, index) => index);
const HOSTILE = `</text></svg><script>alert("1")</script>&<!-- '\u0000\ud800`;

/** Reads a chart and asserts what holds for each of them. */
function read(svg: string) {
  const elements = readMarkup(svg);
  expect(elements[0].name).to.equal('svg');
  expect(elements[0].attributes).to.include({ xmlns: 'http://www.w3.org/2000/svg', role: 'img' });
  expect(elements.slice(1, 3).map(({ name }) => name)).to.deep.equal(['title', 'desc']);
  expect(svg).to.match(/prefers-color-scheme:dark/);
  expect(outsideReferences(elements)).to.deep.equal([]);
  for (const { attributes } of elements)
    for (const [name, value] of Object.entries(attributes))
      if (name !== 'aria-label' && name !== 'href') expect(value, name).not.to.match(/NaN|Infinity|undefined/);
  return elements;
}

const texts = (svg: string) =>
  read(svg)
    .filter(({ name }) => name === 'text')
    .map(({ text }) => text);

describe('report: axes', () => {
  const domains = fc
    .tuple(fc.double({ min: -1e12, max: 1e12, noNaN: true }), fc.double({ min: -1e12, max: 1e12, noNaN: true }))
    .map((values) => axisDomain(values, 'linear')!);
  const logDomains = fc
    .tuple(fc.double({ min: -300, max: 300, noNaN: true }), fc.double({ min: -300, max: 300, noNaN: true }))
    .map(
      (exponents) =>
        axisDomain(
          exponents.map((exponent) => 10 ** exponent),
          'log',
        )!,
    );

  for (const [scale, arbitrary] of [
    ['linear', domains],
    ['log', logDomains],
  ] as const)
    it(`${scale} ticks lie inside, ascend, are at least two and at most about as many as asked for, each with its own label`, () => {
      fc.assert(
        fc.property(arbitrary, fc.integer({ min: 2, max: 10 }), (domain, count) => {
          const ticks = axisTicks(domain, scale, count);
          expect(ticks.values.length).to.be.within(1, 2 * count + 1);
          expect(new Set(ticks.labels).size).to.equal(ticks.values.length);
          const positions = ticks.values.map((value) => axisPosition(value, domain, scale));
          for (const [index, position] of positions.entries()) {
            expect(position).to.be.within(-1e-6, 1 + 1e-6);
            if (index > 0) expect(position).to.be.above(positions[index - 1]);
          }
        }),
      );
    });

  const labelled: [ScaleType, [number, number], number, string[]][] = [
    ['linear', [0, 1], 5, ['0.0', '0.2', '0.4', '0.6', '0.8', '1.0']],
    ['linear', [0, 30000], 6, ['0', '5,000', '10,000', '15,000', '20,000', '25,000', '30,000']],
    ['linear', [-2e-5, 2e-5], 4, ['-2·10⁻⁵', '-10⁻⁵', '0', '10⁻⁵', '2·10⁻⁵']],
    ['log', [1e-6, 1], 4, ['10⁻⁶', '10⁻⁴', '10⁻²', '10⁰']],
    ['log', [0.01, 100], 6, ['0.01', '0.1', '1', '10', '100']],
    ['log', [8, 128], 6, ['10', '20', '50', '100']],
  ];
  for (const [scale, domain, count, expected] of labelled)
    it(`${scale} [${domain}]: ${expected.join('  ')}`, () => {
      expect(axisTicks(domain, scale, count).labels).to.deep.equal(expected);
    });

  it('a domain leaves out what has no place, and gives a constant room', () => {
    expect(axisDomain([Number.NaN, 3, Number.POSITIVE_INFINITY, 1], 'linear')).to.deep.equal([1, 3]);
    expect(axisDomain([0, -1, 100, 10], 'log')).to.deep.equal([10, 100]);
    expect(axisDomain([4, 4], 'linear')).to.deep.equal([2, 6]);
    expect(axisDomain([0], 'linear')).to.deep.equal([-0.5, 0.5]);
    expect(axisDomain([0, Number.NaN], 'log')).to.equal(null);
  });
});

describe('report: line chart', () => {
  it('draws every series and every marker, and names them', () => {
    const series = range(11).map((k) => ({
      name: `series ${k}`,
      x: range(50),
      y: range(50).map((x) => x * k + 1),
      dashed: k === 1,
    }));
    const markers = range(5).map((k) => ({ x: 5 * k, label: `n = ${2 ** k}` }));
    const svg = lineChart({ ...labels, series, markers });
    const elements = read(svg);
    for (const k of range(11)) expect(withClass(elements, `series-${k}`), `series ${k}`).to.have.length.at.least(1);
    expect(elements.filter(({ attributes }) => attributes['class'] === 'marker')).to.have.length(5);
    for (const { name } of series) expect(texts(svg)).to.include(name);
    for (const { label } of markers) expect(texts(svg)).to.include(label);
  });

  it('breaks a line at zero, negative and missing values on a logarithmic axis, and says how many it left out', () => {
    const svg = lineChart({
      ...labels,
      yScale: 'log',
      series: [{ name: 's', x: range(7), y: [1, 2, 0, 3, -1, Number.NaN, 4] }],
    });
    const elements = read(svg);
    const lines = elements.filter(
      ({ name, attributes }) => name === 'path' && attributes['d']?.startsWith('M') && !attributes['transform'],
    );
    const moves = lines.flatMap(({ attributes }) => attributes['d'].match(/M/g) ?? []).length;
    expect(moves).to.be.at.least(3);
    expect(elements.filter(({ name }) => name === 'circle')).to.have.length(4);
    expect(texts(svg).join()).to.contain('3 values are not drawn');
  });

  it('places points where the axes say: linear x, logarithmic y', () => {
    const svg = lineChart({ ...labels, yScale: 'log', series: [{ name: 's', x: [0, 1, 4], y: [1, 10, 1000] }] });
    const circles = read(svg).filter(({ name }) => name === 'circle');
    const [x, y] = ['cx', 'cy'].map((side) => circles.map(({ attributes }) => Number(attributes[side])));
    // Coordinates are rounded to 0.01 pixel, so a ratio of distances of 100 pixels and more is right to 4e-4.
    expect((x[1] - x[0]) / (x[2] - x[0])).to.be.closeTo(1 / 4, 4e-4);
    expect((y[1] - y[0]) / (y[2] - y[0])).to.be.closeTo(1 / 3, 4e-4);
    expect(y[2]).to.be.below(y[0]);
  });

  it('draws a series of dots without a line, however many they are', () => {
    const elements = read(lineChart({ ...labels, series: [{ name: 's', x: range(100), y: range(100), dots: true }] }));
    const drawn = withClass(elements, 'series-0');
    expect(drawn.map(({ attributes }) => attributes['class'])).to.deep.equal(['series series-0 dots']);
    // One more is the legend's.
    expect(elements.filter(({ name }) => name === 'circle')).to.have.length(101);
  });

  it('thins long series but keeps their extremes', () => {
    const y = range(100_000).map((x) => Math.sin(x / 1000));
    y[54_321] = 50;
    const svg = lineChart({ ...labels, series: [{ name: 'long', x: range(100_000), y }] });
    expect(svg.length).to.be.below(60_000);
    expect(texts(svg)).to.include('50');
  });

  for (const [what, x, y] of [
    ['no point', [], []],
    ['one point', [1], [5]],
    ['a constant', [1, 2, 3], [5, 5, 5]],
    ['one x', [1, 1], [1, 2]],
    ['nothing but NaN', [1, 2], [Number.NaN, Number.NaN]],
    ['zeros', [0, 0], [0, 0]],
    ['huge and tiny values', [1, 2, 3], [Number.MAX_VALUE, Number.MIN_VALUE, 1]],
  ] as const)
    it(`survives a series of ${what}, linear and logarithmic`, () => {
      for (const yScale of ['linear', 'log'] as const)
        for (const xScale of ['linear', 'log'] as const)
          read(lineChart({ ...labels, xScale, yScale, series: [{ name: 's', x, y }] }));
    });

  it('says so when there is nothing to draw', () => {
    expect(texts(lineChart({ ...labels, series: [], markers: [{ x: 1, label: 'm' }] }))).to.include('No data to draw');
    const svg = lineChart({ ...labels, yScale: 'log', series: [{ name: 's', x: [1], y: [0] }] });
    expect(texts(svg)).to.include('s (nothing to draw)');
  });

  it('takes any numbers and any text', () => {
    const numbers = fc.array(fc.double(), { maxLength: 12 });
    const scale = fc.constantFrom<ScaleType>('linear', 'log');
    const text = fc.string({ unit: 'binary' });
    fc.assert(
      fc.property(numbers, numbers, scale, scale, text, text, (x, y, xScale, yScale, name, title) => {
        const markers = x.map((at) => ({ x: at, label: name }));
        read(lineChart({ title, xLabel: name, yLabel: title, xScale, yScale, series: [{ name, x, y }], markers }));
      }),
      { numRuns: 60 },
    );
  });
});

describe('report: scatter chart', () => {
  it('draws at most 2000 points, the same each time, and says so', () => {
    const x = range(9568).map((k) => Math.cos(k));
    const chart = {
      ...labels,
      series: [
        { name: 'all', x, y: x },
        { name: 'one', x: [0], y: [1] },
      ],
    };
    const svg = scatterChart(chart);
    const drawn = [0, 1].map(
      (k) =>
        svg
          .split(`series series-${k}`)[1]
          .split('</g>')[0]
          .match(/<circle/g)!.length,
    );
    expect(drawn[0]).to.be.within(1900, 1999);
    expect(drawn[1]).to.equal(1);
    expect(texts(svg).join()).to.contain(`${(drawn[0] + 1).toLocaleString('en')} of 9,569 points are drawn`);
    expect(scatterChart(chart)).to.equal(svg);
  });

  it('a subsample is ascending, without repeats, spread over the whole', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 5000 }), fc.integer({ min: 1, max: 2000 }), (length, count) => {
        const chosen = subsample(length, count);
        expect(chosen).to.have.length(Math.min(length, count));
        const stratum = Math.ceil(length / Math.max(1, chosen.length));
        for (const [position, index] of chosen.entries())
          expect(index - (chosen[position - 1] ?? -1)).to.be.within(1, 2 * stratum);
        if (length > 0) expect(chosen.at(-1)).to.be.within(length - stratum, length - 1);
      }),
    );
  });

  it('has the same scale on both axes, and the diagonal from corner to corner', () => {
    const elements = read(scatterChart({ ...labels, series: [{ name: 's', x: [0, 10], y: [2, 4] }] }));
    const [first, second] = elements
      .filter(({ name, attributes }) => name === 'circle' && attributes['r'] !== '4')
      .map(({ attributes }) => [Number(attributes['cx']), Number(attributes['cy'])]);
    expect((first[1] - second[1]) / (second[0] - first[0])).to.be.closeTo(2 / 10, 1e-3);
    expect(withClass(elements, 'diagonal')).to.have.length(1);
  });

  it('survives no series, no points and values that are not finite', () => {
    read(scatterChart({ ...labels, series: [] }));
    read(scatterChart({ ...labels, series: [{ name: 's', x: [], y: [] }] }));
    const svg = scatterChart({
      ...labels,
      series: [{ name: 's', x: [1, Number.NaN, 2], y: [1, 2, Number.POSITIVE_INFINITY] }],
    });
    expect(texts(svg)).to.include('2 values are not drawn: not finite.');
  });
});

describe('report: heat map', () => {
  const map = { ...labels, xDomain: [0, 3], yDomain: [0, 2], colorLabel: 'z', width: 3, height: 2 } as const;

  /** Width, height, pixels as palette entries and the opacity of each, read back from the first PNG in a chart. */
  function firstImage(svg: string) {
    const uri = read(svg).find(({ name }) => name === 'image')!.attributes['href'];
    const file = Buffer.from(uri.split(',')[1], 'base64');
    const chunks: Record<string, Buffer> = {};
    for (let at = 8; at < file.length; at += 12 + file.readUInt32BE(at))
      chunks[file.toString('latin1', at + 4, at + 8)] = file.subarray(at + 8, at + 8 + file.readUInt32BE(at));
    const [width, height] = [chunks['IHDR'].readUInt32BE(0), chunks['IHDR'].readUInt32BE(4)];
    const scanlines = inflateSync(chunks['IDAT']);
    const rows = range(height).map((row) => [...scanlines.subarray(row * (width + 1) + 1, (row + 1) * (width + 1))]);
    const color = (index: number) => [...chunks['PLTE'].subarray(3 * index, 3 * index + 3)];
    return { width, height, rows, color, opacity: (index: number) => chunks['tRNS']?.[index] ?? 255 };
  }

  it('has the first row of values at the bottom, and leaves empty what is not finite', () => {
    const svg = heatMap({ ...map, values: Float64Array.of(0, 1, 2, 3, Number.NaN, 4) });
    const { width, height, rows, opacity } = firstImage(svg);
    expect([width, height]).to.deep.equal([3, 2]);
    // 255 colours for the values 0 to 4: value · 254 / 4, rounded.
    expect(rows).to.deep.equal([
      [191, 255, 254],
      [0, 64, 127],
    ]);
    expect([opacity(0), opacity(254), opacity(255)]).to.deep.equal([255, 255, 0]);
    expect(texts(svg)).to.include('1 of 6 cells are empty: not finite.');
  });

  it('diverging colours are even about zero: blue below, red above, pale at zero', () => {
    const { rows, color } = firstImage(heatMap({ ...map, values: [-1, 0, 4, -4, 0, 0], diverging: true }));
    const [low, zero, high] = [rows[0][0], rows[1][1], rows[1][2]].map(color);
    expect(low[2]).to.be.above(low[0] + 50);
    expect(high[0]).to.be.above(high[2] + 50);
    expect(Math.min(...zero)).to.be.above(230);
  });

  it('on a logarithmic scale decades are equally far apart; what is outside the domain takes its ends', () => {
    const values = Float64Array.of(1e-4, 1e-3, 1e-2, 0, 1e3, 1e-6);
    const svg = heatMap({ ...map, values, colorScale: 'log', colorDomain: [1e-4, 1e-2], drawingWidth: 380 });
    // 255 colours for two decades: decade · 254 / 2.
    expect(firstImage(svg).rows).to.deep.equal([
      [0, 254, 0],
      [0, 127, 254],
    ]);
    expect(texts(svg)).to.include.members(['10⁻⁴', '10⁻³', '10⁻²']);
    expect(read(svg)[0].attributes).to.include({ width: '380' });
  });

  it('stays small: 1000 by 1000 cells', () => {
    const values = Float64Array.from({ length: 1_000_000 }, (_, k) => Math.sin(k / 7) * Math.cos(k / 1000));
    const svg = heatMap({ ...map, width: 1000, height: 1000, values });
    expect(firstImage(svg).width).to.equal(256);
    expect(svg.length).to.be.below(120_000);
  });

  it('survives constant, empty and missing values, and hostile labels', () => {
    read(heatMap({ ...map, values: new Float64Array(6) }));
    read(heatMap({ ...map, values: new Float64Array(6).fill(Number.NaN) }));
    read(heatMap({ ...map, width: 0, height: 0, values: [] }));
    read(heatMap({ ...map, values: range(6), title: HOSTILE, xLabel: HOSTILE, yLabel: HOSTILE, colorLabel: HOSTILE }));
  });
});

describe('report: edge grid', () => {
  const edge = (layer: number, input: number, size: number) => ({
    layer,
    input,
    output: 0,
    domain: [-1, 1] as const,
    knots: [-1, -0.5, 0, 0.5, 1],
    x: range(21).map((k) => -2 + k / 5),
    y: range(21).map((k) => size * Math.sin(k)),
  });

  it('draws every edge with its knots, layer by layer', () => {
    const svg = edgeGrid({ title: 't', edges: [edge(0, 0, 1), edge(0, 1, 2), edge(1, 0, 3)] });
    const elements = read(svg);
    expect(withClass(elements, 'edge')).to.have.length(3);
    expect(withClass(elements, 'edge-curve')).to.have.length(3);
    for (const { attributes } of withClass(elements, 'knots')) expect(attributes['d'].match(/M/g)).to.have.length(5);
    expect(texts(svg)).to.include.members(['Layer 1', 'Layer 2', '1 → 1', '2 → 1']);
  });

  it('of too many draws those of the largest range and says how many are missing', () => {
    const svg = edgeGrid({ title: 't', edges: range(10).map((k) => edge(0, k, k === 7 ? 0.1 : k + 1)), maxEdges: 9 });
    expect(withClass(read(svg), 'edge')).to.have.length(9);
    expect(texts(svg)).not.to.include('8 → 1');
    expect(texts(svg).join()).to.contain('1 of 10 edge functions are not drawn');
  });

  it('survives no edges, constants, values that are not finite and hostile names', () => {
    expect(texts(edgeGrid({ title: 't', edges: [] }))).to.include('No edge functions to draw');
    const flat = { ...edge(0, 0, 0), inputName: HOSTILE, outputName: HOSTILE.repeat(50) };
    const broken = { ...edge(0, 1, Number.NaN), knots: [Number.NaN] };
    const svg = edgeGrid({ title: HOSTILE, edges: [flat, broken, { ...broken, x: [], y: [], knots: [] }] });
    expect(texts(svg)).to.include.members(['constant', 'not finite']);
  });
});

describe('report: bar chart', () => {
  it('draws a bar per category and series from zero, and names what it cannot draw', () => {
    const svg = barChart({
      title: 't',
      valueLabel: 'v',
      categories: ['a', HOSTILE],
      series: [
        { name: 's', values: [2, 4] },
        { name: 't', values: [-1, Number.NaN] },
      ],
    });
    const bars = read(svg).filter(({ name, attributes }) => name === 'rect' && !attributes['fill']);
    const widths = bars.map(({ attributes }) => Number(attributes['width']));
    expect(widths).to.have.length(3);
    expect(widths[1] / widths[0]).to.be.closeTo(2, 1e-3);
    expect(texts(svg)).to.include('NaN');
    read(barChart({ title: '', valueLabel: '', categories: [], series: [] }));
  });
});

describe('report: a row of charts', () => {
  const chart = (title: string, width: number) =>
    lineChart({ ...labels, title, width, series: [{ name: 's', x: range(9), y: range(9) }] });
  const size = ({ attributes }: { attributes: Record<string, string> }) =>
    ['x', 'width', 'height'].map((name) => Number(attributes[name]));

  it('sets them side by side, whole, and is as high as the highest', () => {
    const charts = [
      chart('first', 300),
      heatMap({
        ...labels,
        title: HOSTILE,
        xDomain: [0, 1],
        yDomain: [0, 1],
        width: 2,
        height: 2,
        values: range(4),
        colorLabel: 'c',
      }),
      chart('last', 200),
    ];
    const [row, ...inside] = read(chartRow(HOSTILE, charts)).filter(({ name }) => name === 'svg');
    const sizes = charts.map((svg) => size(readMarkup(svg)[0]).slice(1));
    expect(inside.map(size)).to.deep.equal(
      sizes.map(([width, height], index) => [[0, 300, 860][index], width, height]),
    );
    expect(size(row).slice(1)).to.deep.equal([1060, Math.max(...sizes.map(([, height]) => height))]);
    for (const svg of charts) expect(chartRow('t', charts)).to.contain(svg.slice('<svg '.length));
  });

  it('survives no charts', () => {
    expect(readMarkup(chartRow('t', []))[0].attributes['viewBox']).to.equal('0 0 0 0');
  });
});
