import type { Backend } from '../backend/backend.ts';
import type { Network } from '../models/network.ts';
import {
  eachMethod,
  type MethodName,
  orBrokenDown,
  overall,
  planMethod,
  type TrainedMethod,
} from '../multilevel/compare.ts';
import type { TrainResult } from '../multilevel/train.ts';
import type { Pde } from './pde.ts';
import { featuresOf } from './points.ts';
import { type SolutionErrors, type SolveOptions, solve, solveDefaults } from './solve.ts';

export interface SolverComparisonOptions
  extends Omit<SolveOptions, 'levels' | 'steps' | 'mlp' | 'coordinates' | 'tolerance' | 'workPerEpoch' | 'onProgress'> {
  /** Evaluations of every level of the multilevel run, coarse to fine; the others get the same work. */
  readonly stepsPerLevel: readonly number[];
  /** Which methods to run. Default: all. */
  readonly methods?: readonly MethodName[];
  readonly onProgress?: (progress: { method: MethodName; done: number; loss: number }) => void;
}

export interface SolverResult extends TrainedMethod, SolutionErrors {
  /** Weighted sum of the terms' mean squared residuals. NaN where training broke down, like the errors. */
  readonly loss: number;
}

/**
 * Solves a differential equation in four ways at equal work, as compareMethods fits data in four ways.
 *
 * Errors are NaN where no exact solution is known, or where training broke down; `history` then ends there.
 *
 * @throws NestkanError as solve does, NON_FINITE_TRAINING excepted
 */
export async function compareSolvers(
  backend: Backend,
  pde: Pde,
  options: SolverComparisonOptions,
): Promise<SolverResult[]> {
  return eachMethod(options, (method) => runSolver(backend, pde, method, options));
}

async function runSolver(
  backend: Backend,
  pde: Pde,
  method: MethodName,
  options: SolverComparisonOptions,
): Promise<SolverResult> {
  const { hidden = solveDefaults.hidden, degree = solveDefaults.degree } = options;
  const widths = [featuresOf(pde).length, ...hidden, pde.unknowns.length];
  const { label, grids, mlp, ...plan } = planMethod(method, { ...options, widths, degree });
  return orBrokenDown(
    async () => {
      const solution = await solve(backend, pde, {
        ...options,
        ...grids,
        ...plan,
        ...(mlp && { hidden: mlp, mlp: 'tanh' }),
        onProgress: (progress) => options.onProgress?.({ method, ...overall(progress) }),
      });
      const { levels } = solution.history;
      return result(solution, levels[levels.length - 1].trainLoss, solution.errors);
    },
    (rest) => result(rest, Number.NaN),
  );

  function result({ model, history }: TrainResult<Network>, loss: number, errors?: SolutionErrors): SolverResult {
    const { work, seconds } = history;
    const { relativeL2, maxError } = errors ?? { relativeL2: Number.NaN, maxError: Number.NaN };
    const parameters = model.parameterCount;
    model.dispose();
    return { method, label, parameters, work, seconds, loss, relativeL2, maxError, history };
  }
}
