/** Shuffled mini-batches: every row once an epoch, in an order that the seed decides. */
import { expect } from 'chai';
import type { Backend } from '../../src/backend/backend.ts';
import { Kan } from '../../src/models/kan.ts';
import { regression } from '../../src/multilevel/regression.ts';
import { trainMultilevel } from '../../src/multilevel/train.ts';
import { adam } from '../../src/optimizers/adam.ts';
import { forEachBackend } from '../backends.ts';
import { ARCHITECTURE, BATCH, ROWS, sample, smooth } from './problems.ts';

/** Which rows the optimizer is shown, step by step; the rows' inputs are their numbers. */
async function presented(
  backend: Backend,
  { rows, batchSize, seed, steps }: { rows: number; batchSize: number; seed: number; steps: number },
): Promise<number[][]> {
  const kan = Kan.create(backend, { widths: [1, 1], degree: 1, intervals: 2 });
  const inputs = Array.from({ length: rows }, (_, row) => [row]);
  const objective = regression({ inputs, targets: inputs.map(([row]) => [2 * row]), batchSize, seed }).bind(kan);
  const gathered = objective.evaluate.filter(({ kernel }) => kernel.name === 'gather-rows');
  expect(gathered).to.have.length(2);
  const run = await adam({ learningRate: 1e-6 }).start(objective, steps);
  const shown: number[][] = [];
  for (let step = 0; step < steps; step++) {
    await run.advance(1);
    const [batch, targets] = await backend.read(gathered.map(({ buffers }) => buffers.target));
    expect([...targets], 'inputs and targets stay together').to.deep.equal([...batch].map((row) => 2 * row));
    shown.push([...batch]);
  }
  run.dispose();
  objective.dispose();
  return shown;
}

forEachBackend('mini-batches', (open) => {
  it('show every row once an epoch, each epoch in another order', async () => {
    const [rows, batchSize] = [24, 6];
    const shown = await presented(await open(), { rows, batchSize, seed: 1, steps: 12 });
    const epochs = [0, 1, 2].map((epoch) => shown.slice(4 * epoch, 4 * epoch + 4).flat());
    const all = Array.from({ length: rows }, (_, row) => row);
    for (const epoch of epochs) expect([...epoch].sort((a, b) => a - b)).to.deep.equal(all);
    expect(epochs[0]).to.not.deep.equal(epochs[1]);
    expect(epochs[1]).to.not.deep.equal(epochs[2]);
    expect(epochs[0]).to.not.deep.equal(all);
  });

  it('leave out what fills no batch, other rows each epoch', async () => {
    const shown = await presented(await open(), { rows: 10, batchSize: 4, seed: 2, steps: 8 });
    const missing = [0, 1, 2, 3].map((epoch) => {
      const seen = new Set(shown.slice(2 * epoch, 2 * epoch + 2).flat());
      expect(seen.size).to.equal(8);
      return Array.from({ length: 10 }, (_, row) => row).filter((row) => !seen.has(row));
    });
    expect(new Set(missing.map(String)).size).to.be.above(1);
  });

  it('the seed decides, any whole number being one', async () => {
    const backend = await open();
    const order = (seed: number) => presented(backend, { rows: 12, batchSize: 5, seed, steps: 4 });
    const [first, again, other, clock] = [await order(7), await order(7), await order(8), await order(2 ** 53 - 1)];
    expect(again).to.deep.equal(first);
    expect(other).to.not.deep.equal(first);
    expect(clock).to.not.deep.equal(first);
  });

  it('count as shares of an epoch, and come near what the full batch finds', async () => {
    const backend = await open();
    const data = sample(smooth, ROWS, 1);
    const kan = Kan.create(backend, ARCHITECTURE);
    const optimizer = adam({ learningRate: 0.03 });
    const full = await trainMultilevel(kan, regression(data), { levels: 1, steps: 120, optimizer });
    const batches = regression({ ...data, batchSize: BATCH });
    const { history } = await trainMultilevel(kan, batches, { levels: 1, steps: 360, optimizer });
    expect(history.work).to.equal((360 * BATCH * 3) / ROWS);
    expect(history.work).to.equal(full.history.work);
    expect(history.levels[0].steps).to.equal(360);
    expect(history.levels[0].trainLoss).to.be.below(2 * full.history.levels[0].trainLoss);
  });
});
