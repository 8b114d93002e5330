/** Learning rates against their formulas. */
import { expect } from 'chai';
import { learningRates, type Schedule } from '../../src/optimizers/schedule.ts';
import { errorOf } from '../backends.ts';

const close = (actual: number, expected: number) => expect(actual).to.be.closeTo(expected, 1e-15);

describe('schedules of the learning rate', () => {
  it('constant', () => {
    expect([...learningRates(0.3, { type: 'constant' }, 4)]).to.deep.equal([0.3, 0.3, 0.3, 0.3]);
  });

  it('cosine: ten steps of warming up, half a cosine, five percent at the end', () => {
    const rates = learningRates(2, { type: 'cosine' }, 101);
    close(rates[0], 2 * 0.1);
    close(rates[4], 2 * 0.5 * (0.05 + 0.95 * 0.5 * (1 + Math.cos((Math.PI * 4) / 100))));
    close(rates[25], 2 * (0.05 + 0.95 * 0.5 * (1 + Math.SQRT1_2)));
    close(rates[50], 2 * 0.525);
    close(rates[100], 2 * 0.05);
    close(learningRates(1, { type: 'cosine', end: 0 }, 101)[100], 0);
    expect(learningRates(1, { type: 'cosine' }, 1)[0]).to.be.above(0);
  });

  it('ramp: a line from the start, then the whole rate', () => {
    const rates = learningRates(1e-2, { type: 'ramp', start: 0.01, steps: 10 }, 30);
    close(rates[0], 1e-4);
    close(rates[5], 1e-2 * (0.01 + 0.99 / 2));
    close(rates[10], 1e-2);
    close(rates[29], 1e-2);
  });

  it('cyclic: triangles that decay', () => {
    const rates = learningRates(1, { type: 'cyclic', period: 100, low: 0.2, decay: 0.9995 }, 201);
    close(rates[0], 0.2);
    close(rates[25], 0.6 * 0.9995 ** 25);
    close(rates[50], 0.9995 ** 50);
    close(rates[75], 0.6 * 0.9995 ** 75);
    close(rates[200], 0.2 * 0.9995 ** 200);
  });

  it('refuses rates and shapes that are none', async () => {
    const refused: [number, unknown][] = [
      [0, { type: 'constant' }],
      [-1, { type: 'constant' }],
      [Number.NaN, { type: 'constant' }],
      [Number.POSITIVE_INFINITY, { type: 'cosine' }],
      [1, { type: 'cosine', end: -1 }],
      [1, { type: 'ramp', steps: 0 }],
      [1, { type: 'ramp' }],
      [1, { type: 'cyclic', period: 0 }],
      [1, { type: 'cyclic', period: Number.NaN }],
      [1, { type: 'exponential' }],
      [1, 'cosine'],
      [1, null],
    ];
    for (const [rate, schedule] of refused) {
      const error = await errorOf(() => learningRates(rate, schedule as Schedule, 5));
      expect(error.code, JSON.stringify(schedule)).to.equal('INVALID_ARGUMENT');
    }
  });
});
