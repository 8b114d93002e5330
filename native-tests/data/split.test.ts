import { expect } from 'chai';
import fc from 'fast-check';
import { splitRows } from '../../src/data/split.ts';

describe('splitting rows', () => {
  it('gives every row to exactly one set, in the shares asked for', () => {
    const shares = {
      test: fc.double({ min: 0, max: 0.4, noNaN: true }),
      validation: fc.double({ min: 0, max: 0.4, noNaN: true }),
    };
    fc.assert(
      fc.property(
        fc.integer({ min: 10, max: 500 }),
        fc.record(shares),
        fc.nat(),
        (rows, { test, validation }, seed) => {
          const split = splitRows(rows, { test, validation, seed });
          const all = [...split.train, ...split.validation, ...split.test].sort((a, b) => a - b);
          expect(all).to.deep.equal(Array.from({ length: rows }, (_, row) => row));
          expect(split.test.length).to.equal(test === 0 ? 0 : Math.max(1, Math.round(test * rows)));
          expect(split.validation.length).to.equal(validation === 0 ? 0 : Math.max(1, Math.round(validation * rows)));
        },
      ),
    );
  });

  it('repeats for equal seeds; the test rows do not depend on the validation share', () => {
    const split = splitRows(100, { test: 0.2, validation: 0.1, seed: 4 });
    expect(splitRows(100, { test: 0.2, validation: 0.1, seed: 4 })).to.deep.equal(split);
    expect(splitRows(100, { test: 0.2, seed: 4 }).test).to.deep.equal(split.test);
    expect(splitRows(100, { test: 0.2, seed: 5 }).test).to.not.deep.equal(split.test);
  });

  it('refuses shares out of range and too few rows', () => {
    for (const test of [-0.1, 1, 2, NaN]) {
      expect(() => splitRows(10, { test, seed: 0 }))
        .to.throw()
        .with.property('code', 'INVALID_ARGUMENT');
    }
    for (const rows of [0, 1, 2, 3]) {
      expect(() => splitRows(rows, { test: 0.2, validation: 0.2, seed: 0 }))
        .to.throw()
        .with.property('code', 'DATA_TOO_FEW_ROWS');
    }
    expect(splitRows(4, { test: 0.2, validation: 0.2, seed: 0 }).train).to.have.length(2);
  });
});
