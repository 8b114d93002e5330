/** predict: shapes in and out, chunks, refusals; and writing parameters. */
import { expect } from 'chai';
import ndarray from 'ndarray';
import type { NdArray } from '../../src/arrays.ts';
import { Kan } from '../../src/models/kan.ts';
import { errorOf, forEachBackend } from '../backends.ts';
import { randomRows } from './model-tools.ts';

forEachBackend('predict', (open) => {
  const create = async () => Kan.create(await open(), { widths: [2, 3, 2], seed: 1 });

  it('takes rows, typed rows and ndarrays of any stride, and gives [rows, outputs]', async () => {
    const kan = await create();
    const rows = randomRows(1, 5, 2);
    const expected = await kan.predict(rows);
    expect(expected.shape).to.deep.equal([5, 2]);
    const flat = Float64Array.from(rows.flat());
    const columnMajor = ndarray(Float64Array.from([0, 1].flatMap((c) => rows.map((row) => row[c]))), [5, 2], [1, 5]);
    const reversed = ndarray(flat, [5, 2]).step(-1, 1);
    for (const form of [rows.map((row) => Float32Array.from(row)), ndarray(flat, [5, 2]), columnMajor]) {
      expect((await kan.predict(form as NdArray)).data).to.deep.equal(expected.data);
    }
    const backwards = await kan.predict(reversed as NdArray);
    for (let row = 0; row < 5; row++) expect(backwards.get(row, 1)).to.equal(expected.get(4 - row, 1));
  });

  it('gives every row its own output, over several chunks', async () => {
    const kan = await create();
    const rows = randomRows(2, 2 * 8192 + 5, 2);
    const all = await kan.predict(rows);
    expect(all.shape).to.deep.equal([rows.length, 2]);
    const picked = [0, 1, 8191, 8192, 16383, 16384, rows.length - 1];
    const some = await kan.predict(picked.map((row) => rows[row]));
    picked.forEach((row, index) => {
      expect([all.get(row, 0), all.get(row, 1)]).to.deep.equal([some.get(index, 0), some.get(index, 1)]);
    });
  });

  it('refuses what is no table of finite numbers of its width', async () => {
    const kan = await create();
    const table = (data: number[], ...shape: number[]) => ndarray(Float64Array.from(data), shape) as NdArray;
    const refused: [unknown, string][] = [
      [[[1, 2, 3]], 'KAN_INPUT_WIDTH'],
      [[[1]], 'KAN_INPUT_WIDTH'],
      [table([1, 2, 3], 1, 3), 'KAN_INPUT_WIDTH'],
      [[], 'DATA_EMPTY'],
      [[[]], 'DATA_EMPTY'],
      [table([], 0, 2), 'DATA_EMPTY'],
      [[[1, 2], [3]], 'SHAPE_MISMATCH'],
      [table([1, 2], 2), 'SHAPE_MISMATCH'],
      [
        [
          [1, 2],
          [3, Number.NaN],
        ],
        'NON_FINITE_INPUT',
      ],
      [[[1, Number.POSITIVE_INFINITY]], 'NON_FINITE_INPUT'],
    ];
    for (const [input, code] of refused) {
      expect((await errorOf(() => kan.predict(input as number[][]))).code, JSON.stringify(input)).to.equal(code);
    }
    const error = await errorOf(() =>
      kan.predict([
        [1, 2],
        [3, Number.NaN],
      ]),
    );
    expect(error.where).to.deep.include({ row: 1, column: 1 });
  });

  it('parameters are written whole and finite, or not at all', async () => {
    const kan = await create();
    const before = await kan.parameters.read();
    const full = (name: string, value: number) => before[name].map(() => value);
    const good = { 'layer0.weights': full('layer0.weights', 1) };
    const refused: [Record<string, Float64Array>, string][] = [
      [{ ...good, 'layer1.weights': Float64Array.of(1) }, 'SHAPE_MISMATCH'],
      [{ ...good, 'layer1.weights': full('layer1.weights', Number.NaN) }, 'NON_FINITE_INPUT'],
      [{ ...good, 'layer7.weights': Float64Array.of(1) }, 'INVALID_ARGUMENT'],
    ];
    for (const [values, code] of refused) {
      expect((await errorOf(() => kan.parameters.write(values))).code).to.equal(code);
    }
    expect(await kan.parameters.read()).to.deep.equal(before);
  });
});
