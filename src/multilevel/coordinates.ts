import type { DeviceBuffer, Dispatch } from '../backend/backend.ts';
import { dispatch } from '../backend/dispatch.ts';
import { NestkanError } from '../errors.ts';
import { bandedSolve, bandedTransposeMultiply, bandedTransposeSolve } from '../kernels/banded.ts';
import { copy } from '../kernels/vectors.ts';
import { isGridLayer, type Layer, weightsName } from '../models/layer.ts';
import type { Network } from '../models/network.ts';
import type { Objective } from '../optimizers/objective.ts';
import type { Parameter } from '../tape/parameters.ts';
import type { Problem } from './problem.ts';

export type Basis = 'spline' | 'power-relu';

/**
 * The basis in which an optimizer moves (`geometry`) and that of the gradient it is shown (`gradient`): the four
 * combinations of [ML] Table 1. Two equal bases are plain training of a KAN or of a multichannel MLP.
 */
export interface Coordinates {
  readonly geometry: Basis;
  readonly gradient: Basis;
}

/**
 * The same problem with spline coefficients u replaced by w = Aᵀu where `geometry` is power-relu, and ∇u by ∇w = A⁻¹∇u
 * where `gradient` is, to compare bases.
 *
 * ```ts
 * const problem = inCoordinates(regression(data), { geometry: 'power-relu', gradient: 'power-relu' });
 * ```
 *
 * Only spline layers change; the model keeps its spline coefficients, which follow w at every evaluation.
 * Source: docs/mathematics.md, "Training in either basis"; [ML] section 4.1 and Table 1.
 *
 * @throws NestkanError INVALID_ARGUMENT where there is no such basis; `bind` throws it for models without splines
 */
export function inCoordinates(problem: Problem, coordinates: Coordinates): Problem {
  checkCoordinates(coordinates);
  if (coordinates.geometry === 'spline' && coordinates.gradient === 'spline') return problem;
  return {
    ...(problem.adapt && { adapt: (model: Network) => problem.adapt!(model) }),
    bind(model) {
      checkSplines(model);
      return transformed(problem.bind(model), model, coordinates);
    },
    monitor: (model) => problem.monitor(model),
  };
}

function checkSplines(model: Network): void {
  if (!model.layers.some((layer) => layer.type === 'spline')) {
    throw new NestkanError('INVALID_ARGUMENT', `a ${model.kind} has no spline coefficients to change the basis of`, {
      fix: 'Train a Kan, or the problem in its own coordinates.',
    });
  }
}

function transformed(objective: Objective, model: Network, { geometry, gradient }: Coordinates): Objective {
  const { backend, variables } = objective;
  const values = geometry === 'spline' ? variables.values : backend.allocate(variables.length);
  const gradients = gradient === 'spline' ? variables.gradients : backend.allocate(variables.length);
  const owned = [values, gradients].filter((buffer) => buffer !== variables.values && buffer !== variables.gradients);
  const each = (kernel: Transform, from: (entry: Parameter) => DeviceBuffer, to: (entry: Parameter) => DeviceBuffer) =>
    model.parameters.entries.map((entry) => transform(model, entry, kernel, from(entry), to(entry)));
  const within = (vector: DeviceBuffer) => (entry: Parameter) => vector.view(entry.offset, entry.buffer.length);
  const ofModel = (entry: Parameter) => entry.buffer;
  const gradientOfModel = (entry: Parameter) => entry.gradient.buffer;
  const moved = geometry === 'power-relu';
  const leave = moved ? each(bandedTransposeSolve, within(values), ofModel) : [];
  return {
    ...objective,
    variables: { values, gradients, length: variables.length },
    consistentGradient: geometry === gradient,
    leastSquares: undefined,
    fuse: undefined,
    enter: moved ? each(bandedTransposeMultiply, ofModel, within(values)) : [],
    leave,
    evaluate: [
      ...leave,
      ...objective.evaluate,
      ...(gradient === 'power-relu' ? each(bandedSolve, gradientOfModel, within(gradients)) : []),
    ],
    dispose() {
      for (const buffer of owned) backend.release(buffer);
      objective.dispose();
    },
  };
}

/** @throws NestkanError INVALID_ARGUMENT */
function checkCoordinates({ geometry, gradient }: Coordinates): void {
  for (const basis of [geometry, gradient]) {
    if (basis === 'spline' || basis === 'power-relu') continue;
    throw new NestkanError('INVALID_ARGUMENT', `there is no basis ${basis}`, { fix: "Use 'spline' or 'power-relu'." });
  }
}

type Transform = typeof bandedSolve;

function transform(
  model: Network,
  entry: Parameter,
  kernel: Transform,
  input: DeviceBuffer,
  output: DeviceBuffer,
): Dispatch {
  const layer = model.layers.find(
    (candidate: Layer, index) => isGridLayer(candidate) && weightsName(index) === entry.name,
  );
  if (layer === undefined || !isGridLayer(layer) || layer.type !== 'spline') {
    return dispatch(copy, { source: input, target: output }, { count: input.length });
  }
  const { degree, intervals, domain } = layer.grid;
  const { inputs, outputs } = layer;
  const constants = { inputs, outputs, intervals, degree, domainStart: domain[0], domainEnd: domain[1] };
  return dispatch(kernel, { input, output }, constants);
}
