import type { Recording } from '../backend/backend.ts';
import { NestkanError } from '../errors.ts';
import { type GaussNewtonModel, type GaussNewtonSource, parameterCount } from './gauss-newton.ts';
import type { ConjugateGradientOptions } from './matrix-free.ts';
import { NormalEquations } from './normal-equations.ts';
import type { LeastSquares, Objective } from './objective.ts';
import type { Advance, Optimizer, OptimizerRun } from './optimizer.ts';
import { checkOptions, checkSuitable, unsuitable } from './suitable.ts';

export interface LevenbergMarquardtOptions {
  /** Damping at the start, relative to the largest diagonal entry of JᵀWJ. Default 1e-3. */
  readonly damping?: number;
  /**
   * A run has converged when over its last 12 trials the loss has fallen by less than this share per trial. Default 0.01;
   * 0 spends the whole budget.
   */
  readonly gainTolerance?: number;
  /**
   * How the equations of a step are solved. `direct`: by Cholesky's factors of JᵀWJ. `matrix-free`: by conjugate gradients,
   * for models whose matrix would be too large. Default: direct where a step takes about half a second at most.
   */
  readonly solver?: 'auto' | 'direct' | 'matrix-free';
  readonly conjugateGradients?: ConjugateGradientOptions;
}

type Settings = Required<Pick<LevenbergMarquardtOptions, 'damping' | 'gainTolerance'>>;

/** Parameters up to which factorising takes about half a second. */
const MOST_PARAMETERS = 1700;
/** Products of two slots per assembly, likewise. */
const MOST_PRODUCTS = 5e8;

const FIRST_GROWTH = 2;

/** Trials over which the gain is taken: after a plateau LM often goes on as fast as before. */
const WINDOW = 12;

/** A step that promises less than this share of the loss is rounding. */
const NEGLIGIBLE = 1e-15;

/** Damping, relative to the largest diagonal entry, at which steps have become too short to be of use. */
const LARGEST_DAMPING = 1e6;

/**
 * Levenberg–Marquardt: minimises least-squares losses by damped Gauss–Newton steps (JᵀWJ + λ 1) δ = −JᵀWr.
 *
 * The normal matrix is assembled on the device at a cost that does not depend on the fineness of grids, and factorised on
 * the host in float64. Every assembly serves as many dampings as it takes to find a step that lowers the loss. One
 * evaluation is an assembly, or a trial of a step. Full batch only.
 * Source: docs/mathematics.md, "Gauss–Newton on local support"; Nielsen, Damping parameter in Marquardt's method, IMM-REP-1999-05.
 */
export function levenbergMarquardt(options: LevenbergMarquardtOptions = {}): Optimizer {
  const { damping = 1e-3, gainTolerance = 0.01, solver = 'auto', conjugateGradients = {} } = options;
  const { iterations = 1, tolerance = 0.1 } = conjugateGradients;
  checkOptions('Levenberg–Marquardt', [
    ['damping', damping, 1e-30, 1e30],
    ['gain tolerance', gainTolerance, 0, 1],
    ['number of conjugate gradient iterations', iterations, 1, 1e9],
    ['tolerance of conjugate gradients', tolerance, 1e-30, 1],
  ]);
  if (!['auto', 'direct', 'matrix-free'].includes(solver)) {
    throw new NestkanError('INVALID_ARGUMENT', `there is no solver ${solver}`, {
      fix: "Use 'auto', 'direct' or 'matrix-free'.",
    });
  }
  return {
    name: 'lm',
    async start(objective) {
      const leastSquares = checkLeastSquares(objective);
      const run = new LevenbergMarquardtRun(objective, leastSquares, { damping, gainTolerance });
      const obstacle = solver === 'auto' ? obstacleToFactors(objective) : undefined;
      await run.open(solver === 'matrix-free' || obstacle !== undefined ? conjugateGradients : undefined);
      return obstacle === undefined
        ? run
        : Object.assign(run, { choice: { name: 'lm', reason: `${obstacle}: matrix-free` } });
    },
  };
}

/** Why normal matrices are too large to be factorised. */
export function obstacleToFactors({ variables, leastSquares }: Objective): string | undefined {
  const tooMany = `more than ${MOST_PARAMETERS} parameters`;
  // Residual blocks take memory, which wide networks need elsewhere: where even half of the flat vector would be too much,
  // gaps included, they are not asked for.
  if (variables.length > 2 * MOST_PARAMETERS) return tooMany;
  const { blocks } = leastSquares!();
  if (parameterCount(blocks) > MOST_PARAMETERS) return tooMany;
  const products = blocks.reduce((sum, { samples, traces, slots }) => sum + (samples * (traces * slots) ** 2) / 2, 0);
  return products > MOST_PRODUCTS ? 'many samples for so many edges' : undefined;
}

/** @throws NestkanError OPTIMIZER_UNSUITABLE unless the objective is a full-batch sum of squares */
function checkLeastSquares(objective: Objective): LeastSquares {
  const name = 'Levenberg–Marquardt';
  checkSuitable(name, objective);
  if (objective.leastSquares) return objective.leastSquares();
  throw unsuitable(name, 'a loss that is no sum of squares of B-spline models', 'Use adam, lbfgs, or adamThenLbfgs.');
}

class LevenbergMarquardtRun implements OptimizerRun {
  readonly depth = 1;
  readonly #objective: Objective;
  readonly #leastSquares: LeastSquares;
  readonly #options: Settings;
  #equations!: GaussNewtonSource;
  #evaluate!: Recording;
  #afterStep!: Recording;
  /** In float64, also where the device holds float32. */
  #point!: Float64Array;
  /** Of the loss at the present point; undefined until it is asked for. */
  #model?: GaussNewtonModel;
  /** Of the loss at the point tried last, where it was assembled along with it. */
  #modelAhead?: GaussNewtonModel;
  /** Whether trials after an accepted step assemble along with their loss. */
  #looksAhead = false;
  /** At the present point, under the present weights, as every trial's: in the device's precision. */
  #loss = Number.NaN;
  #damping = Number.NaN;
  /** By how much a failure raises the damping. */
  #growth = FIRST_GROWTH;
  #steps = 0;
  /** The least loss after every trial. */
  readonly #best: number[] = [];

  constructor(objective: Objective, leastSquares: LeastSquares, options: Settings) {
    this.#objective = objective;
    this.#leastSquares = leastSquares;
    this.#options = options;
  }

  async open(conjugateGradients?: ConjugateGradientOptions): Promise<void> {
    const { backend, variables, perStep = [] } = this.#objective;
    const { length } = variables;
    this.#evaluate = await backend.record(this.#leastSquares.evaluate, 'loss');
    this.#afterStep = await backend.record(perStep, 'after a step');
    [this.#point] = await backend.read([variables.values]);
    // A readback stalls a device for longer than it takes to assemble. Where conjugate gradients still need the rows of the
    // present point, or an accepted step changes the loss, an assembly must wait.
    this.#looksAhead = backend.name === 'webgpu' && perStep.length === 0 && conjugateGradients === undefined;
    // Last, so that nothing can fail any more and leave their memory behind.
    this.#equations = conjugateGradients
      ? await (await import('./matrix-free.ts')).MatrixFree.open(
          backend,
          length,
          this.#leastSquares,
          conjugateGradients,
        )
      : await NormalEquations.open(backend, length, this.#leastSquares);
  }

  async advance(evaluations: number): Promise<Advance> {
    const losses: number[] = [];
    const lossEvaluations: number[] = [];
    let spent = 0;
    let steps = 0;
    let finished: Advance['finished'];
    const report = (loss: number) => {
      losses.push(loss);
      lossEvaluations.push(spent);
    };
    const { backend, variables } = this.#objective;
    while (spent < evaluations && !finished) {
      // A trial has moved them.
      backend.write(variables.values, this.#point);
      if (this.#model === undefined) {
        this.#model = await this.#assemble();
        spent++;
        if (this.#steps === 0) report(this.#loss);
        continue;
      }
      const step = await this.#model.step(this.#damping);
      if (step === undefined) {
        if (!this.#reject(this.#model)) finished = 'stalled';
        continue;
      }
      spent += step.evaluations;
      if (!(step.predicted > NEGLIGIBLE * this.#loss)) {
        finished = 'converged';
        continue;
      }
      const point = this.#point.map((value, index) => value + step.change[index]);
      const loss = await this.#lossAt(point);
      spent++;
      if (loss < this.#loss) {
        this.#accept(point, (this.#loss - loss) / step.predicted);
        report(loss);
        steps++;
      } else if (!this.#reject(this.#model)) {
        finished = 'stalled';
      }
      if (this.#hasConverged(Math.min(loss, this.#loss))) finished ??= 'converged';
      if (loss < this.#loss) this.#loss = loss;
    }
    backend.write(variables.values, this.#point);
    return {
      losses: Float64Array.from(losses),
      lossEvaluations: Float64Array.from(lossEvaluations),
      steps,
      evaluations: spent,
      finished,
    };
  }

  dispose(): void {
    this.#equations.close();
  }

  async #assemble(): Promise<GaussNewtonModel> {
    const { diagnose } = this.#objective;
    const model = this.#modelAhead ?? (await this.#equations.assemble());
    this.#modelAhead = undefined;
    this.#loss = model.told;
    if (Number.isFinite(this.#loss) && Number.isFinite(model.scale)) {
      if (Number.isNaN(this.#damping)) this.#damping = this.#options.damping * model.scale;
      return model;
    }
    throw new NestkanError('NON_FINITE_TRAINING', `the loss or its Jacobian is not finite at step ${this.#steps}`, {
      fix: 'Check the data for extreme values, and the starting values.',
      where: { step: this.#steps, ...(await diagnose?.()) },
    });
  }

  async #lossAt(point: Float64Array): Promise<number> {
    const { backend, variables } = this.#objective;
    backend.write(variables.values, point);
    // One rejection is often followed by others.
    if (this.#looksAhead && this.#growth === FIRST_GROWTH) {
      this.#modelAhead = await this.#equations.assemble();
      return this.#modelAhead.told;
    }
    backend.run(this.#evaluate);
    const [[loss]] = await backend.read([this.#leastSquares.loss]);
    return loss;
  }

  /** @param ratio of the decrease to the promised one */
  #accept(point: Float64Array, ratio: number): void {
    this.#point = point;
    this.#model = undefined;
    this.#damping *= Math.max(1 / 3, 1 - (2 * ratio - 1) ** 3);
    this.#growth = FIRST_GROWTH;
    this.#steps++;
    this.#objective.backend.run(this.#afterStep);
  }

  /** Raises the damping; false where that has become useless. */
  #reject({ scale }: GaussNewtonModel): boolean {
    this.#modelAhead = undefined;
    this.#damping *= this.#growth;
    this.#growth *= 2;
    return this.#damping <= LARGEST_DAMPING * scale;
  }

  /** @param loss the least one so far */
  #hasConverged(loss: number): boolean {
    const best = this.#best;
    best.push(loss);
    const { gainTolerance } = this.#options;
    return best.length > WINDOW && loss > (1 - gainTolerance) ** WINDOW * best.at(-1 - WINDOW)!;
  }
}
