import { expect } from 'chai';
import fc from 'fast-check';
import { escapeText } from '../../src/report/escape.ts';
import { formatCount, formatNumber, formatPower, formatRatio, formatSeconds } from '../../src/report/format.ts';
import { markdownTable } from '../../src/report/markdown.ts';

describe('report: numbers as text', () => {
  const cases: [string, (value: number | null) => string, [number | null, string][]][] = [
    [
      'formatNumber',
      formatNumber,
      [
        [1.234e-5, '1.23e-5'],
        [0.00123, '0.00123'],
        [0.5, '0.500'],
        [-0.25, '-0.250'],
        [2.71428, '2.71'],
        [42.96, '43.0'],
        [999.96, '1000'],
        [123456.7, '123457'],
        [999999.9, '1.00e6'],
        [1.5e12, '1.50e12'],
        [7, '7'],
        [0, '0'],
        [-0, '0'],
        [Number.NaN, 'NaN'],
        [Number.POSITIVE_INFINITY, '∞'],
        [Number.NEGATIVE_INFINITY, '-∞'],
        [null, '–'],
      ],
    ],
    [
      'formatCount',
      formatCount,
      [
        [0, '0'],
        [999, '999'],
        [12345, '12,345'],
        [-1234567, '-1,234,567'],
        [2.5, '2.50'],
        [null, '–'],
      ],
    ],
    [
      'formatSeconds',
      formatSeconds,
      [
        [0, '0 s'],
        [3.2e-6, '3.20 µs'],
        [0.0123, '12.3 ms'],
        [0.99999, '1.00 s'],
        [3.2, '3.20 s'],
        [75, '1 min 15 s'],
        [3599.9, '1 h 0 min'],
        [7384, '2 h 3 min'],
        [Number.NaN, 'NaN s'],
        [null, '–'],
      ],
    ],
    [
      'formatRatio',
      formatRatio,
      [
        [1, '1×'],
        [9.21, '9.2×'],
        [9.97, '10×'],
        [312.4, '312×'],
        [Number.NaN, '–'],
        [Number.POSITIVE_INFINITY, '∞×'],
      ],
    ],
    [
      'formatPower',
      (value) => formatPower(value ?? 0),
      [
        [1e-5, '10⁻⁵'],
        [2e10, '2·10¹⁰'],
        [-1, '-10⁰'],
        [-1.5e-12, '-1.5·10⁻¹²'],
      ],
    ],
  ];
  for (const [name, format, values] of cases)
    it(`${name}: ${values.map(([, text]) => text).join(', ')}`, () => {
      for (const [value, text] of values) expect(format(value)).to.equal(text);
    });

  it('formatNumber reads back to half a unit of the third digit', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e300, max: 1e300 }), (value) => {
        expect(Math.abs(Number(formatNumber(value)) - value)).to.be.at.most(0.5e-2 * (1 + 1e-12) * Math.abs(value));
      }),
    );
  });
});

describe('report: text from outside', () => {
  it('escapes what HTML and XML give a meaning', () => {
    expect(escapeText(`<a href="x" title='y'>&</a>`)).to.equal(
      '&lt;a href=&quot;x&quot; title=&#39;y&#39;&gt;&amp;&lt;/a&gt;',
    );
  });

  it('replaces control characters and halves of surrogate pairs', () => {
    expect(escapeText('a\u0000b\u001bc\ud800d\tπ😀')).to.equal('a�b�c�d\tπ😀');
  });
});

describe('report: Markdown tables', () => {
  it('pads columns and sets numbers right', () => {
    const table = markdownTable({
      columns: ['method', 'test MSE'],
      rows: [
        ['multilevel', 1.2e-6],
        ['MLP', null],
      ],
    });
    expect(table).to.equal(
      [
        '| method     | test MSE |',
        '| ---------- | -------: |',
        '| multilevel |  1.20e-6 |',
        '| MLP        |        – |',
      ].join('\n'),
    );
  });

  it('keeps hostile cells inside their cell', () => {
    const table = markdownTable({ columns: ['a|b'], rows: [['x | y\n| z'], ['<script>'], ['back\\|slash']] });
    const rows = table.split('\n');
    expect(rows).to.have.length(5);
    for (const row of rows) expect(row.replace(/\\\\/g, '').replace(/\\\|/g, '').match(/\|/g)).to.have.length(2);
    expect(table).not.to.contain('<script');
  });

  it('aligns as told, fills short rows and cuts long ones', () => {
    const table = markdownTable({
      columns: ['a', 'b', 'c'],
      rows: [['1'], ['1', '2', '3', '4']],
      align: ['center', 'right', 'left'],
    });
    expect(table.split('\n')[1]).to.equal('| :-: | --: | --- |');
    expect(table.split('\n')[2]).to.equal('|  1  |   – | –   |');
    expect(table).not.to.contain('4');
  });

  it('of no rows is a head and a rule', () => {
    expect(markdownTable({ columns: ['a'], rows: [] })).to.equal('| a   |\n| --- |');
  });
});
