/**
 * A cubic KAN with mean squared error and Adam in straightforward loops over typed arrays, float64.
 *
 * The yardstick for the CPU backend: what one would write by hand for this one model. Shares no code with the library.
 */

export interface PlainLayer {
  readonly inputs: number;
  readonly outputs: number;
  readonly intervals: number;
  readonly domain: readonly [number, number];
}

interface LayerState extends PlainLayer {
  /** [inputs, intervals + 3, outputs], as its gradient and Adam's moments. */
  readonly weights: Float64Array;
  readonly gradient: Float64Array;
  readonly firstMoment: Float64Array;
  readonly secondMoment: Float64Array;
  /** Per point [batch, inputs]: the cell, four spline values, four slopes. */
  readonly cells: Int32Array;
  readonly values: Float64Array;
  readonly slopes: Float64Array;
  /** [batch, outputs], and the loss's derivative by it. */
  readonly y: Float64Array;
  readonly yGradient: Float64Array;
}

const BETA1 = 0.9;
const BETA2 = 0.999;
const EPSILON = 1e-8;

export class PlainKan {
  readonly layers: readonly LayerState[];
  readonly #batch: number;
  #steps = 0;

  constructor(layers: readonly PlainLayer[], weights: readonly Float64Array[], batch: number) {
    this.#batch = batch;
    this.layers = layers.map((layer, index) => {
      const points = batch * layer.inputs;
      const zeros = () => new Float64Array(weights[index].length);
      return {
        ...layer,
        weights: Float64Array.from(weights[index]),
        gradient: zeros(),
        firstMoment: zeros(),
        secondMoment: zeros(),
        cells: new Int32Array(points),
        values: new Float64Array(4 * points),
        slopes: new Float64Array(4 * points),
        y: new Float64Array(batch * layer.outputs),
        yGradient: new Float64Array(batch * layer.outputs),
      };
    });
  }

  /** Mean squared error over all rows and outputs; fills the gradients. */
  lossAndGradient(x: Float64Array, targets: Float64Array): number {
    const { layers } = this;
    const inputOf = (index: number) => (index === 0 ? x : layers[index - 1].y);
    layers.forEach((layer, index) => {
      evaluateBasis(layer, inputOf(index), this.#batch);
      forward(layer, this.#batch);
    });
    const { y, yGradient } = layers[layers.length - 1];
    const loss = meanSquaredError(y, targets, yGradient);
    for (let index = layers.length - 1; index >= 0; index--) {
      backward(layers[index], index > 0 ? layers[index - 1].yGradient : undefined, this.#batch);
    }
    return loss;
  }

  /** One Adam step; returns the loss before it. */
  step(x: Float64Array, targets: Float64Array, rate: number): number {
    const loss = this.lossAndGradient(x, targets);
    this.#steps++;
    for (const layer of this.layers) adamStep(layer, rate, this.#steps);
    return loss;
  }
}

/** Cells, spline values and slopes of all points; outside the domain splines continue linearly. */
function evaluateBasis(
  { inputs, intervals, domain, cells, values, slopes }: LayerState,
  x: Float64Array,
  batch: number,
) {
  const [start, end] = domain;
  const perUnit = intervals / (end - start);
  for (let i = 0; i < batch * inputs; i++) {
    const inside = Math.min(Math.max(x[i], start), end);
    const position = (inside - start) * perUnit;
    const cell = position >= intervals ? intervals - 1 : Math.floor(position);
    const s = position - cell;
    const t = 1 - s;
    const at = 4 * i;
    cells[i] = cell;
    values[at] = (t * t * t) / 6;
    values[at + 1] = 2 / 3 + s * s * (0.5 * s - 1);
    values[at + 2] = 2 / 3 + t * t * (0.5 * t - 1);
    values[at + 3] = (s * s * s) / 6;
    slopes[at] = -0.5 * t * t * perUnit;
    slopes[at + 1] = s * (1.5 * s - 2) * perUnit;
    slopes[at + 2] = -t * (1.5 * t - 2) * perUnit;
    slopes[at + 3] = 0.5 * s * s * perUnit;
    const outside = x[i] - inside;
    if (outside !== 0) for (let j = at; j < at + 4; j++) values[j] += outside * slopes[j];
  }
}

function forward({ inputs, outputs, intervals, weights, cells, values, y }: LayerState, batch: number) {
  y.fill(0);
  for (let b = 0; b < batch; b++) {
    for (let p = 0; p < inputs; p++) {
      const point = b * inputs + p;
      const v0 = values[4 * point];
      const v1 = values[4 * point + 1];
      const v2 = values[4 * point + 2];
      const v3 = values[4 * point + 3];
      let w = (p * (intervals + 3) + cells[point]) * outputs;
      for (let q = 0; q < outputs; q++, w++) {
        y[b * outputs + q] +=
          v0 * weights[w] + v1 * weights[w + outputs] + v2 * weights[w + 2 * outputs] + v3 * weights[w + 3 * outputs];
      }
    }
  }
}

/** Fills the layer's gradient and, where there is a layer below, the derivative by this layer's input. */
function backward(layer: LayerState, xGradient: Float64Array | undefined, batch: number) {
  const { inputs, outputs, intervals, weights, gradient, cells, values, slopes, yGradient } = layer;
  gradient.fill(0);
  for (let b = 0; b < batch; b++) {
    for (let p = 0; p < inputs; p++) {
      const point = b * inputs + p;
      const v0 = values[4 * point];
      const v1 = values[4 * point + 1];
      const v2 = values[4 * point + 2];
      const v3 = values[4 * point + 3];
      const d0 = slopes[4 * point];
      const d1 = slopes[4 * point + 1];
      const d2 = slopes[4 * point + 2];
      const d3 = slopes[4 * point + 3];
      let w = (p * (intervals + 3) + cells[point]) * outputs;
      let sum = 0;
      for (let q = 0; q < outputs; q++, w++) {
        const g = yGradient[b * outputs + q];
        gradient[w] += g * v0;
        gradient[w + outputs] += g * v1;
        gradient[w + 2 * outputs] += g * v2;
        gradient[w + 3 * outputs] += g * v3;
        if (xGradient) {
          sum +=
            g *
            (d0 * weights[w] +
              d1 * weights[w + outputs] +
              d2 * weights[w + 2 * outputs] +
              d3 * weights[w + 3 * outputs]);
        }
      }
      if (xGradient) xGradient[point] = sum;
    }
  }
}

function meanSquaredError(y: Float64Array, targets: Float64Array, yGradient: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < y.length; i++) {
    const error = y[i] - targets[i];
    sum += error * error;
    yGradient[i] = (2 * error) / y.length;
  }
  return sum / y.length;
}

function adamStep({ weights, gradient, firstMoment, secondMoment }: LayerState, rate: number, step: number) {
  const firstCorrection = 1 - BETA1 ** step;
  const secondCorrection = 1 - BETA2 ** step;
  for (let i = 0; i < weights.length; i++) {
    const g = gradient[i];
    firstMoment[i] = BETA1 * firstMoment[i] + (1 - BETA1) * g;
    secondMoment[i] = BETA2 * secondMoment[i] + (1 - BETA2) * g * g;
    weights[i] -=
      ((rate / firstCorrection) * firstMoment[i]) / (Math.sqrt(secondMoment[i] / secondCorrection) + EPSILON);
  }
}
