/** Quasi-Newton methods with scalings that the library's L-BFGS does not have, on vectors of the host. */
import type { Objective, Optimizer, OptimizerRun, Recording } from '../src/node.ts';
import { strongWolfeSearch } from '../src/optimizers/line-search.ts';

/** A step s, what it did to the gradient, the gradient where it began, and its length in search directions. */
export interface Pair {
  readonly s: Float64Array;
  readonly y: Float64Array;
  readonly gradient: Float64Array;
  readonly length: number;
}

/** What a quasi-Newton method knows of the inverse Hessian. */
export interface InverseHessian {
  /** Nothing yet: directions are those of steepest descent. */
  readonly empty: boolean;
  /** H g */
  times(gradient: Float64Array): Float64Array;
  add(pair: Pair): void;
  clear(): void;
}

/** Quasi-Newton with the line search and the rules of the library's L-BFGS. */
export function quasiNewton(name: string, inverseHessian: () => InverseHessian): Optimizer {
  return {
    name,
    async start(objective, budget) {
      const { backend, variables } = objective;
      const evaluate = await backend.record(objective.evaluate, 'loss and gradient');
      const [point] = await backend.read([variables.values]);
      return new QuasiNewtonRun(objective, evaluate, inverseHessian(), point, budget);
    },
  };
}

interface Evaluated {
  readonly point: Float64Array;
  readonly loss: number;
  readonly gradient: Float64Array;
}

class QuasiNewtonRun implements OptimizerRun {
  readonly depth = 1;
  readonly #objective: Objective;
  readonly #evaluate: Recording;
  readonly #inverse: InverseHessian;
  readonly #start: Float64Array;
  #budget: number;
  #spent = 0;
  #at?: Evaluated;
  #finished?: 'converged' | 'stalled';

  constructor(objective: Objective, evaluate: Recording, inverse: InverseHessian, start: Float64Array, budget: number) {
    this.#objective = objective;
    this.#evaluate = evaluate;
    this.#inverse = inverse;
    this.#start = start;
    this.#budget = budget;
  }

  async advance(evaluations: number) {
    const losses: number[] = [];
    const lossEvaluations: number[] = [];
    const before = this.#spent;
    const end = Math.min(this.#budget, before + Math.max(1, evaluations));
    let steps = 0;
    const note = () => {
      losses.push(this.#at!.loss);
      lossEvaluations.push(this.#spent - before);
    };
    if (this.#at === undefined) {
      this.#at = await this.#evaluated(this.#start);
      note();
    }
    while (!this.#finished && this.#spent < end) {
      if (!(await this.#iterate(this.#at!))) continue;
      steps++;
      note();
    }
    this.#objective.backend.write(this.#objective.variables.values, this.#at.point);
    return {
      losses: Float64Array.from(losses),
      lossEvaluations: Float64Array.from(lossEvaluations),
      steps,
      evaluations: this.#spent - before,
      finished: this.#finished,
    };
  }

  dispose(): void {}

  async #evaluated(point: Float64Array): Promise<Evaluated> {
    const { backend, variables, loss } = this.#objective;
    backend.write(variables.values, point);
    backend.run(this.#evaluate);
    this.#spent++;
    const [[value], gradient] = await backend.read([loss, variables.gradients]);
    return { point, loss: value, gradient };
  }

  /** False where no step was found: at first that drops what is known of the Hessian, then it ends the run. */
  async #iterate(at: Evaluated): Promise<boolean> {
    const { gradient } = at;
    const inverse = this.#inverse;
    let direction = inverse.times(gradient).map((value) => -value);
    if (!(dot(direction, gradient) < 0)) {
      inverse.clear();
      direction = gradient.map((value) => -value);
    }
    const tried = new Map<number, Evaluated>();
    const evaluate = async (step: number) => {
      const point = await this.#evaluated(at.point.map((value, i) => value + step * direction[i]));
      tried.set(step, point);
      return { step, loss: point.loss, slope: dot(point.gradient, direction) };
    };
    const start = { step: 0, loss: at.loss, slope: dot(gradient, direction) };
    const first = inverse.empty ? Math.min(1, 1 / Math.sqrt(dot(gradient, gradient))) : 1;
    const maxEvaluations = Math.min(Math.max(1, this.#budget - this.#spent), 20);
    const options = { decrease: 1e-4, curvature: 0.9, lossRounding: 1e-14 * at.loss, maxEvaluations };
    const found = await strongWolfeSearch(start, first, evaluate, options);
    if (found === undefined) {
      if (inverse.empty) this.#finished = 'stalled';
      inverse.clear();
      return false;
    }
    this.#at = tried.get(found.step)!;
    const s = this.#at.point.map((value, i) => value - at.point[i]);
    const y = this.#at.gradient.map((value, i) => value - gradient[i]);
    const isCurved = dot(s, y) > 1e-10 * Math.sqrt(dot(s, s) * dot(y, y));
    if (isCurved) inverse.add({ s, y, gradient, length: found.step });
    return true;
  }
}

export interface LimitedMemoryOptions {
  /**
   * H₀: γ = sᵀy/yᵀy of the newest pair, as usual, or of the first one of all; or the longer γ = sᵀs/sᵀy of the newest.
   */
  readonly initial: 'newest' | 'first' | 'long';
  /** Divides H before every update by τ: Oren and Luenberger's sᵀy / sᵀBs, or Al-Baali's min(1, sᵀy / sᵀBs). */
  readonly selfScaled?: 'Oren–Luenberger' | 'Al-Baali';
}

/**
 * L-BFGS by two-loop recursion.
 *
 * Source: Nocedal and Wright, algorithm 7.4; Al-Baali, J. Optim. Theory Appl. 96 (1998).
 */
export class LimitedMemory implements InverseHessian {
  readonly #options: LimitedMemoryOptions;
  #pairs: (Pair & { readonly tau: number })[] = [];
  #firstScale = Number.NaN;

  constructor(options: LimitedMemoryOptions) {
    this.#options = options;
  }

  get empty(): boolean {
    return this.#pairs.length === 0;
  }

  times(gradient: Float64Array): Float64Array {
    const result = gradient.slice();
    const alphas = this.#pairs.map(() => 0);
    for (let k = this.#pairs.length - 1; k >= 0; k--) {
      const { s, y } = this.#pairs[k];
      alphas[k] = dot(s, result) / dot(s, y);
      addScaled(result, -alphas[k], y);
    }
    const scale = this.#scale();
    for (let i = 0; i < result.length; i++) result[i] *= scale;
    this.#pairs.forEach(({ s, y, tau }, k) => {
      const beta = dot(y, result) / dot(s, y) / tau;
      if (tau !== 1) for (let i = 0; i < result.length; i++) result[i] /= tau;
      addScaled(result, alphas[k] - beta, s);
    });
    return result;
  }

  #scale(): number {
    const newest = this.#pairs.at(-1);
    if (newest === undefined) return 1;
    const { s, y } = newest;
    if (this.#options.initial === 'first') return this.#firstScale;
    return this.#options.initial === 'long' ? dot(s, s) / dot(s, y) : dot(s, y) / dot(y, y);
  }

  add(pair: Pair): void {
    if (this.empty) this.#firstScale = dot(pair.s, pair.y) / dot(pair.y, pair.y);
    this.#pairs.push({ ...pair, tau: this.#tau(pair) });
    if (this.#pairs.length > HISTORY) this.#pairs.shift();
  }

  #tau(pair: Pair): number {
    const { selfScaled } = this.#options;
    // Before the first pair there is no matrix that could be scaled.
    if (selfScaled === undefined || this.empty) return 1;
    const tau = 1 / curvatureRatio(pair);
    return selfScaled === 'Al-Baali' ? Math.min(1, tau) : tau;
  }

  clear(): void {
    this.#pairs = [];
  }
}

/** As the library's L-BFGS has it. */
const HISTORY = 50;

/** b = sᵀBs / sᵀy; with s = −length · H g, Bs is −length · g. */
function curvatureRatio({ s, y, gradient, length }: Pair): number {
  return (-length * dot(s, gradient)) / dot(s, y);
}

export type DenseUpdate = 'BFGS' | 'self-scaled BFGS' | 'self-scaled Broyden';

/**
 * The whole inverse Hessian: H ← (H − H y yᵀH / yᵀHy + φ yᵀHy v vᵀ) / τ + s sᵀ / sᵀy with v = s / sᵀy − H y / yᵀHy,
 * from H = sᵀy / yᵀy of the first pair.
 *
 * Source: Al-Baali, J. Optim. Theory Appl. 96 (1998); Urbán, Stefanou and Pons, J. Comput. Phys. 523 (2025).
 */
export class DenseInverse implements InverseHessian {
  readonly #update: DenseUpdate;
  #matrix?: Float64Array;

  constructor(update: DenseUpdate) {
    this.#update = update;
  }

  get empty(): boolean {
    return this.#matrix === undefined;
  }

  times(vector: Float64Array): Float64Array {
    const matrix = this.#matrix;
    if (matrix === undefined) return vector.slice();
    const size = vector.length;
    return vector.map((_, row) => dot(matrix.subarray(row * size, (row + 1) * size), vector));
  }

  add(pair: Pair): void {
    const { s, y } = pair;
    const size = s.length;
    const curvature = dot(s, y);
    const isFirst = this.#matrix === undefined;
    this.#matrix ??= scaledIdentity(size, curvature / dot(y, y));
    const matrix = this.#matrix;
    const image = this.times(y);
    const energy = dot(y, image);
    const { tau, phi } = isFirst ? { tau: 1, phi: 1 } : this.#factors(pair, energy / curvature);
    const v = s.map((value, i) => value / curvature - image[i] / energy);
    for (let row = 0; row < size; row++) {
      const a = image[row] / energy / tau;
      const b = (phi * energy * v[row]) / tau;
      const c = s[row] / curvature;
      const at = row * size;
      for (let i = 0; i < size; i++) matrix[at + i] = matrix[at + i] / tau - a * image[i] + b * v[i] + c * s[i];
    }
  }

  /** @param h yᵀHy / sᵀy */
  #factors(pair: Pair, h: number): { tau: number; phi: number } {
    if (this.#update === 'BFGS') return { tau: 1, phi: 1 };
    const b = curvatureRatio(pair);
    const shrinkage = Math.min(1, 1 / b);
    if (this.#update === 'self-scaled BFGS') return { tau: shrinkage, phi: 1 };
    const a = Math.max(Number.EPSILON, b * h - 1);
    const rho = Math.min(1, h * (1 - Math.sqrt(a / (1 + a))));
    const theta = Math.max((rho - 1) / a, Math.min(1 / rho, (1 - b) / b));
    const sigma = 1 + theta * a;
    const root = sigma ** (1 / (1 - pair.s.length));
    const tau = theta <= 0 ? Math.min(shrinkage * root, sigma) : shrinkage * Math.min(root, 1 / theta);
    return { tau, phi: (1 - theta) / sigma };
  }

  clear(): void {
    this.#matrix = undefined;
  }
}

function scaledIdentity(size: number, scale: number): Float64Array {
  const matrix = new Float64Array(size * size);
  for (let i = 0; i < size; i++) matrix[i * (size + 1)] = scale;
  return matrix;
}

export function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

function addScaled(target: Float64Array, factor: number, vector: Float64Array): void {
  for (let i = 0; i < target.length; i++) target[i] += factor * vector[i];
}
