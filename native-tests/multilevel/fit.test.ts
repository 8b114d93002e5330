import { expect } from 'chai';
import { CpuBackend } from '../../src/backend/cpu/cpu-backend.ts';
import { dataset } from '../../src/data/dataset.ts';
import { metricsOf } from '../../src/data/metrics.ts';
import { type FitProgress, fit } from '../../src/multilevel/fit.ts';
import { createRandom } from '../../src/random.ts';
import { forEachBackend } from '../backends.ts';

/** Rows of x, z uniform on [0, 1], and two targets in units that are `units` apart. */
function sample(rows: number, units: readonly [number, number] = [1, 1]) {
  const random = createRandom(5);
  const inputs = Array.from({ length: rows }, () => [random.uniform(), random.uniform()]);
  const targets = inputs.map(([x, z]) => [units[0] * (x + z * z), units[1] * Math.sin(3 * x)]);
  return dataset({ inputs, targets });
}

const SMALL = { hidden: [2], levels: 2, steps: 10, roughness: 1e-4 } as const;

forEachBackend('fit', (open) => {
  for (const units of [
    [1, 1],
    [1e-3, 1e4],
    [1e-30, 1e-30],
    [1e30, 1e28],
  ] as const) {
    it(`measures levels in the targets' own units: ${units.join(' and ')}`, async () => {
      const backend = await open();
      const data = sample(60, units);
      const test = sample(30, units);
      const { model, history } = await fit(backend, data, { ...SMALL, test });
      const last = history.levels[history.levels.length - 1].watched!;
      for (const [rows, figure] of [
        [data, last['train']],
        [test, last['test']],
      ] as const) {
        const predicted = await model.evaluate({ rows: rows.rows, columns: 2, data: rows.x });
        const { mse } = metricsOf(predicted.data, rows.y, 2);
        // Squares of differences of order 1e-2 between numbers of order 1, rounded to float32 at 6e-8: 1e-5 relative.
        expect(figure / mse).to.be.closeTo(1, backend.precision === 'float64' ? 1e-9 : 1e-3);
      }
      model.dispose();
    });
  }
});

describe('fit, through noise', () => {
  it('leaves the noise on unseen rows, whatever the optimizer could fit', async () => {
    const backend = new CpuBackend();
    const [deviation, random] = [0.2, createRandom(8)];
    const draw = (rows: number) => {
      const inputs = Array.from({ length: rows }, () => [random.uniform(), random.uniform()]);
      const targets = inputs.map(([x, z]) => [Math.sin(5 * x) + z * z + deviation * random.normal()]);
      return dataset({ inputs, targets });
    };
    const [train, unseen] = [draw(240), draw(1000)];
    const { model, history } = await fit(backend, train, { hidden: [4], seed: 1 });
    expect(history.levels.map(({ optimizer }) => optimizer)).to.include('lm');
    const predicted = await model.evaluate({ rows: unseen.rows, columns: 2, data: unseen.x });
    const { rmse } = metricsOf(predicted.data, unseen.y, 1);
    // 1000 rows measure the noise to √(1/2000) = 2 %; a fit of p free parameters to 240 rows makes it √(1 + p/240) times as
    // large, p below 60.
    expect(rmse / deviation).to.be.within(0.9, 1.12);
    model.dispose();
  });
});

describe('fit, interrupted', () => {
  it('during the fit to all rows, gives back the candidate that was chosen, which is complete', async () => {
    const backend = new CpuBackend();
    const controller = new AbortController();
    const onProgress = ({ phase }: FitProgress) => {
      if (phase === 'all rows') controller.abort();
    };
    const options = { ...SMALL, roughness: 'auto', steps: 40, onProgress, signal: controller.signal } as const;
    const result = await fit(backend, sample(50), options);
    expect(result.interrupted).to.equal(true);
    // A fifth of 50 rows is held back to choose on.
    expect(result.rows).to.equal(40);
    const least = Math.min(...result.candidates.map(({ validationLoss }) => validationLoss));
    const best = result.candidates.find(({ validationLoss }) => validationLoss === least)!;
    expect(result.roughness).to.equal(best.roughness);
    expect(result.history.levels).to.have.length.of.at.least(best.levels);
    expect(result.history.stopped).not.to.equal('aborted');
    expect(result.work).to.be.greaterThan(result.candidates.reduce((sum, { work }) => sum + work, 0));
    result.model.dispose();
  });

  it('at the start, gives back what there is', async () => {
    const backend = new CpuBackend();
    const result = await fit(backend, sample(50), { ...SMALL, roughness: 'auto', signal: AbortSignal.abort() });
    expect(result.interrupted).to.equal(true);
    expect(result.candidates).to.have.length(1);
    const predicted = await result.model.evaluate({ rows: 50, columns: 2, data: sample(50).x });
    expect(predicted.data.every(Number.isFinite)).to.equal(true);
    result.model.dispose();
  });
});
