import type { LbfgsOptions } from './lbfgs-run.ts';
import type { Optimizer } from './optimizer.ts';
import { checkOptions, checkSuitable } from './suitable.ts';

/**
 * Limited-memory BFGS with strong Wolfe line search. Full batch only.
 *
 * Pairs that fail the curvature condition are skipped. When no step decreases the loss, the history is dropped once and
 * the search repeated along the gradient before the run counts as stalled.
 * Source: Nocedal and Wright, Numerical Optimization, chapters 3 and 7.
 */
export function lbfgs({
  history = 50,
  lineSearchEvaluations = 20,
  gradientTolerance = 1e-12,
}: LbfgsOptions = {}): Optimizer {
  checkOptions('L-BFGS', [
    ['history', history, 1, 201, true],
    ['number of evaluations per line search', lineSearchEvaluations, 1, 1e9, true],
    ['gradient tolerance', gradientTolerance, 0, 1],
  ]);
  return {
    name: 'lbfgs',
    async start(objective, evaluations) {
      checkSuitable('L-BFGS', objective);
      const { LbfgsRun } = await import('./lbfgs-run.ts');
      const run = new LbfgsRun(objective, { history, lineSearchEvaluations, gradientTolerance }, evaluations);
      await run.record();
      return run;
    },
  };
}
