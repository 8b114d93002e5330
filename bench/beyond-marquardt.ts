/** Levenberg–Marquardt with a choice of damping, in the space of the parameters or in a coarser grid's. */
import type { Advance, Objective, Optimizer, OptimizerRun, Recording } from '../src/node.ts';
import { factorise, solveFactorised } from '../src/optimizers/cholesky.ts';
import { NormalEquations, type QuadraticModel } from '../src/optimizers/normal-equations.ts';
import { layoutOf, multiply, type SparseMatrix, sparseMatrix } from './beyond-maps.ts';
import { dot } from './beyond-optimizers.ts';

/**
 * The matrix D of (H + λ D) δ = −g: 1; diag H; the largest value that each entry of it has had, as in MINPACK; or the
 * mean of diag H over a layer.
 */
export type Damping = 'identity' | 'diagonal' | 'largest diagonal' | 'layer mean';

export interface MarquardtOptions {
  readonly damping?: Damping;
  /** Starts a level with the λ, relative to the largest diagonal entry, with which the one before ended. */
  readonly carried?: boolean;
  /** Steps are P δ, damped by the identity: (PᵀHP + λ 1) δ = −Pᵀg. */
  readonly map?: (objective: Objective) => SparseMatrix;
}

/** With D = S⁻², a step is S δ where δ is damped by the identity: both options are a basis for the steps. */
type Basis = (model: QuadraticModel) => SparseMatrix;

/** The library's levenbergMarquardt({ gainTolerance: 0 }), but for the options. */
export function marquardt({ damping = 'identity', carried = false, map }: MarquardtOptions = {}): Optimizer {
  let before: MarquardtRun | undefined;
  return {
    name: 'lm',
    async start(objective) {
      const { backend, variables, leastSquares } = objective;
      const squares = leastSquares!();
      const evaluate = await backend.record(squares.evaluate, 'loss');
      const [point] = await backend.read([variables.values]);
      const fixed = map?.(objective);
      const basis = fixed ? () => fixed : scaling(objective, damping);
      const equations = await NormalEquations.open(backend, variables.length, squares);
      const first = (carried && before?.relativeDamping) || FIRST_DAMPING;
      before = new MarquardtRun(objective, evaluate, equations, basis, point, first);
      return before;
    },
  };
}

function scaling(objective: Objective, damping: Damping): Basis {
  const { length } = objective.variables;
  const layout = layoutOf(objective);
  const largest = new Float64Array(length);
  return ({ active, hessian }) => {
    const diagonal = new Float64Array(length);
    active.forEach((place, i) => {
      diagonal[place] = hessian[i * (active.length + 1)];
      largest[place] = Math.max(largest[place], diagonal[place]);
    });
    const metric = () => {
      if (damping === 'layer mean') return layerMeans(layout, diagonal);
      return damping === 'diagonal' ? diagonal : largest;
    };
    const entries = damping === 'identity' ? new Float64Array(length).fill(1) : metric();
    return sparseMatrix(
      length,
      length,
      Array.from(active, (place) => [place, place, 1 / Math.sqrt(entries[place])] as const),
    );
  };
}

function layerMeans({ tensors, length }: ReturnType<typeof layoutOf>, diagonal: Float64Array): Float64Array {
  const means = new Float64Array(length);
  for (const { offset, inputs, coefficients, outputs } of tensors) {
    const end = offset + inputs * coefficients * outputs;
    const sum = diagonal.subarray(offset, end).reduce((total, value) => total + value, 0);
    means.fill(sum / (end - offset), offset, end);
  }
  return means;
}

/** The model in the coordinates of a basis: BᵀHB, Bᵀg. */
interface Reduced {
  readonly basis: SparseMatrix;
  readonly loss: number;
  readonly hessian: Float64Array;
  readonly gradient: Float64Array;
  readonly scale: number;
}

function reduced({ active, hessian, gradient, loss }: QuadraticModel, basis: SparseMatrix): Reduced {
  const { columns, starts, indices, values } = basis;
  const small = new Float64Array(columns * columns);
  const right = new Float64Array(columns);
  const row = new Float64Array(columns);
  active.forEach((place, i) => {
    row.fill(0);
    active.forEach((other, j) => {
      const entry = hessian[i * active.length + j];
      for (let at = starts[other]; at < starts[other + 1]; at++) row[indices[at]] += entry * values[at];
    });
    for (let at = starts[place]; at < starts[place + 1]; at++) {
      const target = indices[at] * columns;
      for (let column = 0; column < columns; column++) small[target + column] += values[at] * row[column];
      right[indices[at]] += values[at] * gradient[i];
    }
  });
  let scale = 0;
  for (let i = 0; i < columns; i++) scale = Math.max(scale, small[i * (columns + 1)]);
  return { basis, loss, hessian: small, gradient: right, scale };
}

const NEGLIGIBLE = 1e-15;
const LARGEST_DAMPING = 1e6;
const FIRST_DAMPING = 1e-3;

class MarquardtRun implements OptimizerRun {
  readonly depth = 1;
  readonly #objective: Objective;
  readonly #evaluate: Recording;
  readonly #equations: NormalEquations;
  readonly #basis: Basis;
  readonly #first: number;
  #scale = Number.NaN;
  #point: Float64Array;
  #model?: Reduced;
  #damping = Number.NaN;
  #growth = 2;
  #steps = 0;

  constructor(
    objective: Objective,
    evaluate: Recording,
    equations: NormalEquations,
    basis: Basis,
    point: Float64Array,
    first: number,
  ) {
    this.#objective = objective;
    this.#evaluate = evaluate;
    this.#equations = equations;
    this.#basis = basis;
    this.#point = point;
    this.#first = first;
  }

  /** Of the present damping to the largest diagonal entry of the last matrix. */
  get relativeDamping(): number {
    return this.#damping / this.#scale;
  }

  async advance(evaluations: number): Promise<Advance> {
    const { backend, variables } = this.#objective;
    const losses: number[] = [];
    const lossEvaluations: number[] = [];
    const stepsBefore = this.#steps;
    let spent = 0;
    let finished: Advance['finished'];
    while (spent < evaluations && !finished) {
      backend.write(variables.values, this.#point);
      if (this.#model === undefined) {
        this.#model = await this.#assembled();
        spent++;
        if (this.#steps > 0) continue;
        losses.push(this.#model.loss);
        lossEvaluations.push(spent);
        continue;
      }
      const tried = await this.#try(this.#model);
      if (tried.evaluated) spent++;
      finished = tried.finished;
      if (tried.loss === undefined) continue;
      losses.push(tried.loss);
      lossEvaluations.push(spent);
    }
    backend.write(variables.values, this.#point);
    return {
      losses: Float64Array.from(losses),
      lossEvaluations: Float64Array.from(lossEvaluations),
      steps: this.#steps - stepsBefore,
      evaluations: spent,
      finished,
    };
  }

  async #assembled(): Promise<Reduced> {
    const model = await this.#equations.assemble();
    const small = reduced(model, this.#basis(model));
    this.#scale = small.scale;
    if (Number.isNaN(this.#damping)) this.#damping = this.#first * small.scale;
    return small;
  }

  /** One damping: the loss where it gave a step. */
  async #try(model: Reduced): Promise<{ evaluated: boolean; loss?: number; finished?: Advance['finished'] }> {
    const { backend, variables } = this.#objective;
    const step = solved(model, this.#damping);
    if (step === undefined) return { evaluated: false, finished: this.#reject(model) };
    if (!(step.predicted > NEGLIGIBLE * model.loss)) return { evaluated: false, finished: 'converged' };
    const change = multiply(model.basis, step.change);
    const point = this.#point.map((value, i) => value + change[i]);
    backend.write(variables.values, point);
    backend.run(this.#evaluate);
    const [[loss]] = await backend.read([this.#objective.leastSquares!().loss]);
    if (!(loss < model.loss)) return { evaluated: true, finished: this.#reject(model) };
    const ratio = (model.loss - loss) / step.predicted;
    this.#damping *= Math.max(1 / 3, 1 - (2 * ratio - 1) ** 3);
    this.#growth = 2;
    this.#point = point;
    this.#model = undefined;
    this.#steps++;
    return { evaluated: true, loss };
  }

  #reject({ scale }: Reduced): Advance['finished'] {
    this.#damping *= this.#growth;
    this.#growth *= 2;
    return this.#damping > LARGEST_DAMPING * scale ? 'stalled' : undefined;
  }

  dispose(): void {
    this.#equations.close();
  }
}

function solved({ hessian, gradient }: Reduced, damping: number) {
  const factor = new Float64Array(hessian.length);
  if (!factorise(hessian, gradient.length, damping, factor)) return undefined;
  const change = gradient.map((value) => -value);
  solveFactorised(factor, gradient.length, change);
  // H δ = −g − λδ
  const predicted = damping * dot(change, change) - dot(change, gradient);
  return { change, predicted };
}
