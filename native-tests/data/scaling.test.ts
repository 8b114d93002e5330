import { expect } from 'chai';
import fc from 'fast-check';
import { parseInputScaling, parseTargetScaling } from '../../src/data/model-file.ts';
import {
  fitInputScaling,
  fitTargetScaling,
  scaleInputs,
  scaleTargets,
  unscaleInputs,
  unscaleTargets,
} from '../../src/data/scaling.ts';

const EPS = 2 ** -52;
const value = fc.double({ min: -1e6, max: 1e6, noNaN: true });
const matrix = fc
  .array(fc.tuple(value, value), { minLength: 2, maxLength: 40 })
  .filter((rows) => [0, 1].every((j) => spread(rows.map((row) => row[j])) > 1e-3))
  .map((rows) => rows.flat());

function spread(values: number[]): number {
  return Math.max(...values) - Math.min(...values);
}

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    return (error as { code: string }).code;
  }
  throw new Error('nothing was thrown');
}

describe('input scaling', () => {
  it('maps each column onto the domain, ends exactly', () => {
    const scaling = fitInputScaling([0, 10, 4, 30, 1, 20], ['a', 'b'], [-1, 1]);
    expect([...scaleInputs(scaling, [0, 10, 4, 30, 2, 15])]).to.deep.equal([-1, -1, 1, 1, 0, -0.5]);
    expect([...scaleInputs(scaling, [8, 0])]).to.deep.equal([3, -2]);
  });

  it('keeps every training value inside the domain, and undoes itself', () => {
    fc.assert(
      fc.property(matrix, (x) => {
        const scaling = fitInputScaling(x, ['a', 'b'], [-0.3, 0.9]);
        const scaled = scaleInputs(scaling, x);
        // One rounding of each product and of the sum, and one of t: four at most, of numbers up to 1.2.
        for (const item of scaled) expect(item).to.be.within(-0.3 - 4 * EPS, 0.9 + 4 * EPS);
        // t is known to a few roundings of numbers near 1, blown up by the column's range and offset.
        const back = unscaleInputs(scaling, scaled);
        back.forEach((item, i) => {
          expect(item).to.be.closeTo(x[i], 32 * EPS * 2e6);
        });
      }),
    );
  });

  it('refuses a column without range, without end, or no rows', () => {
    expect(codeOf(() => fitInputScaling([1, 1, 2, 1], ['a', 'b']))).to.equal('DATA_CONSTANT_COLUMN');
    expect(codeOf(() => fitInputScaling([1, NaN], ['a']))).to.equal('NON_FINITE_INPUT');
    expect(codeOf(() => fitInputScaling([-1.5e308, 1.5e308], ['a']))).to.equal('NON_FINITE_INPUT');
    expect(codeOf(() => fitInputScaling([], ['a']))).to.equal('SHAPE_MISMATCH');
    expect(codeOf(() => fitInputScaling([1, 2, 3], ['a', 'b']))).to.equal('SHAPE_MISMATCH');
  });
});

describe('target scaling', () => {
  it('has mean 0 and variance 1', () => {
    const scaling = fitTargetScaling([1, 10, 3, 10.5], ['y', 'z']);
    expect(scaling).to.deep.equal({ mean: [2, 10.25], deviation: [1, 0.25] });
    expect([...scaleTargets(scaling, [1, 10, 3, 10.5])]).to.deep.equal([-1, -1, 1, 1]);
  });

  it('keeps its digits for targets far from zero', () => {
    const scaling = fitTargetScaling([1e9 + 1, 1e9 + 2, 1e9 + 3], ['y']);
    // The mean carries 3 roundings of 1e9; a variance as mean of squares less square of mean would lose all digits.
    expect(scaling.deviation[0]).to.be.closeTo(Math.sqrt(2 / 3), 3 * EPS * 1e9);
  });

  it('undoes itself', () => {
    fc.assert(
      fc.property(matrix, (y) => {
        const scaling = fitTargetScaling(y, ['y', 'z']);
        unscaleTargets(scaling, scaleTargets(scaling, y)).forEach((item, i) => {
          expect(item).to.be.closeTo(y[i], 8 * EPS * 2e6);
        });
      }),
    );
  });

  it('refuses constant and non-finite targets', () => {
    expect(codeOf(() => fitTargetScaling([0.1, 0.1, 0.1], ['y']))).to.equal('DATA_CONSTANT_COLUMN');
    expect(codeOf(() => fitTargetScaling([1, Infinity], ['y']))).to.equal('NON_FINITE_INPUT');
  });
});

describe('scalings in model files', () => {
  it('survive JSON', () => {
    const inputs = fitInputScaling([0, 1, 0.1, 3], ['a', 'b']);
    const targets = fitTargetScaling([1, 2, 4], ['y']);
    expect(parseInputScaling(JSON.parse(JSON.stringify(inputs)), 2)).to.deep.equal(inputs);
    expect(parseTargetScaling(JSON.parse(JSON.stringify(targets)), 1)).to.deep.equal(targets);
  });

  it('are refused when they are not what they should be', () => {
    const inputs = { domain: [-1, 1], min: [0], max: [1] };
    const targets = { mean: [0], deviation: [1] };
    const bad: [unknown, unknown][] = [
      [undefined, undefined],
      [null, 'text'],
      [
        { ...inputs, domain: [1, -1] },
        { ...targets, deviation: [0] },
      ],
      [
        { ...inputs, max: [0] },
        { ...targets, deviation: [-1] },
      ],
      [
        { ...inputs, min: [null] },
        { ...targets, mean: ['0'] },
      ],
      [
        { ...inputs, min: [0, 0] },
        { ...targets, mean: [] },
      ],
    ];
    for (const [input, target] of bad) {
      expect(codeOf(() => parseInputScaling(input, 1))).to.equal('MODEL_FILE_INVALID');
      expect(codeOf(() => parseTargetScaling(target, 1))).to.equal('MODEL_FILE_INVALID');
    }
  });
});
