/**
 * The limited-memory inverse Hessian as scalars: inner products of the stored vectors, and two-loop recursion on them.
 *
 * Rows 0 … m − 1 are steps s, rows m … 2m − 1 gradient differences y, row 2m the gradient g. Keeping the Gram matrix on
 * the host makes an iteration three row-times-matrix products and one linear combination on the device, whatever m.
 * Source: Chen, Wang and Zhou, Large-scale L-BFGS using MapReduce, NeurIPS 2014; Nocedal and Wright, algorithm 7.4.
 */
export class CurvatureHistory {
  readonly capacity: number;
  /** Number of vectors: 2 · capacity + 1. */
  readonly rows: number;
  readonly #gram: Float64Array;
  /** Slots with a usable pair, oldest first. */
  readonly #slots: number[] = [];
  #next = 0;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.rows = 2 * capacity + 1;
    this.#gram = new Float64Array(this.rows * this.rows);
  }

  get pairs(): number {
    return this.#slots.length;
  }

  /** Slot for the next pair. The pair that it holds is needed no more once a direction has been made of it. */
  get nextSlot(): number {
    return this.#next;
  }

  get gradientRow(): number {
    return 2 * this.capacity;
  }

  /**
   * Takes in the pair written to {@link nextSlot}, given the products of every row with it. A pair that fails the
   * curvature condition is skipped, never repaired.
   */
  add(withStep: Float64Array, withDifference: Float64Array): boolean {
    const slot = this.#next;
    const [s, y] = [slot, slot + this.capacity];
    const held = this.#slots.indexOf(slot);
    if (held >= 0) this.#slots.splice(held, 1);
    this.#set(s, withStep);
    this.#set(y, withDifference);
    const curvature = this.#product(s, y);
    const enough = curvature > CURVATURE_THRESHOLD * Math.sqrt(this.#product(s, s) * this.#product(y, y));
    if (!enough) return false;
    this.#slots.push(slot);
    this.#next = (slot + 1) % this.capacity;
    return true;
  }

  setGradient(products: Float64Array): void {
    this.#set(this.gradientRow, products);
  }

  clear(): void {
    this.#slots.length = 0;
    this.#next = 0;
  }

  get gradientNorm(): number {
    return Math.sqrt(this.#product(this.gradientRow, this.gradientRow));
  }

  /** The direction −H g as coefficients per row, and its slope g · direction. */
  direction(): { coefficients: Float64Array; slope: number } {
    const coefficients = new Float64Array(this.rows);
    coefficients[this.gradientRow] = 1;
    const alphas: number[] = [];
    for (const slot of [...this.#slots].reverse()) {
      const y = slot + this.capacity;
      const alpha = this.#dot(slot, coefficients) / this.#product(slot, y);
      alphas.unshift(alpha);
      coefficients[y] -= alpha;
    }
    const newest = this.#slots[this.#slots.length - 1];
    if (newest !== undefined) {
      const y = newest + this.capacity;
      const scale = this.#product(newest, y) / this.#product(y, y);
      for (let row = 0; row < this.rows; row++) coefficients[row] *= scale;
    }
    this.#slots.forEach((slot, index) => {
      const y = slot + this.capacity;
      coefficients[slot] += alphas[index] - this.#dot(y, coefficients) / this.#product(slot, y);
    });
    const negated = coefficients.map((coefficient) => -coefficient);
    return { coefficients: negated, slope: this.#dot(this.gradientRow, negated) };
  }

  /** Inner product of row `row` with the combination of rows that `coefficients` describe. */
  #dot(row: number, coefficients: Float64Array): number {
    let total = 0;
    for (let column = 0; column < this.rows; column++) total += coefficients[column] * this.#product(row, column);
    return total;
  }

  #product(row: number, column: number): number {
    return this.#gram[row * this.rows + column];
  }

  #set(row: number, products: Float64Array): void {
    for (let column = 0; column < this.rows; column++) {
      this.#gram[row * this.rows + column] = products[column];
      this.#gram[column * this.rows + row] = products[column];
    }
  }
}

/** Smallest cosine between s and y that counts as curvature. */
const CURVATURE_THRESHOLD = 1e-10;
