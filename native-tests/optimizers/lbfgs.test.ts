/** L-BFGS on functions whose minimum is known. */
import { expect } from 'chai';
import type { Backend } from '../../src/backend/backend.ts';
import { lbfgs } from '../../src/optimizers/lbfgs.ts';
import type { LbfgsOptions } from '../../src/optimizers/lbfgs-run.ts';
import type { MiniBatches } from '../../src/optimizers/objective.ts';
import { errorOf, forEachBackend } from '../backends.ts';
import {
  barrier,
  blurred,
  cliff,
  laplace,
  logarithmic,
  misleading,
  norm,
  objectiveOf,
  optimize,
  rosenbrock,
} from './functions.ts';

const is64 = ({ precision }: Backend) => precision === 'float64';

forEachBackend('L-BFGS', (open) => {
  for (const dimension of [2, 10]) {
    it(`finds the minimum of Rosenbrock's function in ${dimension} dimensions`, async () => {
      const backend = await open();
      const start = Array.from({ length: dimension }, (_, i) => (i % 2 === 0 ? -1.2 : 1));
      const objective = objectiveOf(backend, rosenbrock, start);
      const trace = await optimize(objective, lbfgs({ history: 20 }), 400);
      const { x, gradient, loss } = await objective.state();
      // In 10 dimensions there is a second, local minimum near (−1, 1, …, 1), where the gradient vanishes as well.
      const atBest = Math.abs(x[0] - 1) < 0.1;
      expect(norm(gradient)).to.be.below(is64(backend) ? 1e-8 : 2e-2);
      if (atBest) {
        expect(loss).to.be.below(is64(backend) ? 1e-16 : 1e-6);
        x.forEach((value) => {
          expect(value).to.be.closeTo(1, is64(backend) ? 1e-7 : 2e-3);
        });
      }
      expect(dimension === 2 ? atBest : true).to.equal(true);
      if (is64(backend)) {
        expect(trace.evaluations).to.be.below(dimension === 2 ? 80 : 150);
        expect(trace.finished).to.not.equal(undefined);
      }
      let least = Number.POSITIVE_INFINITY;
      for (const value of trace.losses) {
        least = Math.min(least, value);
        expect(value).to.be.at.most(least * (1 + (is64(backend) ? 1e-14 : 1e-2)));
      }
    });
  }

  it('ends on a convex quadratic after about as many steps as it has dimensions', async () => {
    const backend = await open();
    const dimension = 20;
    const objective = objectiveOf(backend, laplace, new Array<number>(dimension).fill(0));
    // Exact line searches end after 20 steps; inexact ones pay some more.
    const trace = await optimize(objective, lbfgs({ history: 30, gradientTolerance: 1e-9 }), is64(backend) ? 80 : 40);
    const { x, gradient } = await objective.state();
    // The condition number is (2·21/π)² = 180; in float32 rounding of the loss (about −385) ends the search earlier.
    const bound = is64(backend) ? 1e-7 : 0.5;
    x.forEach((value, i) => {
      expect(value).to.be.closeTo(((i + 1) * (dimension - i)) / 2, bound);
    });
    if (is64(backend)) {
      expect(trace.finished).to.equal('converged');
      expect(trace.steps).to.be.at.most(2 * dimension);
      expect(norm(gradient)).to.be.below(1e-9 * Math.sqrt(dimension));
    }
  });

  it('goes on by slopes where the loss is blurred', async () => {
    const backend = await open();
    const blur = is64(backend) ? 2e-15 : 2e-3;
    const objective = objectiveOf(backend, blurred(blur), new Array<number>(10).fill(0));
    const { losses } = await optimize(objective, lbfgs(), 100);
    losses.forEach((value, i) => {
      expect(value).to.be.at.most(Math.min(...losses.slice(0, i + 1)) * (1 + (is64(backend) ? 1e-14 : 1e-2)));
    });
    const { x } = await objective.state();
    expect(x).to.have.length(10);
    // A parabola seen through the blur is flat over about its root.
    for (const value of x) expect(value).to.be.closeTo(1, Math.sqrt(blur) / 100);
  });

  it('starts from the minimum: converged at once', async () => {
    const backend = await open();
    const objective = objectiveOf(backend, rosenbrock, [1, 1, 1]);
    const trace = await optimize(objective, lbfgs(), 50);
    expect(trace).to.deep.equal({ losses: [0], evaluations: 1, steps: 0, finished: 'converged' });
  });

  it('crosses a concave stretch, where curvature pairs have to be skipped', async () => {
    const backend = await open();
    // One evaluation per search: every decreasing step is taken, curvature condition or not.
    for (const lineSearchEvaluations of [1, 2, 20]) {
      const objective = objectiveOf(backend, logarithmic, [30, -4, 7]);
      await optimize(objective, lbfgs({ lineSearchEvaluations }), 400);
      const { x } = await objective.state();
      expect(norm(x), `${lineSearchEvaluations} evaluations per search`).to.be.below(is64(backend) ? 1e-6 : 1e-2);
    }
  });

  it('stalls where no step helps, with the variables where they were', async () => {
    const backend = await open();
    const start = [0.5, -2, 3];
    const objective = objectiveOf(backend, misleading, start);
    const trace = await optimize(objective, lbfgs(), 200);
    expect(trace.finished).to.equal('stalled');
    expect(trace.steps).to.equal(0);
    expect(trace.evaluations).to.be.at.most(21);
    expect([...(await objective.state()).x]).to.deep.equal(start);
  });

  it('comes back from steps that are not finite', async () => {
    const backend = await open();
    const objective = objectiveOf(backend, cliff, [0.4, -3]);
    await optimize(objective, lbfgs(), 60);
    const { x, loss } = await objective.state();
    expect(loss).to.satisfy(Number.isFinite);
    expect(loss).to.be.below(2.6);
    expect(Math.max(...x)).to.be.within(0.9, 1);
  });

  it('drops its history after a step that was not finite, and nothing of that step stays behind', async () => {
    const backend = await open();
    const objective = objectiveOf(backend, barrier, [-3.2]);
    // The pairs up to -0.2 promise steps of 10 to 50; searches of one evaluation give up there.
    const trace = await optimize(objective, lbfgs({ lineSearchEvaluations: 1 }), 40);
    expect(trace.steps).to.be.below(trace.evaluations - 3);
    const { x } = await objective.state();
    expect(x[0]).to.be.closeTo(0.8, 1e-6);
  });

  it('refuses to start where the loss is not finite', async () => {
    const backend = await open();
    const objective = {
      ...objectiveOf(backend, cliff, [2, 0]),
      diagnose: async () => ({ layer: 'cliff' }),
    };
    const run = await lbfgs().start(objective, 10);
    const error = await errorOf(() => run.advance(10));
    expect([error.code, error.where]).to.deep.equal(['NON_FINITE_TRAINING', { step: 0, layer: 'cliff' }]);
    run.dispose();
  });

  it('gives the same iterates however the budget is cut, and never spends more', async () => {
    const backend = await open();
    for (const budget of [1, 2, 3, 5, 17, 40]) {
      const results = [];
      for (const pieces of [[budget], [1], [3, 1, 7]]) {
        const objective = objectiveOf(backend, rosenbrock, [-1.2, 1, -0.5, 0.8]);
        const run = lbfgs({ history: 5, lineSearchEvaluations: 4 });
        const trace = await optimize(objective, run, budget, pieces);
        const { x, loss } = await objective.state();
        expect(trace.evaluations).to.be.at.most(budget);
        expect(loss, 'the variables are at the last loss told').to.equal(trace.losses[trace.losses.length - 1]);
        results.push({ trace, x });
      }
      for (const result of results) expect(result, `budget ${budget}`).to.deep.equal(results[0]);
    }
  });

  it('never spends more, not even on going back to the best point of a search', async () => {
    const backend = await open();
    for (let budget = 2; budget <= 14; budget++) {
      // No step satisfies the curvature condition here: every search ends behind its best point.
      const objective = objectiveOf(backend, cliff, [0.4, -3]);
      const trace = await optimize(objective, lbfgs({ lineSearchEvaluations: 5 }), budget);
      expect(trace.evaluations, `budget ${budget}`).to.be.at.most(budget);
      expect((await objective.state()).loss).to.equal(trace.losses[trace.losses.length - 1]);
    }
  });

  it('tells after how many evaluations each loss was known', async () => {
    const backend = await open();
    const run = await lbfgs().start(objectiveOf(backend, rosenbrock, [-1.2, 1]), 100);
    const whole = await run.advance(30);
    expect(whole.lossEvaluations).to.have.length(whole.losses.length);
    expect(whole.lossEvaluations[0]).to.equal(1);
    for (let i = 1; i < whole.losses.length; i++) {
      expect(whole.lossEvaluations[i]).to.be.above(whole.lossEvaluations[i - 1]);
    }
    expect(whole.lossEvaluations[whole.losses.length - 1]).to.equal(whole.evaluations);
    run.dispose();
  });

  it('refuses mini-batches and gradients in another basis', async () => {
    const backend = await open();
    const objective = objectiveOf(backend, rosenbrock, [0, 0]);
    const miniBatches: MiniBatches = { stepsPerEpoch: 2, counter: objective.loss, shuffle() {} };
    for (const unsuitable of [
      { ...objective, miniBatches },
      { ...objective, consistentGradient: false },
    ]) {
      expect((await errorOf(() => lbfgs().start(unsuitable, 10))).code).to.equal('OPTIMIZER_UNSUITABLE');
    }
  });
});

describe('L-BFGS', () => {
  it('refuses options that are none', async () => {
    const refused: LbfgsOptions[] = [
      { history: 0 },
      { history: 2.5 },
      { history: 201 },
      { history: Number.NaN },
      { lineSearchEvaluations: 0 },
      { lineSearchEvaluations: Number.NaN },
      { gradientTolerance: -1 },
      { gradientTolerance: Number.NaN },
    ];
    for (const options of refused) {
      expect((await errorOf(() => lbfgs(options))).code, JSON.stringify(options)).to.equal('INVALID_ARGUMENT');
    }
  });
});
