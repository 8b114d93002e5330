import { expect } from 'chai';
import fc from 'fast-check';
import { createTable, parseNumber, tableFromColumns } from '../../src/data/table.ts';

function codeOf(action: () => unknown): { code: string; message: string; fix: string } {
  try {
    action();
  } catch (error) {
    return error as { code: string; message: string; fix: string };
  }
  throw new Error('nothing was thrown');
}

describe('tables', () => {
  it('holds one column of numbers per name', () => {
    const table = createTable({
      header: ['a', ' b '],
      records: [
        ['1', ' 2.5 '],
        ['-3e2', '.5'],
      ],
    });
    expect(table.columns.map(({ name }) => name)).to.deep.equal(['a', 'b']);
    expect([...table.columns[0].values]).to.deep.equal([1, -300]);
    expect([...table.columns[1].values]).to.deep.equal([2.5, 0.5]);
    expect(table.lines).to.deep.equal([2, 3]);
  });

  it('counts cells that are missing, words, or written with a decimal comma', () => {
    const cells = ['1', '', 'NA', 'red', '3,14', 'inf', '1e999', 'NaN', '0x10', '-Infinity'];
    const [column] = createTable({ header: ['a'], records: cells.map((cell) => [cell]) }).columns;
    expect(column).to.include({ missing: 3, text: 2, decimalCommas: 1 });
    expect([...column.values].map(Number.isNaN)).to.deep.equal(cells.map((cell) => cell !== '1'));
    expect(column.examples).to.deep.equal(['NA', 'red', '3,14']);
  });

  it('reads every finite number as it is printed, and nothing else', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(parseNumber(String(value))).to.equal(value === 0 ? 0 : value);
        expect(parseNumber(value.toExponential(20).replace('e+', 'E'))).to.equal(value === 0 ? 0 : value);
      }),
    );
    for (const cell of ['', ' ', '1 2', '1,2', '0b1', '0x1', 'Infinity', '1e999', '1e', '.', '+', '1_000', '١']) {
      expect(parseNumber(cell), cell).to.be.NaN;
    }
  });

  it('names what is wrong with a header', () => {
    const records = [['1', '2']];
    expect(codeOf(() => createTable({ header: [], records: [] }))).to.include({ code: 'DATA_EMPTY' });
    expect(codeOf(() => createTable({ header: ['a', 'b'], records: [] }))).to.include({ code: 'DATA_EMPTY' });
    expect(codeOf(() => createTable({ header: ['a', ''], records }))).to.include({
      code: 'DATA_MALFORMED',
      message: 'Column 2 of 2 has no name.',
    });
    expect(codeOf(() => createTable({ header: ['a', 'a '], records }))).to.include({
      code: 'DATA_MALFORMED',
      message: 'Columns 1 and 2 are both named "a".',
    });
    expect(codeOf(() => createTable({ header: ['1.5', '2'], records })).message).to.contain('not column names');
  });

  it('names the line of a record that is too short or too long', () => {
    const ragged = codeOf(() => createTable({ header: ['a', 'b'], records: [['1', '2'], ['3']], lines: [2, 5] }));
    expect(ragged).to.include({ code: 'DATA_MALFORMED', message: 'Line 5 has 1 value, the header has 2 columns.' });
    const commas = codeOf(() => createTable({ header: ['a', 'b'], records: [['1', '5', '2', '5']] }));
    expect(commas.fix).to.contain('decimal point');
  });

  it('takes numbers that are at hand already', () => {
    const table = tableFromColumns({ x: [1, 2, NaN], y: new Float32Array([1, 2, 3]) });
    expect(table.rows).to.equal(3);
    expect(table.columns[0].missing).to.equal(1);
    expect(codeOf(() => tableFromColumns({ x: [1], y: [1, 2] })).code).to.equal('SHAPE_MISMATCH');
    expect(codeOf(() => tableFromColumns({ x: [] })).code).to.equal('DATA_EMPTY');
    expect(codeOf(() => tableFromColumns({})).code).to.equal('DATA_EMPTY');
  });
});
