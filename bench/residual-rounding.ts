/**
 * What float32 leaves of the residuals and the loss of a second-order equation, and what becomes of L-BFGS with them:
 * smooth Poisson, degree 4, trained in float64 from level to level, then seen by both devices.
 */
import {
  type Backend,
  builtInProblems,
  evaluateSolution,
  exactValues,
  Kan,
  lbfgs,
  type Matrix,
  type Network,
  type PdeProblem,
  solve,
} from '../src/node.ts';
import { testPoints } from '../src/physics/solve.ts';
import { quick } from './shared.ts';

const SEEDS = quick ? [0] : [0, 1, 2];
const LEVELS = quick ? 3 : 5;
const STEPS_PER_LEVEL = quick ? 50 : 400;
/** Intervals of the level on which both devices go on from the same coefficients, and evaluations they spend. */
export const CONTINUED = 4 * 2 ** (quick ? 1 : 3);
export const EVALUATIONS = quick ? 100 : 1600;
const NETWORK = { hidden: [5], degree: 4 };
const TERM = 'volume';

/** At the coefficients that one level ended with. Residuals are root mean squares over the points inside. */
export interface ResidualRounding {
  readonly seed: number;
  readonly intervals: number;
  readonly residual: number;
  /** The device's residuals less those of float64, both at coefficients rounded to float32. */
  readonly evaluation: number;
  /** What rounding the coefficients changes, in float64. */
  readonly coefficients: number;
  /** Error of the device's loss, relative. */
  readonly loss: number;
  /** Error of the sums in it alone: against the device's own residuals, summed in float64. */
  readonly sums: number;
}

export interface Continued {
  readonly seed: number;
  readonly device: Backend['name'];
  readonly firstLoss: number;
  readonly loss: number;
  readonly evaluations: number;
  readonly finished: string;
  readonly relativeL2: number;
}

type Values = Readonly<Record<string, Float64Array>>;

export async function measureResidualRounding(
  cpu: Backend,
  webgpu: Backend,
): Promise<{ rounding: ResidualRounding[]; continued: Continued[] }> {
  const rounding: ResidualRounding[] = [];
  const continued: Continued[] = [];
  for (const seed of SEEDS) {
    const { model } = await solve(cpu, builtInProblems['poisson-smooth'].pde(), {
      ...NETWORK,
      seed,
      levels: LEVELS,
      steps: STEPS_PER_LEVEL,
      optimizer: lbfgs(),
      async inspect(problem, network) {
        rounding.push({ seed, ...(await compareResiduals(cpu, webgpu, problem, network)) });
        const fine = await (network as Kan).refine();
        if (fine.intervals[0] === CONTINUED) {
          const start = rounded(await fine.parameters.read());
          for (const backend of [cpu, webgpu]) {
            continued.push({ seed, device: backend.name, ...(await goOn(backend, problem, start)) });
          }
        }
        fine.dispose();
      },
    });
    model.dispose();
  }
  return { rounding, continued };
}

async function compareResiduals(
  cpu: Backend,
  webgpu: Backend,
  problem: PdeProblem,
  network: Network,
): Promise<Omit<ResidualRounding, 'seed'>> {
  const values = await network.parameters.read();
  const [intervals] = network.intervals;
  const exact = await evaluate(cpu, problem, intervals, values);
  const reference = await evaluate(cpu, problem, intervals, rounded(values));
  const device = await evaluate(webgpu, problem, intervals, rounded(values));
  const summed = problem.terms.reduce(
    (sum, { name, term }) => sum + (term.weight ?? 1) * rootMeanSquare(device.residuals[name]) ** 2,
    0,
  );
  return {
    intervals,
    residual: rootMeanSquare(reference.residuals[TERM]),
    evaluation: rootMeanSquare(differences(device.residuals[TERM], reference.residuals[TERM])),
    coefficients: rootMeanSquare(differences(reference.residuals[TERM], exact.residuals[TERM])),
    loss: Math.abs(device.loss / reference.loss - 1),
    sums: Math.abs(device.loss / summed - 1),
  };
}

function createModel(backend: Backend, intervals: number, values: Values): Kan {
  const widths = [2, ...NETWORK.hidden, 1];
  const model = Kan.create(backend, { widths, degree: NETWORK.degree, intervals, hiddenIntervals: intervals });
  model.parameters.write(values);
  return model;
}

async function evaluate(backend: Backend, problem: PdeProblem, intervals: number, values: Values) {
  const model = createModel(backend, intervals, values);
  const monitor = problem.monitor(model);
  backend.run(await backend.record(monitor.evaluate));
  const [[loss]] = await backend.read([monitor.loss]);
  monitor.dispose();
  const residuals: Record<string, Float64Array> = {};
  for (const [index, term] of problem.terms.entries()) {
    residuals[term.name] = (await problem.residualAt(model, term, ...problem.points(term, index))).data;
  }
  model.dispose();
  return { loss, residuals };
}

async function goOn(backend: Backend, problem: PdeProblem, start: Values): Promise<Omit<Continued, 'seed' | 'device'>> {
  const model = createModel(backend, CONTINUED, start);
  const objective = problem.bind(model);
  const run = await lbfgs().start(objective, EVALUATIONS);
  const { losses, evaluations, finished = 'budget spent' } = await run.advance(EVALUATIONS);
  const test = testPoints(problem.pde);
  const error = relativeL2(await evaluateSolution(problem, model, test), exactValues(problem.pde, test));
  run.dispose();
  objective.dispose();
  model.dispose();
  return { firstLoss: losses[0], loss: losses[losses.length - 1], evaluations, finished, relativeL2: error };
}

function relativeL2({ data }: Matrix, exact: Float64Array): number {
  return rootMeanSquare(differences(data, exact)) / rootMeanSquare(exact);
}

function rounded(values: Values): Values {
  return Object.fromEntries(Object.entries(values).map(([name, array]) => [name, array.map(Math.fround)]));
}

function differences(a: Float64Array, b: Float64Array): Float64Array {
  return a.map((value, index) => value - b[index]);
}

function rootMeanSquare(values: Float64Array): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
}
