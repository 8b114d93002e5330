import { expect } from 'chai';
import fc from 'fast-check';
import { formatCsv, parseCsv } from '../../src/cli/csv.ts';
import { weightOrAuto } from '../../src/cli/options.ts';
import { scoreOf } from '../../src/cli/score.ts';
import { textTable } from '../../src/cli/text-table.ts';

describe('CSV text', () => {
  it('is read back as it was, whatever the cells hold', () => {
    // A line of empty cells under one column is a blank line, which is skipped.
    const cell = fc.string({ unit: fc.constantFrom('a', '"', ',', ';', '\t', '\n', '\r', ' ', 'ß', '1') });
    const trimmed = cell.map((text) => text.replace(/^\s+|\s+$/g, ''));
    const table = fc.array(fc.tuple(trimmed, trimmed, fc.constant('x')), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(table, fc.constantFrom(',', ';', '\t'), (records, delimiter) => {
        const header = ['one', 'two', 'three'];
        const text = formatCsv({ header, records, delimiter });
        const read = parseCsv(Buffer.from(text));
        expect(read).to.deep.include({ header, records, delimiter });
      }),
    );
  });

  it('keeps spaces within quotes', () => {
    const text = formatCsv({ header: ['a', 'b'], records: [[' x ', 'y']], delimiter: ',' });
    expect(text).to.equal('a,b\n" x ",y\n');
  });
});

describe('text tables', () => {
  it('align columns, numbers to the right, and end lines without spaces', () => {
    const table = textTable({
      columns: ['name', 'μ'],
      rows: [
        ['a', 10],
        ['long name', null],
        ['b', 2.5],
      ],
    });
    expect(table).to.equal(['name          μ', 'a            10', 'long name     –', 'b          2.50'].join('\n'));
  });
});

describe('--roughness', () => {
  it('takes a weight from 0 up, or auto', () => {
    const parse = weightOrAuto('--roughness');
    expect(['0', '1e-4', 'auto'].map(parse)).to.deep.equal([0, 1e-4, 'auto']);
    for (const text of ['', '-1', 'Auto', 'NaN', 'Infinity', '1e999']) {
      expect(() => parse(text), text).to.throw('--roughness was given');
    }
  });
});

describe('scores', () => {
  it('are means over targets, with those of each where there are several', () => {
    // Errors of 1 and 3 in two rows.
    const score = scoreOf(Float64Array.of(1, 13, 1, 23), Float64Array.of(0, 10, 2, 20), ['a', 'b']);
    expect(score).to.deep.include({ rows: 2, mse: 5, rmse: Math.sqrt(5) });
    // Sums of squares around the mean: 2 and 50.
    expect(score.targets).to.deep.equal({
      a: { mse: 1, rmse: 1, r2: 1 - 2 / 2 },
      b: { mse: 9, rmse: 3, r2: 1 - 18 / 50 },
    });
    expect(score.r2).to.be.closeTo((0 + 1 - 18 / 50) / 2, 1e-15);
    expect(scoreOf(Float64Array.of(1), Float64Array.of(2), ['a'])).not.to.have.property('targets');
  });
});
