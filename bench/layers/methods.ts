/** Ways to evaluate a stack of spline layers and its gradients, each as a list of dispatches on the same data. */

import { bandedMultiply, bandedTransposeMultiply } from '../../src/kernels/banded.ts';
import {
  powerReluForward,
  powerReluInputGradient,
  powerReluWeightGradient,
} from '../../src/kernels/power-relu-layer.ts';
import {
  type Backend,
  createRandom,
  type DeviceBuffer,
  type Dispatch,
  dispatch,
  type ElementType,
  type SplineGrid,
} from '../../src/node.ts';
import { uniformKnots } from '../../src/splines/knots.ts';
import type { ForwardContext, Recorder } from '../../src/tape/op.ts';
import { splineLayer } from '../../src/tape/ops/spline-layer.ts';
import { basisInputGradient, coxDeBoor, matrixProduct, reluPowers } from './basis-kernels.ts';

export const METHODS = ['cox-de-boor', 'relu-matrix', 'relu-fused', 'local-window'] as const;
export type Method = (typeof METHODS)[number];

export const METHOD_NAMES: Readonly<Record<Method, string>> = {
  'cox-de-boor': 'Cox–de Boor, basis matrix',
  'relu-matrix': 'ReLU powers, basis matrix, band',
  'relu-fused': 'ReLU powers, fused layer, band',
  'local-window': 'local window',
};

export interface LayerSize {
  readonly batch: number;
  readonly width: number;
  readonly grid: SplineGrid;
}

/** One layer's data on a backend, and where its results go. */
export class LayerData {
  readonly size: LayerSize;
  readonly backend: Backend;
  readonly x: DeviceBuffer;
  readonly weights: DeviceBuffer;
  readonly outputGradient: DeviceBuffer;
  readonly y: DeviceBuffer;
  readonly inputGradient: DeviceBuffer;
  readonly weightGradient: DeviceBuffer;
  readonly #buffers: DeviceBuffer[] = [];

  constructor(backend: Backend, size: LayerSize, seed: number) {
    this.backend = backend;
    this.size = size;
    const { batch, width, grid } = size;
    const random = createRandom(seed);
    const [start, end] = grid.domain;
    const weights = width * (grid.intervals + grid.degree) * width;
    // Numbers that float32 holds, so that every backend starts from the same ones.
    const points = () => Math.fround(start + (end - start) * (0.001 + 0.998 * random.uniform()));
    this.x = this.filled(batch * width, points);
    this.weights = this.filled(weights, () => Math.fround(random.normal()));
    this.outputGradient = this.filled(batch * width, () => Math.fround(random.normal()));
    this.y = this.allocate(batch * width);
    this.inputGradient = this.allocate(batch * width);
    this.weightGradient = this.allocate(weights);
  }

  allocate(length: number, type?: ElementType): DeviceBuffer {
    const buffer = this.backend.allocate(length, { type });
    this.#buffers.push(buffer);
    return buffer;
  }

  filled(length: number, value: (index: number) => number): DeviceBuffer {
    const buffer = this.allocate(length);
    this.backend.write(
      buffer,
      Float64Array.from({ length }, (_, index) => value(index)),
    );
    return buffer;
  }

  dispose(): void {
    for (const buffer of this.#buffers) this.backend.release(buffer);
  }
}

/** Value, gradient to inputs and gradient to spline coefficients. */
export function layerDispatches(method: Method, layer: LayerData): Dispatch[] {
  switch (method) {
    case 'cox-de-boor':
      return basisMatrix(layer, coxDeBoor, layer.weights, layer.weightGradient);
    case 'relu-matrix':
      return withBand(layer, (weights, gradient) => basisMatrix(layer, reluPowers, weights, gradient));
    case 'relu-fused':
      return withBand(layer, (weights, gradient) => fusedRelu(layer, weights, gradient));
    case 'local-window':
      return localWindow(layer, (length, type) => layer.allocate(length, type));
  }
}

function layerConstants({ batch, width, grid }: LayerSize) {
  const { intervals, degree, domain } = grid;
  return { batch, inputs: width, outputs: width, intervals, degree, domainStart: domain[0], domainEnd: domain[1] };
}

function localWindow({ size: { batch, width, grid }, ...layer }: LayerData, scratch: Recorder['scratch']): Dispatch[] {
  const coefficients = grid.intervals + grid.degree;
  const ofSamples = (buffer: DeviceBuffer) => ({ buffer, shape: [batch, width] });
  const ofWeights = (buffer: DeviceBuffer) => ({ buffer, shape: [width, coefficients, width] });
  const dispatches: Dispatch[] = [];
  const forward: ForwardContext<SplineGrid> = {
    inputs: [ofSamples(layer.x), ofWeights(layer.weights)],
    output: ofSamples(layer.y),
    options: grid,
    run: (kernel, buffers, constants) => dispatches.push({ kernel, buffers, constants }),
    scratch,
  };
  splineLayer.forward(forward);
  splineLayer.backward({
    ...forward,
    outputGradient: ofSamples(layer.outputGradient),
    inputGradients: [ofSamples(layer.inputGradient), ofWeights(layer.weightGradient)],
  });
  return dispatches;
}

type OnWeights = (weights: DeviceBuffer, gradient: DeviceBuffer) => Dispatch[];

/** ReLU coefficients w = Aᵀu before, spline gradients ∇u = A ∇w after. */
function withBand(layer: LayerData, evaluate: OnWeights): Dispatch[] {
  const { batch: _, ...constants } = layerConstants(layer.size);
  const weights = layer.allocate(layer.weights.length);
  const gradient = layer.allocate(layer.weights.length);
  return [
    dispatch(bandedTransposeMultiply, { input: layer.weights, output: weights }, constants),
    ...evaluate(weights, gradient),
    dispatch(bandedMultiply, { input: gradient, output: layer.weightGradient }, constants),
  ];
}

function fusedRelu(layer: LayerData, weights: DeviceBuffer, weightGradient: DeviceBuffer): Dispatch[] {
  const { x, y, outputGradient, inputGradient } = layer;
  const constants = layerConstants(layer.size);
  return [
    dispatch(powerReluForward, { x, weights, y }, constants),
    dispatch(powerReluInputGradient, { x, weights, outputGradient, inputGradient }, constants),
    dispatch(powerReluWeightGradient, { x, outputGradient, weightGradient }, constants),
  ];
}

function basisMatrix(
  layer: LayerData,
  basis: typeof coxDeBoor,
  weights: DeviceBuffer,
  weightGradient: DeviceBuffer,
): Dispatch[] {
  const { x, y, outputGradient, inputGradient } = layer;
  const { batch, width, grid } = layer.size;
  const coefficients = grid.intervals + grid.degree;
  const points = batch * width;
  const knotValues = uniformKnots(grid);
  const knots = layer.filled(knotValues.length, (index) => knotValues[index]);
  const [values, slopes, valueGradient] = [0, 1, 2].map(() => layer.allocate(points * coefficients));
  const { intervals, degree } = grid;
  const all = width * coefficients;
  return [
    dispatch(basis, { x, knots, values, slopes }, { points, intervals, degree }),
    dispatch(
      matrixProduct,
      { a: values, b: weights, c: y },
      { rows: batch, inner: all, columns: width, aRow: all, aColumn: 1, bRow: width, bColumn: 1 },
    ),
    dispatch(
      matrixProduct,
      { a: outputGradient, b: weights, c: valueGradient },
      { rows: batch, inner: width, columns: all, aRow: width, aColumn: 1, bRow: 1, bColumn: width },
    ),
    dispatch(basisInputGradient, { valueGradient, slopes, inputGradient }, { points, coefficients }),
    dispatch(
      matrixProduct,
      { a: values, b: outputGradient, c: weightGradient },
      { rows: all, inner: batch, columns: width, aRow: 1, aColumn: all, bRow: width, bColumn: 1 },
    ),
  ];
}

/** What a method with a basis matrix does besides matrix products: the basis, its slopes, the changes of basis. */
export function withoutProducts(dispatches: readonly Dispatch[]): Dispatch[] {
  return dispatches.filter(({ kernel }) => kernel.name !== matrixProduct.name);
}
