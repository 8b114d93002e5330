import type { Matrix } from '../arrays.ts';
import type { Dispatch } from '../backend/backend.ts';
import { dispatch } from '../backend/dispatch.ts';
import { isNestkanError, NestkanError } from '../errors.ts';
import { attentionUpdate } from '../kernels/weighted-squares.ts';
import { isGridLayer } from '../models/layer.ts';
import type { Network } from '../models/network.ts';
import { type Coordinates, inCoordinates } from '../multilevel/coordinates.ts';
import type { Monitor, Problem } from '../multilevel/problem.ts';
import type { Objective } from '../optimizers/objective.ts';
import { createRandom } from '../random.ts';
import { add } from '../tape/ops/add.ts';
import { Tape } from '../tape/tape.ts';
import type { Tensor } from '../tape/tensor.ts';
import { checkFinite, checkPoints } from './checks.ts';
import { applyToJets } from './network-jets.ts';
import type { Pde } from './pde.ts';
import { evaluateFormulas, type FeatureScaling, featureScaling, inputJets } from './points.ts';
import { residual, weightedSquaresLoss } from './residual-op.ts';
import type { Sampler } from './sampling.ts';
import { type TracedTerm, traceTerm } from './trace.ts';

export interface PdeProblemOptions {
  /** Of the points. Default 0. */
  readonly seed?: number;
  /** Draws new points on every level. Default false: the same seed on all. */
  readonly resample?: boolean;
  readonly coordinates?: Coordinates;
}

/** A term on its points, recorded. */
interface BoundTerm {
  readonly traced: TracedTerm;
  readonly residual: Tensor;
  /** Attention weights [batch]. */
  readonly weights: Tensor;
  readonly loss: Tensor;
}

/** The name under which a model keeps a problem's trainable scalars. */
export const SCALARS = 'scalars';

/** A differential equation as something to be minimised: Σ over terms of weight · mean |residual|². */
export class PdeProblem implements Problem {
  readonly pde: Pde;
  readonly terms: readonly TracedTerm[];
  readonly scaling: FeatureScaling;
  readonly #options: PdeProblemOptions;

  /** Traces every residual once. Throws what tracing and sampling throw. */
  constructor(pde: Pde, options: PdeProblemOptions = {}) {
    this.pde = pde;
    this.terms = Object.entries(pde.terms).map(([name, term]) => traceTerm(pde, name, term));
    this.scaling = featureScaling(pde);
    this.#options = options;
  }

  bind(model: Network): Objective {
    const { backend, parameters } = model;
    const tape = new Tape(backend);
    const terms = this.#record(tape, model);
    const loss = total(tape, terms);
    parameters.watch(tape);
    tape.backward(loss);
    const attentive = terms.filter(({ traced }) => (traced.term.attention ?? 0) > 0);
    const perStep = attentive.map(({ traced, residual: { buffer, shape }, weights }): Dispatch => {
      const constants = { batch: shape[1], residuals: shape[0], rate: traced.term.attention! };
      return dispatch(attentionUpdate, { residual: buffer, weights: weights.buffer }, constants);
    });
    const objective: Objective = {
      backend,
      variables: parameters,
      loss: loss.buffer,
      evaluate: tape.dispatches,
      perStep,
      stepState: attentive.map(({ weights }) => weights.buffer),
      dispose: () => tape.dispose(),
    };
    const { coordinates } = this.#options;
    return coordinates ? inCoordinates(objective, model, coordinates) : objective;
  }

  /** The loss with all attention weights at one, or that of one term alone, not weighted. */
  monitor(model: Network, term?: string): Monitor {
    const tape = new Tape(model.backend);
    const terms = this.#record(tape, model, term);
    return { loss: total(tape, terms).buffer, evaluate: tape.dispatches, dispose: () => tape.dispose() };
  }

  /**
   * The residual of a term wherever one likes.
   *
   * @param sides points [points, coordinates], once per side of the term
   * @returns [equations, points]
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
      const { shape, buffer } = this.#recordResidual(tape, model, traced, sides);
      model.backend.run(await tape.record('residual'));
      const [data] = await model.backend.read([buffer]);
      return { rows: shape[0], columns: shape[1], data };
    } finally {
      tape.dispose();
    }
  }

  #record(tape: Tape, model: Network, only?: string): BoundTerm[] {
    return this.terms
      .map((traced, index) => ({ traced, index }))
      .filter(({ traced }) => only === undefined || traced.name === only)
      .map(({ traced, index }) => {
        const sides = this.points(traced, index, model);
        const batch = sides[0].rows;
        const result = this.#recordResidual(tape, model, traced, sides);
        const weights = upload(tape, [batch], new Float64Array(batch).fill(1));
        const factor = (only === undefined ? (traced.term.weight ?? 1) : 1) / batch;
        const loss = tape.apply(weightedSquaresLoss, [result, weights], { factor });
        return { traced, residual: result, weights, loss };
      });
  }

  #recordResidual(tape: Tape, model: Network, traced: TracedTerm, sides: readonly Matrix[]): Tensor {
    this.#checkModel(model, traced);
    const { pde, scaling } = this;
    const { name, traces, directions, order, kernels, fields } = traced;
    const [points] = sides;
    const seen = inputJets(pde, traced, sides, scaling);
    const values = evaluateFormulas(pde, fields.expressions, sides, fields.given);
    checkFinite(`a given value of the term ${name}`, values, pde.box, points);
    const input = upload(tape, [1 + order * directions.length, traces * points.rows, model.inputs], seen);
    const jets = applyToJets(tape, model, input, { directions: directions.length, order });
    const given = upload(tape, [Math.max(1, values.length)], values.length > 0 ? values : [0]);
    return tape.apply(residual, [jets, given, this.#scalars(tape, model)], kernels);
  }

  /** The points of a term on the level of `model`, one matrix per side. */
  points({ name, term }: TracedTerm, index: number, model?: Network): Matrix[] {
    const { seed = 0, resample = false } = this.#options;
    const level = resample && model ? (model.intervals[0] ?? 0) : 0;
    const samplers = (Array.isArray(term.on) ? term.on : [term.on]) as readonly Sampler[];
    const { box } = this.pde;
    const sides = samplers.map((sampler) =>
      ofTerm(name, () => {
        const side = sampler({ box, random: createRandom(TERM_SEEDS * (LEVEL_SEEDS * seed + level) + index) });
        checkPoints(box, side);
        return side;
      }),
    );
    if (sides.every(({ rows }) => rows === sides[0].rows)) return sides;
    throw new NestkanError(
      'SHAPE_MISMATCH',
      `the term ${name} has ${sides.map(({ rows }) => rows).join(' and ')} points`,
      {
        fix: 'Give both sides of an interface as many points.',
        where: { term: name },
      },
    );
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

/** Distances between the seeds of terms and of levels: more than there are of either. */
const TERM_SEEDS = 1009;
const LEVEL_SEEDS = 8191;

/** Names the term in what its samplers and checks throw. */
function ofTerm<Result>(term: string, work: () => Result): Result {
  try {
    return work();
  } catch (cause) {
    if (!isNestkanError(cause)) throw cause;
    const { code, message, fix, where } = cause;
    throw new NestkanError(code, `the points of ${term}: ${message}`, { fix, where: { ...where, term }, cause });
  }
}

function total(tape: Tape, terms: readonly BoundTerm[]): Tensor {
  const losses = terms.map(({ loss }) => loss);
  return losses.length === 1 ? losses[0] : tape.apply(add, losses, undefined);
}

function upload(tape: Tape, shape: readonly number[], data: ArrayLike<number>): Tensor {
  const tensor = tape.input(shape);
  tape.backend.write(tensor.buffer, data);
  return tensor;
}
