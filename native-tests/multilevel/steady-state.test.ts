/** Once a run has warmed up it creates nothing, and reads one thing a chunk. */
import { expect } from 'chai';
import type { Backend } from '../../src/backend/backend.ts';
import { Kan } from '../../src/models/kan.ts';
import { regression } from '../../src/multilevel/regression.ts';
import { adam } from '../../src/optimizers/adam.ts';
import { lbfgs } from '../../src/optimizers/lbfgs.ts';
import type { Optimizer } from '../../src/optimizers/optimizer.ts';
import { forEachBackend } from '../backends.ts';
import { laplace, objectiveOf } from '../optimizers/functions.ts';
import { ARCHITECTURE, BATCH, ROWS, sample, smooth } from './problems.ts';

const data = sample(smooth, ROWS, 1, 0.3);

async function start(backend: Backend, optimizer: Optimizer, batchSize?: number) {
  const kan = Kan.create(backend, ARCHITECTURE);
  const objective = regression({ ...data, batchSize }).bind(kan);
  return optimizer.start(objective, 100_000);
}

forEachBackend('steady state', (open) => {
  for (const [name, batchSize] of [
    ['full batch', undefined],
    ['mini-batches', BATCH],
  ] as const) {
    it(`Adam, ${name}: no buffer, bind group or pipeline is made, and a chunk is read once`, async () => {
      const backend = await open();
      const run = await start(backend, adam(), batchSize);
      for (let chunk = 0; chunk < 3; chunk++) await run.advance(64);
      const before = { ...backend.counters };
      let calls = 0;
      for (let steps = 0; steps < 128; calls++) steps += (await run.advance(64)).steps;
      const { buffers, bindGroups, pipelines, bytes, readbacks } = backend.counters;
      expect({ buffers, bindGroups, pipelines, bytes }).to.deep.equal({
        buffers: before.buffers,
        bindGroups: before.bindGroups,
        pipelines: before.pipelines,
        bytes: before.bytes,
      });
      expect(readbacks - before.readbacks).to.equal(calls);
      if (batchSize === undefined) expect(calls).to.equal(2);
      run.dispose();
    });
  }

  it('L-BFGS: the same, once its memory is full; an evaluation is read once, and an iterate not apart from it', async () => {
    const backend = await open();
    const run = await start(backend, lbfgs({ history: 4 }));
    for (let steps = 0; steps < 6; ) steps += (await run.advance(4)).steps;
    const before = { ...backend.counters };
    const { evaluations, steps } = await run.advance(20);
    const { buffers, bindGroups, pipelines, bytes, readbacks } = backend.counters;
    expect(steps).to.be.above(5);
    expect({ buffers, bindGroups, pipelines, bytes }).to.deep.equal({
      buffers: before.buffers,
      bindGroups: before.bindGroups,
      pipelines: before.pipelines,
      bytes: before.bytes,
    });
    expect(readbacks - before.readbacks).to.equal(evaluations);
    run.dispose();
  });

  it('memory is flat over 10 000 steps', async () => {
    const backend = await open();
    const run = await adam().start(objectiveOf(backend, laplace, [1, 2, 3, 4, 5, 6]), 10_000);
    let steps = 0;
    const until = async (end: number) => {
      while (steps < end) steps += (await run.advance(end - steps)).steps;
    };
    await until(2000);
    const [{ bytes, buffers }, resident] = [{ ...backend.counters }, process.memoryUsage().rss];
    await until(10_000);
    expect(backend.counters.bytes).to.equal(bytes);
    expect(backend.counters.buffers).to.equal(buffers);
    // What the process holds may move by what its garbage collector lets grow, not by a buffer per step.
    expect(process.memoryUsage().rss - resident).to.be.below(100 * 2 ** 20);
    run.dispose();
  });
});
