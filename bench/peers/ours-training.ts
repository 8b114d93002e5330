/** nestkan's own runs of the comparison of times to an error: as its documentation tells users to train. */
import {
  type Backend,
  builtInProblems,
  exactValues,
  isNestkanError,
  Kan,
  type Matrix,
  PdeProblem,
  regression,
  solve,
  trainMultilevel,
} from '../../src/node.ts';
import { testPoints } from '../../src/physics/solve.ts';
import type { Trained, TrainRequest } from './protocol.ts';
import { readArrays } from './serve.mjs';

/** Training losses at which training may stop, as shares of the error to be reached: the first that brings it counts. */
const TOLERANCES = [1, 0.5, 0.2, 0.05, 0];
/** Evaluations per level that are tried. */
const STEPS = [15, 30, 60, 100];
const SEED = 1;

export function poissonData() {
  const pde = builtInProblems['poisson-smooth'].pde();
  const problem = new PdeProblem(pde, { seed: SEED });
  const [[volume], [boundary]] = problem.terms.map((term, index) => problem.points(term, index));
  const test = testPoints(pde);
  const f = new Float64Array(volume.rows);
  for (let row = 0; row < f.length; row++) {
    const [x, y] = volume.data.subarray(2 * row, 2 * row + 2);
    f[row] = -2 * Math.PI ** 2 * Math.sin(Math.PI * x) * Math.sin(Math.PI * y);
  }
  return { volume, f, boundary, test, exact: exactValues(pde, test) };
}

export function trainOurs(backend: Backend, request: TrainRequest): Promise<Trained> {
  return request.case === 'regression' ? trainRegression(backend, request) : trainPoisson(backend, request);
}

async function trainRegression(
  backend: Backend,
  { widths, counts, dataFile, target, cap }: TrainRequest,
): Promise<Trained> {
  const { train, test } = counts;
  const [x, y, testX, testY] = readArrays(dataFile, [2 * train, train, 2 * test, test]);
  const problem = regression({ inputs: rows(matrix(x, 2)), targets: rows(matrix(y, 1)) });
  let best: Trained = { seconds: 0, error: Number.POSITIVE_INFINITY, reached: false, steps: 0 };
  for (const share of TOLERANCES) {
    const initial = Kan.create(backend, { widths, seed: SEED });
    const start = performance.now();
    const { model, history } = await trainMultilevel(initial, problem, {
      tolerance: share * target,
      signal: AbortSignal.timeout(Math.ceil(1000 * cap)),
    });
    const seconds = (performance.now() - start) / 1000;
    const { data } = await model.evaluate(matrix(testX, 2));
    const error = data.reduce((sum, value, index) => sum + (value - testY[index]) ** 2, 0) / data.length;
    initial.dispose();
    model.dispose();
    if (error < best.error) best = { seconds, error, reached: error <= target, steps: history.evaluations };
    if (best.reached) break;
  }
  return best;
}

async function trainPoisson(backend: Backend, { target, cap }: TrainRequest): Promise<Trained> {
  const problem = builtInProblems['poisson-smooth'];
  let best: Trained = { seconds: Number.POSITIVE_INFINITY, error: Number.POSITIVE_INFINITY, reached: false, steps: 0 };
  for (const steps of STEPS) {
    const signal = AbortSignal.timeout(Math.ceil(1000 * (best.reached ? best.seconds : cap)));
    const settings = { ...problem.network, seed: SEED, steps, signal };
    try {
      const { history, model } = await solve(backend, problem.pde(), settings);
      model.dispose();
      let seconds = 0;
      let evaluations = 0;
      for (const level of history.levels) {
        seconds += level.seconds;
        evaluations += level.evaluations;
        const error = level.watched?.['relativeL2'] ?? Number.NaN;
        const reached = error <= target;
        const better = reached ? !best.reached || seconds < best.seconds : !best.reached && error < best.error;
        if (better) best = { seconds, error, reached, steps: evaluations };
        if (reached) break;
      }
    } catch (error) {
      if (!isNestkanError(error)) throw error;
    }
  }
  return best;
}

function matrix(data: Float64Array, columns: number): Matrix {
  return { rows: data.length / columns, columns, data };
}

function rows({ rows: count, columns, data }: Matrix): Float64Array[] {
  return Array.from({ length: count }, (_, row) => data.subarray(row * columns, (row + 1) * columns) as Float64Array);
}
