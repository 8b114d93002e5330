import { type Matrix, type Rows, toMatrix } from '../arrays.ts';
import type { DeviceBuffer, Dispatch } from '../backend/backend.ts';
import { dispatch } from '../backend/dispatch.ts';
import { NestkanError } from '../errors.ts';
import { gatherRows } from '../kernels/gather.ts';
import { DIFFERENCE_SLOTS, differenceJacobianRows } from '../kernels/jacobian-rows.ts';
import { nonfiniteCount } from '../kernels/monitors.ts';
import { difference } from '../kernels/vectors.ts';
import { isGridLayer, type Layer, weightsName } from '../models/layer.ts';
import type { Network } from '../models/network.ts';
import { constantTensor, residualBlock } from '../optimizers/least-squares.ts';
import type { LeastSquares, MiniBatches, Objective, ResidualBlock } from '../optimizers/objective.ts';
import { createRandom } from '../random.ts';
import { add } from '../tape/ops/add.ts';
import { differencePenalty } from '../tape/ops/difference-penalty.ts';
import { meanSquaredError } from '../tape/ops/mean-squared-error.ts';
import { edgesOfOne } from '../tape/ops/parameter-rows.ts';
import type { Parameter } from '../tape/parameters.ts';
import { Tape } from '../tape/tape.ts';
import type { Tensor } from '../tape/tensor.ts';
import type { Monitor, Problem } from './problem.ts';

export interface RegressionOptions {
  /** [rows, inputs], in the model's coordinates. */
  readonly inputs: Rows;
  /** [rows, outputs]. */
  readonly targets: Rows;
  /**
   * Weight of the P-spline penalty of spline layers: mean over edges of ∫ φ''² in units of the domain's half-width.
   * Default 0.
   */
  readonly roughness?: number;
  /** Rows per step; the full batch by default. Only Adam takes mini-batches. Rows left over sit out an epoch. */
  readonly batchSize?: number;
  /** Seed of the order of mini-batches. Default 0. */
  readonly seed?: number;
}

/**
 * Least-squares regression: mean squared error over all rows and outputs, plus an optional roughness penalty.
 *
 * ```ts
 * const problem = regression({ inputs: [[-1], [0], [1]], targets: [[1], [0], [1]] });
 * const { model } = await trainMultilevel(Kan.create(backend, { widths: [1, 1] }), problem, { levels: 2 });
 * ```
 *
 * @throws NestkanError DATA_EMPTY, SHAPE_MISMATCH, NON_FINITE_INPUT or INVALID_ARGUMENT
 */
export function regression(options: RegressionOptions): Problem {
  const inputs = toMatrix(options.inputs, 'inputs');
  const targets = toMatrix(options.targets, 'targets');
  const { roughness = 0, batchSize = inputs.rows, seed = 0 } = options;
  if (inputs.rows !== targets.rows) {
    throw new NestkanError('SHAPE_MISMATCH', `there are ${inputs.rows} rows of inputs and ${targets.rows} of targets`, {
      fix: 'Give one row of targets per row of inputs.',
    });
  }
  if (!(roughness >= 0 && roughness < Number.POSITIVE_INFINITY)) {
    throw new NestkanError('INVALID_ARGUMENT', `the roughness weight is ${roughness}`, { fix: 'Use a number from 0.' });
  }
  if (!Number.isInteger(batchSize) || batchSize < 1 || batchSize > inputs.rows) {
    throw new NestkanError('INVALID_ARGUMENT', `the batch size is ${batchSize}, there are ${inputs.rows} rows`, {
      fix: `Use a whole number from 1 to ${inputs.rows}.`,
    });
  }
  createRandom(seed);
  const full = batchSize === inputs.rows;
  return {
    bind(model) {
      checkWidth(model, inputs, targets);
      if (full) return fullBatch(model, inputs, targets, roughness);
      return miniBatch(model, inputs, targets, { roughness, batchSize, seed });
    },
    monitor(model) {
      checkWidth(model, inputs, targets);
      return monitor(model, inputs, targets);
    },
  };
}

function checkWidth(model: Network, inputs: Matrix, targets: Matrix): void {
  if (model.inputs === inputs.columns && model.outputs === targets.columns) return;
  throw new NestkanError(
    'KAN_INPUT_WIDTH',
    `data has ${inputs.columns} input and ${targets.columns} target columns, the model takes ${model.inputs} and gives ${model.outputs}`,
    { fix: `Create the model with widths [${inputs.columns}, …, ${targets.columns}].` },
  );
}

function upload(tape: Tape, { rows, columns, data }: Matrix): Tensor {
  return tape.input([rows, columns], data);
}

function monitor(model: Network, inputs: Matrix, targets: Matrix): Monitor {
  const tape = new Tape(model.backend);
  const prediction = model.apply(tape, upload(tape, inputs));
  const loss = tape.apply(meanSquaredError, [prediction, upload(tape, targets)], undefined);
  return { loss: loss.buffer, evaluate: tape.dispatches, dispose: () => tape.dispose() };
}

function fullBatch(model: Network, inputs: Matrix, targets: Matrix, roughness: number): Objective {
  const tape = new Tape(model.backend);
  return objectiveOn(tape, model, upload(tape, inputs), upload(tape, targets), roughness);
}

function miniBatch(
  model: Network,
  inputs: Matrix,
  targets: Matrix,
  { roughness, batchSize, seed }: { roughness: number; batchSize: number; seed: number },
): Objective {
  const { backend } = model;
  const tape = new Tape(backend);
  const counter = backend.allocate(1, { type: 'uint', label: 'step counter' });
  const order = backend.allocate(inputs.rows, { type: 'uint', label: 'row order' });
  const stepsPerEpoch = Math.floor(inputs.rows / batchSize);
  const gather = (source: Matrix): Tensor => {
    const all = upload(tape, source);
    const batch = tape.input([batchSize, source.columns]);
    const constants = { rows: stepsPerEpoch * batchSize, columns: source.columns, batch: batchSize };
    tape.dispatches.push(dispatch(gatherRows, { source: all.buffer, order, counter, target: batch.buffer }, constants));
    return batch;
  };
  const epochs = createRandom(seed);
  const epochSeeds: number[] = [];
  const miniBatches: MiniBatches = {
    stepsPerEpoch,
    counter,
    shuffle(epoch) {
      while (epochSeeds.length <= epoch) epochSeeds.push(epochs.integer(2 ** 32));
      const rows = Uint32Array.from({ length: inputs.rows }, (_, row) => row);
      backend.write(order, createRandom(epochSeeds[epoch]).shuffle(rows));
    },
  };
  const objective = objectiveOn(tape, model, gather(inputs), gather(targets), roughness);
  return {
    ...objective,
    miniBatches,
    epochFraction: batchSize / inputs.rows,
    dispose() {
      objective.dispose();
      backend.release(counter);
      backend.release(order);
    },
  };
}

function objectiveOn(tape: Tape, model: Network, x: Tensor, target: Tensor, roughness: number): Objective {
  const { backend, parameters } = model;
  const gather = [...tape.dispatches];
  const layerInputs: Tensor[] = [];
  const prediction = model.apply(tape, x, (input) => layerInputs.push(input));
  const layerOutputs = [...layerInputs.slice(1), prediction];
  const error = tape.apply(meanSquaredError, [prediction, target], undefined);
  const rough = roughness > 0 ? roughnessPenalties(model, roughness) : [];
  const penalties = rough.map(({ weights, factor }) => tape.apply(differencePenalty, [weights], { factor }));
  const loss = penalties.length > 0 ? tape.apply(add, [error, ...penalties], undefined) : error;
  const forward = [...tape.dispatches];
  const residual = tape.input(prediction.shape).buffer;
  const count = residual.length;
  const differences = [dispatch(difference, { a: prediction.buffer, b: target.buffer, result: residual }, { count })];
  let recorded: LeastSquares | undefined;
  const leastSquares = (): LeastSquares =>
    (recorded ??= {
      evaluate: [...forward, ...differences],
      loss: loss.buffer,
      blocks: [
        ...residualBlocks(tape, model, prediction, residual),
        ...rough.filter(({ weights }) => weights.shape[1] > 2).map((penalty) => penaltyBlock(tape, penalty)),
      ],
    });
  parameters.watch(tape);
  tape.backward(loss);
  return {
    backend,
    variables: parameters,
    loss: loss.buffer,
    evaluate: tape.dispatches,
    fuse: rough.length > 0 ? undefined : () => fuse(model, x, target, gather),
    leastSquares,
    diagnose: () => firstNonfiniteLayer(model, forward, layerOutputs),
    dispose: () => tape.dispose(),
  };
}

/** `gather` fills x and target anew for every evaluation. */
async function fuse(model: Network, x: Tensor, target: Tensor, gather: readonly Dispatch[]) {
  const { fusedGradient, squaredErrorHead } = await import('./fused-gradient.ts');
  const term = {
    points: { directions: 0, order: 0, traces: 1 } as const,
    head: squaredErrorHead(model.outputs),
    batch: x.shape[0],
    buffers: { x: x.buffer, targets: target.buffer },
    constants: { targetModels: 1 },
  };
  return fusedGradient(model, [term], gather);
}

/** A block per output. */
function residualBlocks(tape: Tape, { parameters }: Network, prediction: Tensor, residual: DeviceBuffer) {
  const [samples, outputs] = prediction.shape;
  const weights = constantTensor(tape, [samples], () => 1).buffer;
  return Array.from({ length: outputs }, (_, output) => {
    const seed = constantTensor(tape, prediction.shape, (index) => (index % outputs === output ? 1 : 0));
    const place = { offset: output, pointStride: outputs, residual };
    const factor = 1 / (samples * outputs);
    return residualBlock(tape.jacobian(prediction, seed, parameters.entries), {
      samples,
      traces: 1,
      weights,
      factor,
      ...place,
    });
  });
}

/**
 * One penalty per grid layer. Second differences over h⁴ approximate φ''², h of them an integral: h⁻³ keeps the weight's
 * meaning from level to level. Lengths are measured in half-widths of the layer's domain.
 */
function roughnessPenalties(model: Network, roughness: number): Penalty[] {
  if (!model.layers.some((layer) => layer.type === 'spline')) {
    throw new NestkanError(
      'INVALID_ARGUMENT',
      `roughness is measured on spline coefficients, a ${model.kind} has none`,
      {
        fix: 'Leave roughness out, or train a Kan.',
      },
    );
  }
  return model.layers.flatMap((layer, index) => {
    if (layer.type !== 'spline') return [];
    const h = 2 / layer.grid.intervals;
    const factor = roughness / (layer.inputs * layer.outputs * h ** 3);
    return [{ weights: model.parameters.get(weightsName(index)), factor }];
  });
}

interface Penalty {
  readonly weights: Parameter;
  readonly factor: number;
}

function penaltyBlock(tape: Tape, { weights: { buffer, shape, offset }, factor }: Penalty): ResidualBlock {
  const [inputs, coefficients, outputs] = shape;
  const samples = inputs * (coefficients - 2) * outputs;
  const place = { samples, traces: 1, slots: DIFFERENCE_SLOTS };
  return {
    ...place,
    factor,
    weights: constantTensor(tape, [samples], () => 1).buffer,
    edges: [{ ...edgesOfOne(DIFFERENCE_SLOTS - 1), slot: 0, column: offset }],
    sweep: [],
    rows: ({ values, columns, counter, chunk, residualColumn }) => [
      dispatch(
        differenceJacobianRows,
        { coefficients: buffer, counter, values, columns },
        { ...place, chunk, slot: 0, column: offset, coefficients, outputs, residualColumn },
      ),
    ],
  };
}

async function firstNonfiniteLayer(
  model: Network,
  forward: readonly Dispatch[],
  outputs: readonly Tensor[],
): Promise<Record<string, unknown>> {
  const { backend } = model;
  const slots = outputs.length;
  const counts: DeviceBuffer = backend.allocate(slots, { type: 'uint' });
  try {
    const checks = outputs.map(({ buffer }, slot) =>
      dispatch(nonfiniteCount, { values: buffer, counts }, { count: buffer.length, slot, slots }),
    );
    backend.run(await backend.record([...forward, ...checks], 'diagnosis'));
    const [found] = await backend.read([counts]);
    const layer = found.findIndex((count) => count > 0);
    return layer < 0 ? {} : { layer: layer + 1, layerType: describe(model.layers[layer]) };
  } finally {
    backend.release(counts);
  }
}

function describe(layer: Layer): string {
  return isGridLayer(layer) ? `${layer.type}, ${layer.grid.intervals} intervals` : layer.type;
}
