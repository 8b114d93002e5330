import type { Activation } from '../kernels/activations.ts';
import type { SplineGrid } from '../splines/grid.ts';
import type { Op } from '../tape/op.ts';
import { activation } from '../tape/ops/activation.ts';
import { affine } from '../tape/ops/affine.ts';
import type { Parameters } from '../tape/parameters.ts';
import type { Tape } from '../tape/tape.ts';
import type { Shape, Tensor } from '../tape/tensor.ts';

/** A layer as plain data: what a model file stores and a tape is recorded from. */
export type Layer = AffineLayer | GridLayer | ActivationLayer;

export interface AffineLayer {
  readonly type: 'affine';
  readonly inputs: number;
  readonly outputs: number;
  readonly bias: boolean;
}

/** A layer of one-dimensional functions on a uniform grid, in the B-spline or the power-ReLU basis. */
export interface GridLayer {
  readonly type: 'spline' | 'power-relu';
  readonly inputs: number;
  readonly outputs: number;
  readonly grid: SplineGrid;
}

export interface ActivationLayer {
  readonly type: 'activation';
  readonly activation: Activation;
}

export function isGridLayer(layer: Layer): layer is GridLayer {
  return layer.type === 'spline' || layer.type === 'power-relu';
}

export function weightsName(index: number): string {
  return `layer${index}.weights`;
}

export function biasName(index: number): string {
  return `layer${index}.bias`;
}

/** Shapes of the trainable tensors of a stack of layers and of so many scalars beside them, by name. */
export function parameterShapes(layers: readonly Layer[], scalars = 0): Record<string, Shape> {
  const shapes: Record<string, Shape> = {};
  layers.forEach((layer, index) => {
    if (layer.type === 'activation') return;
    const { inputs, outputs } = layer;
    if (isGridLayer(layer)) {
      shapes[weightsName(index)] = [inputs, layer.grid.intervals + layer.grid.degree, outputs];
      return;
    }
    shapes[weightsName(index)] = [inputs, outputs];
    if (layer.bias) shapes[biasName(index)] = [outputs];
  });
  if (scalars > 0) shapes['scalars'] = [scalars];
  return shapes;
}

interface LayerContext {
  readonly layer: Layer;
  readonly index: number;
  readonly parameters: Parameters;
  /** What a grid layer does. */
  readonly gridOp: Op<SplineGrid>;
}

/** Records layer `index` of a stack on `x` [batch, inputs]. */
export function applyLayer(tape: Tape, x: Tensor, { layer, index, parameters, gridOp }: LayerContext): Tensor {
  if (layer.type === 'activation') return tape.apply(activation, [x], layer.activation);
  const weights = parameters.get(weightsName(index));
  if (isGridLayer(layer)) return tape.apply(gridOp, [x, weights], layer.grid);
  return tape.apply(affine, layer.bias ? [x, weights, parameters.get(biasName(index))] : [x, weights], undefined);
}
