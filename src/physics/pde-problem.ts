import type { Matrix } from '../arrays.ts';
import type { Backend, Dispatch } from '../backend/backend.ts';
import { dispatch } from '../backend/dispatch.ts';
import { NestkanError } from '../errors.ts';
import { attentionUpdate } from '../kernels/weighted-squares.ts';
import { isGridLayer } from '../models/layer.ts';
import type { Network } from '../models/network.ts';
import { type FusedTerm, fusedGradient } from '../multilevel/fused-gradient.ts';
import type { Monitor, Problem } from '../multilevel/problem.ts';
import { constantTensor, residualBlock } from '../optimizers/least-squares.ts';
import type { LeastSquares, Objective, ResidualBlock } from '../optimizers/objective.ts';
import { add } from '../tape/ops/add.ts';
import { Tape } from '../tape/tape.ts';
import type { Tensor } from '../tape/tensor.ts';
import { checkFinite, LARGEST_FLOAT32, named } from './checks.ts';
import { Collocation, type CollocationOptions } from './collocation.ts';
import { applyToJets } from './network-jets.ts';
import type { Pde } from './pde.ts';
import { evaluateFormulas, type FeatureScaling, featureScaling, inputJets } from './points.ts';
import { residualHead } from './residual-head.ts';
import { residual, weightedSquaresLoss } from './residual-op.ts';
import { type TracedTerm, traceTerm } from './trace.ts';

export type PdeProblemOptions = CollocationOptions;

/** A term on its points, recorded. */
interface BoundTerm {
  readonly traced: TracedTerm;
  readonly points: Matrix;
  readonly residual: Tensor;
  /** Attention weights [batch]. */
  readonly weights: Tensor;
  /** Of the mean, and of the weight. */
  readonly factor: number;
  /** Inputs of the network, and values given beside them. */
  readonly jets: Tensor;
  readonly given: Tensor;
  readonly loss: Tensor;
}

/** The name under which a model keeps a problem's trainable scalars. */
export const SCALARS = 'scalars';

/** A differential equation as something to be minimised: Σ over terms of weight · mean |residual|². */
export class PdeProblem implements Problem {
  readonly pde: Pde;
  readonly terms: readonly TracedTerm[];
  readonly scaling: FeatureScaling;
  readonly #collocation: Collocation;

  /** Traces every residual once. Throws what tracing and sampling throw. */
  constructor(pde: Pde, options: PdeProblemOptions = {}) {
    this.pde = pde;
    this.terms = Object.entries(pde.terms).map(([name, term]) => traceTerm(pde, name, term));
    this.scaling = featureScaling(pde);
    this.#collocation = new Collocation(pde.box, options);
  }

  /** Chooses the points of `model` by its residuals, where `resample` asks for that. */
  adapt(model: Network): Promise<void> {
    return this.#collocation.choose(model, this.terms, (term, points) => this.residualAt(model, term, points));
  }

  bind(model: Network): Objective {
    const { backend, parameters } = model;
    const tape = new Tape(backend);
    const terms = this.#record(tape, model);
    const loss = total(tape, terms);
    const forward = [...tape.dispatches];
    parameters.watch(tape);
    tape.backward(loss);
    const attentive = terms.filter(({ traced }) => (traced.term.attention ?? 0) > 0);
    const perStep = attentive.map(({ traced, residual: { buffer, shape }, weights }): Dispatch => {
      const constants = { batch: shape[1], residuals: shape[0], rate: traced.term.attention! };
      return dispatch(attentionUpdate, { residual: buffer, weights: weights.buffer }, constants);
    });
    let leastSquares: LeastSquares | undefined;
    return {
      backend,
      variables: parameters,
      loss: loss.buffer,
      evaluate: tape.dispatches,
      fuse: async () => fusedGradient(model, terms.map(fusedTerm)),
      perStep,
      stepState: attentive.map(({ weights }) => weights.buffer),
      leastSquares: () =>
        (leastSquares ??= { evaluate: forward, loss: loss.buffer, blocks: residualBlocks(tape, model, terms) }),
      diagnose: () => this.#diagnose(backend, forward, terms),
      dispose: () => tape.dispose(),
    };
  }

  /** The loss with all attention weights at one, or that of one term alone, not weighted. */
  monitor(model: Network, term?: string): Monitor {
    return this.#monitor(model, { only: term });
  }

  /** The loss at points that training does not see. */
  get heldOut(): Pick<Problem, 'monitor'> {
    return { monitor: (model) => this.#monitor(model, { heldOut: true }) };
  }

  #monitor(model: Network, which: { only?: string; heldOut?: boolean }): Monitor {
    const tape = new Tape(model.backend);
    const terms = this.#record(tape, model, which);
    return { loss: total(tape, terms).buffer, evaluate: tape.dispatches, dispose: () => tape.dispose() };
  }

  /**
   * The residual of a term wherever one likes.
   *
   * @param sides points [points, coordinates], once per side of the term
   * @returns [equations, points]
   * @throws NestkanError INVALID_ARGUMENT for other points than its own where a term has values given there alone
   */
  async residualAt(model: Network, { name }: Pick<TracedTerm, 'name'>, ...sides: Matrix[]): Promise<Matrix> {
    const traced = this.terms.find((term) => term.name === name);
    if (traced === undefined || traced.traces !== sides.length) {
      throw new NestkanError('INVALID_ARGUMENT', `there is no term ${name} of ${sides.length} sides`, {
        fix: `Name one of: ${this.terms.map((term) => term.name).join(', ')}, with points for each of its sides.`,
      });
    }
    const tape = new Tape(model.backend);
    try {
      const { shape, buffer } = this.#recordResidual(tape, model, traced, sides).residual;
      model.backend.run(await tape.record('residual'));
      const [data] = await model.backend.read([buffer]);
      return { rows: shape[0], columns: shape[1], data };
    } finally {
      tape.dispose();
    }
  }

  #record(tape: Tape, model: Network, { only, heldOut }: { only?: string; heldOut?: boolean } = {}): BoundTerm[] {
    return this.terms
      .map((traced, index) => ({ traced, index }))
      .filter(({ traced }) => only === undefined || traced.name === only)
      .map(({ traced, index }) => {
        const sides = heldOut ? this.#collocation.heldOut(traced, index) : this.points(traced, index, model);
        const batch = sides[0].rows;
        const { residual, ...inputs } = this.#recordResidual(tape, model, traced, sides);
        const weights = tape.input([batch], new Float64Array(batch).fill(1));
        const factor = (only === undefined ? (traced.term.weight ?? 1) : 1) / batch;
        const loss = tape.apply(weightedSquaresLoss, [residual, weights], { factor });
        return { traced, points: sides[0], residual, ...inputs, weights, factor, loss };
      });
  }

  #recordResidual(tape: Tape, model: Network, traced: TracedTerm, sides: readonly Matrix[]) {
    this.#checkModel(model, traced);
    const { pde, scaling } = this;
    const { name, traces, directions, order, kernels, fields } = traced;
    const [points] = sides;
    if (traced.isTabulated) this.#collocation.checkKept(traced, this.terms.indexOf(traced), sides);
    const seen = inputJets(pde, traced, sides, scaling);
    const details = { fix: 'Check the functions given there.', where: { term: name } };
    const values = named(`the term ${name}`, details, () =>
      evaluateFormulas(pde, fields.expressions, sides, fields.given),
    );
    const largest = model.backend.precision === 'float32' ? LARGEST_FLOAT32 : undefined;
    checkFinite(`a given value of the term ${name}`, values, { box: pde.box, points, term: name, largest });
    const jets = tape.input([1 + order * directions.length, traces * points.rows, model.inputs], seen);
    const outputs = applyToJets(tape, model, jets, { directions: directions.length, order });
    const given = tape.input([Math.max(1, values.length)], values.length > 0 ? values : [0]);
    return { jets, given, residual: tape.apply(residual, [outputs, given, this.#scalars(tape, model)], kernels) };
  }

  /** The points of a term on the level of `model`, one matrix per side. */
  points(traced: TracedTerm, index: number, model?: Network): readonly Matrix[] {
    return this.#collocation.of(traced, index, model);
  }

  /** The first term whose residual is not finite, and where, at the present parameters. */
  async #diagnose(backend: Backend, forward: readonly Dispatch[], terms: readonly BoundTerm[]) {
    backend.run(await backend.record(forward, 'diagnosis'));
    for (const { traced, points, residual } of terms) {
      const [values] = await backend.read([residual.buffer]);
      const index = values.findIndex((value) => !Number.isFinite(value));
      if (index < 0) continue;
      const { rows, columns, data } = points;
      const start = (index % rows) * columns;
      return { term: traced.name, residual: values[index], point: [...data.subarray(start, start + columns)] };
    }
    return {};
  }

  #scalars(tape: Tape, model: Network): Tensor {
    const names = Object.keys(this.pde.scalars);
    return names.length === 0 ? tape.input([1]) : model.parameters.get(SCALARS);
  }

  #checkModel(model: Network, { name, order }: TracedTerm): void {
    const { scale } = this.scaling;
    const tooLow = model.layers.find((layer) => isGridLayer(layer) && layer.grid.degree < order);
    if (tooLow !== undefined) {
      throw new NestkanError(
        'DEGREE_OUT_OF_RANGE',
        `the term ${name} takes second derivatives, which splines of degree 1 do not have`,
        { fix: 'Use degree 3 or higher.', where: { term: name } },
      );
    }
    if (model.inputs === scale.length && model.outputs === this.pde.unknowns.length) return;
    throw new NestkanError(
      'KAN_INPUT_WIDTH',
      `the problem has ${scale.length} features and ${this.pde.unknowns.length} unknowns, the model takes ${model.inputs} and gives ${model.outputs}`,
      { fix: `Create the model with widths [${scale.length}, …, ${this.pde.unknowns.length}].` },
    );
  }
}

/** The same term for a network in one kernel. */
function fusedTerm({ traced, residual: { shape, buffer }, weights, factor, jets, given }: BoundTerm): FusedTerm {
  const { directions, order, traces, kernels } = traced;
  return {
    points: { directions: directions.length, order, traces },
    head: residualHead(kernels),
    batch: shape[1],
    buffers: { x: jets.buffer, fields: given.buffer, weights: weights.buffer, residual: buffer },
    constants: { factor },
  };
}

function total(tape: Tape, terms: readonly BoundTerm[]): Tensor {
  const losses = terms.map(({ loss }) => loss);
  return losses.length === 1 ? losses[0] : tape.apply(add, losses, undefined);
}

/** A block per equation of every term. */
function residualBlocks(tape: Tape, { parameters }: Network, terms: readonly BoundTerm[]): ResidualBlock[] {
  return terms.flatMap(({ traced: { traces }, residual, weights, factor }) => {
    const [equations, samples] = residual.shape;
    return Array.from({ length: equations }, (_, equation) => {
      const seed = constantTensor(tape, residual.shape, (index) => (Math.floor(index / samples) === equation ? 1 : 0));
      const place = { offset: equation * samples, pointStride: 1, residual: residual.buffer };
      const jacobian = tape.jacobian(residual, seed, parameters.entries);
      return residualBlock(jacobian, { samples, traces, weights: weights.buffer, factor, ...place });
    });
  });
}
