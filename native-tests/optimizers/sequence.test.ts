/** Adam, then L-BFGS. */
import { expect } from 'chai';
import { adam } from '../../src/optimizers/adam.ts';
import { lbfgs } from '../../src/optimizers/lbfgs.ts';
import type { MiniBatches } from '../../src/optimizers/objective.ts';
import { adamThenLbfgs } from '../../src/optimizers/sequence.ts';
import { errorOf, forEachBackend } from '../backends.ts';
import { cliff, objectiveOf, optimize, rosenbrock } from './functions.ts';

const START = [-1.2, 1, 0.4];

forEachBackend('Adam, then L-BFGS', (open) => {
  it('is the one and then the other, each with its share, however the budget is cut', async () => {
    const backend = await open();
    const apart = objectiveOf(backend, rosenbrock, START);
    const first = await optimize(apart, adam(), 30);
    const second = await optimize(apart, lbfgs(), 20);
    const { x } = await apart.state();
    for (const pieces of [[50], [1], [7], [29, 2]]) {
      const objective = objectiveOf(backend, rosenbrock, START);
      const trace = await optimize(objective, adamThenLbfgs({ adamShare: 0.6 }), 50, pieces);
      expect(trace.losses).to.deep.equal([...first.losses, ...second.losses]);
      expect(trace.evaluations).to.equal(first.evaluations + second.evaluations);
      expect((await objective.state()).x).to.deep.equal(x);
    }
  });

  it('all shares, nothing and everything included', async () => {
    const backend = await open();
    for (const [adamShare, alone] of [
      [0, lbfgs()],
      [1, adam()],
    ] as const) {
      const [objective, expected] = [0, 1].map(() => objectiveOf(backend, rosenbrock, START));
      const trace = await optimize(objective, adamThenLbfgs({ adamShare }), 12);
      expect(trace).to.deep.equal(await optimize(expected, alone, 12));
    }
    expect((await optimize(objectiveOf(backend, rosenbrock, START), adamThenLbfgs(), 1)).evaluations).to.equal(1);
  });

  it('refuses what L-BFGS cannot do before Adam has started', async () => {
    const backend = await open();
    const objective = objectiveOf(backend, rosenbrock, START);
    const counter = backend.allocate(1, { type: 'uint' });
    const miniBatches: MiniBatches = { stepsPerEpoch: 2, counter, shuffle() {} };
    const start = adamThenLbfgs().start({ ...objective, miniBatches }, 100);
    expect((await errorOf(() => start)).code).to.equal('OPTIMIZER_UNSUITABLE');
  });

  it('counts steps over both', async () => {
    const backend = await open();
    // Adam's tenth step of a tenth goes over the edge, which L-BFGS finds out.
    const objective = objectiveOf(backend, cliff, [0.05]);
    const options = { adamShare: 0.5, adam: { learningRate: 0.1, schedule: { type: 'constant' } } } as const;
    const error = await errorOf(() => optimize(objective, adamThenLbfgs(options), 20));
    expect([error.code, error.where.step]).to.deep.equal(['NON_FINITE_TRAINING', 10]);
  });

  it('refuses a share that is none', async () => {
    for (const adamShare of [-0.1, 1.1, Number.NaN]) {
      expect((await errorOf(() => adamThenLbfgs({ adamShare }))).code).to.equal('INVALID_ARGUMENT');
    }
  });
});
