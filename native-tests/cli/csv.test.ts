import { expect } from 'chai';
import fc from 'fast-check';
import { parseCsv } from '../../src/cli/csv.ts';
import { createTable } from '../../src/data/table.ts';

const read = (text: string) => createTable(parseCsv(Buffer.from(text)));
const values = (text: string) => read(text).columns.map((column) => [...column.values]);

function errorOf(action: () => unknown) {
  try {
    action();
  } catch (error) {
    return error as { code: string; message: string; fix: string };
  }
  throw new Error('nothing was thrown');
}

describe('CSV', () => {
  it('reads commas, semicolons and tabs; LF, CRLF and CR; with and without a byte order mark', () => {
    for (const delimiter of [',', ';', '\t']) {
      for (const end of ['\n', '\r\n', '\r']) {
        for (const mark of ['', '\u{feff}']) {
          const text =
            mark +
            [
              ['a', 'b'],
              ['1', '-2.5'],
              ['3e2', '4'],
            ]
              .map((row) => row.join(delimiter))
              .join(end);
          for (const tail of ['', end]) {
            const table = read(text + tail);
            expect(table.columns.map(({ name }) => name)).to.deep.equal(['a', 'b']);
            expect(table.columns.map((column) => [...column.values])).to.deep.equal([
              [1, 300],
              [-2.5, 4],
            ]);
          }
        }
      }
    }
  });

  it('reads one column, quoted values, quoted delimiters and spaces around values', () => {
    expect(values('a\n1\n2\n')).to.deep.equal([[1, 2]]);
    expect(values('"a, b; c","d ""e"""\n"1", 2 \n 3 ,"4"\n')).to.deep.equal([
      [1, 3],
      [2, 4],
    ]);
    expect(read('"a, b; c","d ""e"""\n1,2\n').columns.map(({ name }) => name)).to.deep.equal(['a, b; c', 'd "e"']);
  });

  it('skips blank lines, and still knows each row by its line', () => {
    expect(read('\n\na,b\n\n1,2\n   \n3,4\n').lines).to.deep.equal([5, 7]);
  });

  it('counts the lines of quoted line breaks', () => {
    expect(read('a,note\n1,"two\nlines"\n2,one\n').lines).to.deep.equal([3, 4]);
  });

  it('reads back any table of numbers that JavaScript prints', () => {
    const row = fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { minLength: 3, maxLength: 3 });
    fc.assert(
      fc.property(fc.array(row, { minLength: 1 }), fc.constantFrom(',', ';', '\t'), (rows, delimiter) => {
        const text = [['x', 'y', 'z'], ...rows].map((cells) => cells.join(delimiter)).join('\n');
        // JavaScript prints -0 as 0.
        const expected = [0, 1, 2].map((j) => rows.map((cells) => cells[j] + 0));
        expect(values(text)).to.deep.equal(expected);
      }),
    );
  });

  it('never fails with anything but a typed error', () => {
    const piece = fc.constantFrom('"', ',', ';', '\n', '\r', '\t', ' ', 'a', 'b', '1', '2.5', '\0', '\\', 'é');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        try {
          read(pieces.join(''));
        } catch (error) {
          expect((error as { code?: string }).code).to.match(/^DATA_/);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('refuses empty files, headers without rows, and lines of the wrong length', () => {
    for (const text of ['', '\n\n', '\u{feff}', 'a,b', 'a,b\n']) {
      expect(errorOf(() => read(text)).code, JSON.stringify(text)).to.equal('DATA_EMPTY');
    }
    const ragged = errorOf(() => read('a,b\n1,2\n\n3\n'));
    expect(ragged).to.include({ code: 'DATA_MALFORMED', message: 'Line 4 has 1 value, the header has 2 columns.' });
    expect(errorOf(() => read('a,b\n1,2,3\n')).message).to.contain('Line 2 has 3 values');
  });

  it('refuses decimal commas, whatever the delimiter', () => {
    expect(errorOf(() => read('a,b\n1,5,2,5\n')).fix).to.contain('decimal point');
    expect(read('a;b\n1,5;2\n').columns[0].decimalCommas).to.equal(1);
  });

  it('refuses open quotes and text that is not UTF-8', () => {
    const open = errorOf(() => read('a,b\n"1,2\n3,4\n'));
    expect(open.code).to.equal('DATA_MALFORMED');
    expect(open.message).to.match(/quote/i);
    expect(errorOf(() => parseCsv(Buffer.from('größe\n1\n', 'latin1'))).fix).to.contain('UTF-8');
  });

  it('reads a hundred thousand rows', () => {
    const lines = Array.from({ length: 100_000 }, (_, row) => `${row},${row / 7},${-row}`);
    const table = read(`a,b,c\n${lines.join('\n')}\n`);
    expect(table.rows).to.equal(100_000);
    expect(table.columns[1].values[99_999]).to.equal(99_999 / 7);
    expect(table.lines[99_999]).to.equal(100_001);
  });
});
