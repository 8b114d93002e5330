import type { DeviceBuffer, Dispatch, Recording } from '../backend/backend.ts';
import { dispatch } from '../backend/dispatch.ts';
import { NestkanError } from '../errors.ts';
import { rowDots } from '../kernels/reductions.ts';
import { addScaled, copy, difference, fill, linearCombination } from '../kernels/vectors.ts';
import { CurvatureHistory } from './curvature-history.ts';
import { type LinePoint, strongWolfeSearch } from './line-search.ts';
import { Memory } from './memory.ts';
import type { FusedGradient, Objective } from './objective.ts';
import type { Advance, OptimizerRun } from './optimizer.ts';

export interface LbfgsOptions {
  /** Curvature pairs kept, 1 to 200. Default 50. */
  readonly history?: number;
  /** Evaluations that one line search may take. Default 20. */
  readonly lineSearchEvaluations?: number;
  /** Converged when the largest-norm gradient falls below this times the norm at the start. Default 1e-12. */
  readonly gradientTolerance?: number;
}

const SUFFICIENT_DECREASE = 1e-4;
const CURVATURE = 0.9;

/**
 * Relative rounding of losses, within which the line search goes by slopes.
 *
 * What counts is not the sum of squares, which is good to 1e-7 in float32, but the residuals in it: a second derivative on
 * n intervals carries n² times the rounding of its coefficients, and blurs a nearly solved problem's loss by 1e-4 to 1e-3.
 * An iterate may lie that much above the least loss so far, however many steps it took.
 * Source: docs/benchmarks/rounding.md.
 */
const LOSS_ROUNDING = { float64: 1e-14, float32: 1e-2 };

/** A run of `lbfgs` (src/optimizers/lbfgs.ts). */
export class LbfgsRun implements OptimizerRun {
  readonly depth = 1;
  readonly #objective: Objective;
  readonly #options: Required<LbfgsOptions>;
  /** Evaluations of the whole run. */
  readonly #budget: number;
  readonly #history: CurvatureHistory;
  readonly #memory: Memory;
  /** Rows as CurvatureHistory numbers them, of {@link #stride} elements each; what a row has too many is zero. */
  readonly #vectors: DeviceBuffer;
  readonly #stride: number;
  /** The last accepted iterate and its gradient. */
  readonly #origin: DeviceBuffer;
  readonly #originGradient: DeviceBuffer;
  readonly #direction: DeviceBuffer;
  readonly #stepLength: DeviceBuffer;
  readonly #slope: DeviceBuffer;
  readonly #coefficients: DeviceBuffer;
  /** Products of all rows with the newest step, the newest gradient difference, and the gradient. */
  readonly #products: readonly DeviceBuffer[];
  /** Made as slots are first used. */
  readonly #pairs: Recording[] = [];
  #fused?: FusedGradient;
  #first!: Recording;
  #combine!: Recording;
  #evaluateAt!: Recording;
  #return!: Recording;
  /** {@link #products} at the point evaluated last. */
  #productsRead: readonly Float64Array[] = [];
  #loss = Number.NaN;
  #leastLoss = Number.NaN;
  #evaluations = 0;
  #steps = 0;
  #firstGradientNorm = 0;
  #finished?: 'converged' | 'stalled';

  constructor(objective: Objective, options: Required<LbfgsOptions>, evaluations: number) {
    this.#budget = evaluations;
    const { backend, variables } = objective;
    const { length } = variables;
    this.#stride = Math.ceil(length / backend.alignment) * backend.alignment;
    this.#objective = objective;
    this.#options = options;
    this.#history = new CurvatureHistory(options.history);
    const { rows } = this.#history;
    const memory = new Memory(backend);
    this.#memory = memory;
    this.#vectors = memory.allocate(rows * this.#stride);
    this.#origin = memory.allocate(length);
    this.#originGradient = memory.allocate(length);
    this.#direction = memory.allocate(this.#stride);
    this.#stepLength = memory.allocate(1);
    this.#slope = memory.allocate(1);
    this.#coefficients = memory.allocate(rows);
    this.#products = Array.from({ length: 3 }, () => memory.allocate(rows));
  }

  async record(): Promise<void> {
    const { backend, variables } = this.#objective;
    this.#fused = await this.#objective.fuse?.();
    const { evaluate } = this.#fused ?? this.#objective;
    const { values, gradients, length } = variables;
    const { rows, gradientRow } = this.#history;
    const matrix = this.#vectors;
    const [origin, originGradient] = [this.#origin, this.#originGradient];
    this.#first = await backend.record([...evaluate, ...this.#gradientProducts()], 'start');
    // The pairs are dropped then: what a step that was not finite has left in their rows must not spread from there.
    const pairs = matrix.view(0, gradientRow * this.#stride);
    this.#return = await backend.record(
      [
        this.#copy(origin, values),
        this.#copy(originGradient, gradients),
        this.#copy(originGradient, this.#row(gradientRow)),
        dispatch(fill, { target: pairs }, { count: pairs.length, value: 0 }),
      ],
      'return',
    );
    const combination = { coefficients: this.#coefficients, matrix, result: this.#direction };
    this.#combine = await backend.record(
      [
        this.#copy(values, origin),
        this.#copy(gradients, originGradient),
        dispatch(linearCombination, combination, { rows, columns: this.#stride }),
      ],
      'search direction',
    );
    const move = { x: origin, direction: this.#direction, scale: this.#stepLength, result: values };
    const slope = { matrix: gradients, vector: this.#direction, dots: this.#slope };
    this.#evaluateAt = await backend.record(
      [
        dispatch(addScaled, move, { count: length }),
        ...evaluate,
        dispatch(rowDots, slope, { rows: 1, columns: length }),
      ],
      'trial',
    );
  }

  async advance(evaluations: number): Promise<Advance> {
    const losses: number[] = [];
    const lossEvaluations: number[] = [];
    const [evaluationsBefore, stepsBefore] = [this.#evaluations, this.#steps];
    const note = () => {
      losses.push(this.#loss);
      lossEvaluations.push(this.#evaluations - evaluationsBefore);
    };
    const end = Math.min(this.#budget, evaluationsBefore + Math.max(1, evaluations));
    if (Number.isNaN(this.#loss)) {
      await this.#begin();
      note();
    }
    while (!this.#finished && this.#evaluations < end && (await this.#iterate())) note();
    return {
      losses: Float64Array.from(losses),
      lossEvaluations: Float64Array.from(lossEvaluations),
      steps: this.#steps - stepsBefore,
      evaluations: this.#evaluations - evaluationsBefore,
      finished: this.#finished,
    };
  }

  dispose(): void {
    this.#fused?.dispose();
    this.#memory.release();
  }

  async #begin(): Promise<void> {
    const { backend } = this.#objective;
    const { loss } = this.#fused ?? this.#objective;
    backend.run(this.#first);
    const [[value], products] = await backend.read([loss, this.#products[2]]);
    this.#evaluations++;
    this.#history.setGradient(products);
    this.#firstGradientNorm = this.#history.gradientNorm;
    this.#loss = value;
    this.#leastLoss = value;
    if (Number.isFinite(value) && Number.isFinite(this.#firstGradientNorm)) return;
    throw new NestkanError('NON_FINITE_TRAINING', 'the loss or its gradient is not finite at the start', {
      fix: 'Check the data and the initial model for extreme values.',
      where: { step: 0, ...(await this.#objective.diagnose?.()) },
    });
  }

  /** One accepted step. False when none was found; the variables are then at the last accepted iterate. */
  async #iterate(): Promise<boolean> {
    const { backend } = this.#objective;
    const history = this.#history;
    if (history.gradientNorm <= this.#options.gradientTolerance * this.#firstGradientNorm) {
      this.#finished = 'converged';
      return false;
    }
    // A search that ends at another point than its best goes back there: that takes one evaluation more.
    const left = this.#budget - this.#evaluations;
    const maxEvaluations = Math.min(Math.max(1, left - 1), this.#options.lineSearchEvaluations);
    const slope = this.#setDirection();
    const start: LinePoint = { step: 0, loss: this.#loss, slope };
    const firstStep = history.pairs === 0 ? Math.min(1, 1 / history.gradientNorm) : 1;
    let last = start;
    const evaluate = async (step: number) => {
      last = await this.#pointAt(step);
      return last;
    };
    const found = await strongWolfeSearch(start, firstStep, evaluate, {
      decrease: SUFFICIENT_DECREASE,
      curvature: CURVATURE,
      lossRounding: this.#roundingLeft(),
      maxEvaluations,
    });
    if (found === undefined) {
      backend.run(this.#return);
      if (history.pairs === 0) this.#finished = 'stalled';
      history.clear();
      return this.#finished === undefined && this.#evaluations < this.#budget && this.#iterate();
    }
    if (last.step !== found.step) await this.#pointAt(found.step);
    this.#accept(found.loss);
    return true;
  }

  /** How far the loss may rise from here and still be as good as the least one. */
  #roundingLeft(): number {
    const rounding = LOSS_ROUNDING[this.#objective.backend.precision] * Math.abs(this.#leastLoss);
    return Math.max(0, this.#leastLoss + rounding - this.#loss);
  }

  /** Keeps the iterate, puts −H g into the direction and returns its slope; falls back to −g where rounding made it an ascent. */
  #setDirection(): number {
    const { backend } = this.#objective;
    let direction = this.#history.direction();
    if (!(direction.slope < 0)) {
      this.#history.clear();
      direction = this.#history.direction();
    }
    backend.write(this.#coefficients, direction.coefficients);
    backend.run(this.#combine);
    return direction.slope;
  }

  /**
   * Loss and slope at a step, and in the same readback what accepting it takes: nearly every search ends with its first
   * step. The slot is free for the pair, whether the step is accepted or not.
   */
  async #pointAt(step: number): Promise<LinePoint> {
    const { backend } = this.#objective;
    const { loss } = this.#fused ?? this.#objective;
    const pair = await this.#pairAt(this.#history.nextSlot);
    backend.write(this.#stepLength, [step]);
    backend.run(this.#evaluateAt);
    backend.run(pair);
    this.#evaluations++;
    const [[value], [slope], ...products] = await backend.read([loss, this.#slope, ...this.#products]);
    this.#productsRead = products;
    return { step, loss: value, slope };
  }

  /** Makes the point evaluated last the new iterate. */
  #accept(loss: number): void {
    const [step, difference, gradient] = this.#productsRead;
    this.#history.setGradient(gradient);
    this.#history.add(step, difference);
    this.#loss = loss;
    this.#leastLoss = Math.min(this.#leastLoss, loss);
    this.#steps++;
  }

  /** Writes the pair from the iterate to the present point to `slot`; multiplies all rows with it and with the gradient. */
  async #pairAt(slot: number): Promise<Recording> {
    const { backend, variables } = this.#objective;
    const changeSlot = slot + this.#history.capacity;
    const constants = { count: variables.length };
    const step = { a: variables.values, b: this.#origin, result: this.#row(slot) };
    const change = { a: variables.gradients, b: this.#originGradient, result: this.#row(changeSlot) };
    this.#pairs[slot] ??= await backend.record(
      [
        dispatch(difference, step, constants),
        dispatch(difference, change, constants),
        ...this.#gradientProducts(),
        this.#productsWith(slot, this.#products[0]),
        this.#productsWith(changeSlot, this.#products[1]),
      ],
      'curvature pair',
    );
    return this.#pairs[slot];
  }

  #gradientProducts(): Dispatch[] {
    const { gradientRow } = this.#history;
    const row = this.#row(gradientRow);
    return [this.#copy(this.#objective.variables.gradients, row), this.#productsWith(gradientRow, this.#products[2])];
  }

  #productsWith(row: number, dots: DeviceBuffer): Dispatch {
    const constants = { rows: this.#history.rows, columns: this.#stride };
    return dispatch(rowDots, { matrix: this.#vectors, vector: this.#row(row), dots }, constants);
  }

  #copy(source: DeviceBuffer, target: DeviceBuffer): Dispatch {
    return dispatch(copy, { source, target }, { count: this.#objective.variables.length });
  }

  #row(index: number): DeviceBuffer {
    return this.#vectors.view(index * this.#stride, this.#stride);
  }
}
