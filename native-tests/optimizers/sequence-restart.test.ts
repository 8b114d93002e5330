import { expect } from 'chai';
import { Kan, regression, trainMultilevel } from '../../src/index.ts';
import { adamThenLbfgs } from '../../src/optimizers/sequence.ts';
import { forEachBackend } from '../backends.ts';

forEachBackend('Adam, then L-BFGS: what Adam spoils', (open) => {
  it('is taken back: a rate that throws a trained network off does not cost its digits', async () => {
    const backend = await open();
    const inputs = Array.from({ length: 64 }, (_, index) => [index / 32 - 1]);
    const problem = regression({ inputs, targets: inputs.map(([x]) => [Math.sin(3 * x)]) });
    const initial = Kan.create(backend, { widths: [1, 1], intervals: 8 });
    const optimizer = adamThenLbfgs({ adam: { learningRate: 0.5, schedule: { type: 'constant' } }, adamShare: 0.5 });
    const trained = await trainMultilevel(initial, problem, { levels: 1, steps: 60, optimizer: adamThenLbfgs() });
    const [{ trainLoss: before }] = trained.history.levels;
    const again = await trainMultilevel(trained.model, problem, { levels: 1, steps: 20, optimizer });
    const [{ trainLoss: after }] = again.history.levels;
    // Adam alone ends orders of magnitude higher; rounding is all that is allowed here. Residuals of 2.5e-4, differences of
    // numbers up to 1, are good to three digits in float32.
    expect(after).to.be.at.most(before * (1 + (backend.precision === 'float32' ? 1e-3 : 1e-5)));
    for (const model of [initial, trained.model, again.model]) model.dispose();
  });
});
