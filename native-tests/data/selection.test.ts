import { expect } from 'chai';
import { checkTrainable, takeRows } from '../../src/data/dataset.ts';
import { selectColumns } from '../../src/data/selection.ts';
import { createTable, tableFromColumns } from '../../src/data/table.ts';

function errorOf(action: () => unknown) {
  try {
    action();
  } catch (error) {
    return error as { code: string; message: string; fix: string };
  }
  throw new Error('nothing was thrown');
}

const text = (header: string, ...records: string[]) =>
  createTable({ header: header.split(';'), records: records.map((record) => record.split(';')) });

describe('choosing columns', () => {
  const houses = text('area;rooms;price', '50;2;1.5', '80;3;2.5', '120;5;4');

  it('takes all columns but the targets as inputs, row-major', () => {
    const data = selectColumns(houses, { targets: ['price'] });
    expect(data).to.deep.include({ inputs: ['area', 'rooms'], targets: ['price'], rows: 3, skipped: 0 });
    expect([...data.x]).to.deep.equal([50, 2, 80, 3, 120, 5]);
    expect([...data.y]).to.deep.equal([1.5, 2.5, 4]);
  });

  it('takes the named inputs in their order, and no targets where there is only something to predict', () => {
    const data = selectColumns(houses, { inputs: ['rooms', 'area'], targets: [] });
    expect([...data.x]).to.deep.equal([2, 50, 3, 80, 5, 120]);
    expect(data.y).to.have.length(0);
  });

  it('names the columns there are, and the nearest one', () => {
    const error = errorOf(() => selectColumns(houses, { targets: ['Prise'] }));
    expect(error).to.include({
      code: 'DATA_UNKNOWN_COLUMN',
      message: 'There is no column "Prise".',
      fix: 'Did you mean "price"? Choose from: area, rooms, price.',
    });
    const far = errorOf(() => selectColumns(houses, { targets: ['temperature'] }));
    expect(far.fix).to.equal('Choose from: area, rooms, price.');
  });

  it('refuses a column chosen twice, and no inputs at all', () => {
    for (const choice of [
      { inputs: ['area', 'area'], targets: ['price'] },
      { inputs: ['price'], targets: ['price'] },
      { inputs: [], targets: ['price'] },
      { targets: ['area', 'rooms', 'price'] },
    ]) {
      expect(errorOf(() => selectColumns(houses, choice)).code).to.equal('INVALID_ARGUMENT');
    }
  });

  it('refuses rows without a number and names the first lines and the columns', () => {
    const gaps = text('a;b;note;y', '1;2;;1', ';2;;2', '3;inf;;3', '4;5;;4', '5;6;;1e999');
    const choice = { inputs: ['a', 'b'], targets: ['y'] };
    const error = errorOf(() => selectColumns(gaps, choice));
    expect(error.code).to.equal('DATA_BAD_ROWS');
    expect(error.message).to.contain('3 of 5 rows lack a finite number: lines 3, 4, 6, in a, b, y.');
    expect(error.fix).to.contain('--skip-bad-rows');
    const data = selectColumns(gaps, { ...choice, badRows: 'skip' });
    expect(data).to.deep.include({ rows: 2, skipped: 3, lines: [2, 5] });
    expect([...data.x]).to.deep.equal([1, 2, 4, 5]);
  });

  it('minds gaps in chosen columns only', () => {
    const gaps = text('a;note;y', '1;;1', '2;red;2');
    expect(selectColumns(gaps, { inputs: ['a'], targets: ['y'] }).rows).to.equal(2);
  });

  it('refuses a column of words, and says how to leave it out', () => {
    const colours = text('colour;size;y', 'red;1;1', 'green;2;2', 'blue;3;1');
    const error = errorOf(() => selectColumns(colours, { targets: ['y'] }));
    expect(error.code).to.equal('DATA_CATEGORICAL_COLUMN');
    expect(error.message).to.equal('Column "colour" holds words, not numbers (red, green, blue).');
    expect(error.fix).to.contain('--inputs size');
    expect(error.fix).not.to.contain('size,y');
    const target = errorOf(() => selectColumns(colours, { inputs: ['size'], targets: ['colour'] }));
    expect(target.fix).to.contain('Choose another target.');
  });

  it('refuses decimal commas and empty columns', () => {
    const commas = text('a;y', '1,5;1', '2,5;2');
    expect(errorOf(() => selectColumns(commas, { targets: ['y'] })).message).to.contain(
      'numbers with a comma (1,5, 2,5)',
    );
    const empty = text('a;b;y', ';1;1', ';2;2');
    const error = errorOf(() => selectColumns(empty, { targets: ['y'], badRows: 'skip' }));
    expect(error).to.include({ code: 'DATA_BAD_ROWS', message: 'Column "a" holds no value at all.' });
  });

  it('says so when skipping leaves no row', () => {
    const crossed = text('a;b;y', '1;;1', ';2;2');
    const error = errorOf(() => selectColumns(crossed, { targets: ['y'], badRows: 'skip' }));
    expect(error.code).to.equal('DATA_TOO_FEW_ROWS');
  });
});

describe('what can be learnt from', () => {
  it('takes at least two rows', () => {
    const one = selectColumns(tableFromColumns({ a: [1], y: [2] }), { targets: ['y'] });
    expect(errorOf(() => checkTrainable(one))).to.include({
      code: 'DATA_TOO_FEW_ROWS',
      message: 'There is 1 row; at least 2 are needed.',
    });
    expect(errorOf(() => checkTrainable(one, { rows: 10 })).message).to.contain('at least 10');
  });

  it('refuses constant inputs and targets', () => {
    const table = tableFromColumns({ a: [1, 2, 3], b: [7, 7, 7], y: [1, 2, 3], z: [0, 0, 0] });
    const input = errorOf(() => checkTrainable(selectColumns(table, { inputs: ['a', 'b'], targets: ['y'] })));
    expect(input).to.include({
      code: 'DATA_CONSTANT_COLUMN',
      message: 'Input column "b" is 7 in every row.',
      fix: 'Leave it out by naming the inputs: --inputs a',
    });
    const target = errorOf(() => checkTrainable(selectColumns(table, { inputs: ['a'], targets: ['y', 'z'] })));
    expect(target.message).to.equal('Target column "z" is 0 in every row.');
    checkTrainable(selectColumns(table, { inputs: ['a'], targets: ['y'] }));
  });
});

describe('taking rows', () => {
  it('keeps rows whole and in the order asked for', () => {
    const data = selectColumns(tableFromColumns({ a: [1, 2, 3], b: [4, 5, 6], y: [7, 8, 9] }), { targets: ['y'] });
    const taken = takeRows(data, new Uint32Array([2, 0]));
    expect([...taken.x]).to.deep.equal([3, 6, 1, 4]);
    expect([...taken.y]).to.deep.equal([9, 7]);
    expect(taken).to.deep.include({ rows: 2, lines: [3, 1] });
  });
});
