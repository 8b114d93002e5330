import type { Backend, Dispatch } from '../backend/backend.ts';
import { dispatch } from '../backend/dispatch.ts';
import { NestkanError } from '../errors.ts';
import type { Activation } from '../kernels/activations.ts';
import { prolongate } from '../kernels/prolongation.ts';
import { copy } from '../kernels/vectors.ts';
import { createRandom, type Random } from '../random.ts';
import { checkDomain, checkGrid, type SplineGrid } from '../splines/grid.ts';
import { grevillePoints } from '../splines/knots.ts';
import { type GridLayer, isGridLayer, type Layer, weightsName } from './layer.ts';
import { initialiseAffine } from './mlp.ts';
import { checkWidths, Network } from './network.ts';

/** How hidden activations are squashed before they enter the next spline layer. */
export type Squashing = 'none' | Extract<Activation, 'tanh' | 'sigmoid'>;

export interface KanOptions {
  /** Number of inputs, of each hidden layer, of outputs. */
  readonly widths: readonly number[];
  /** Polynomial degree of the splines, 1 to 5; the paper's order is degree + 1. Default 3. */
  readonly degree?: number;
  /** Intervals of the first layer's grid. Default 4. */
  readonly intervals?: number;
  /** Intervals of the other layers' grids. Default: `intervals`. */
  readonly hiddenIntervals?: number;
  /** Domain of the first layer's grid, to which inputs are to be scaled. Default [-1, 1]. */
  readonly domain?: readonly [number, number];
  /** Domain of hidden grids. Default [-4, 4]; with squashing its range, [-1, 1] or [0, 1]. */
  readonly hiddenDomain?: readonly [number, number];
  /** Replaces the first spline layer by a plain linear one, as the paper's regression networks do. Default none. */
  readonly leadingLinear?: 'none' | 'with-bias' | 'without-bias';
  /** Default 'none'. */
  readonly squashing?: Squashing;
  /** Initial values of trainable numbers beside the layers, for inverse problems. Default none. */
  readonly scalars?: readonly number[];
  /** Seed of the initial coefficients. Default 0. */
  readonly seed?: number;
}

/** Size of the random part of an initial edge, relative to the slope's bound. */
const INITIAL_NOISE = 0.1;

const SQUASHED_DOMAIN = { none: [-4, 4], tanh: [-1, 1], sigmoid: [0, 1] } as const;

/**
 * A Kolmogorov–Arnold network: layers y_q = Σ_p φ_pq(x_p) whose edge functions φ are B-splines on uniform grids.
 *
 * ```ts
 * const kan = Kan.create(backend, { widths: [2, 5, 1], seed: 1 });
 * const y = await kan.predict([[0.1, -0.3], [0.5, 0.5]]);
 * console.log(y.get(0, 0));
 * ```
 *
 * Outside a grid's domain edges continue linearly, so that refinement is exact for whatever the network meets
 * (docs/mathematics.md, "Outside the domain"). Source: Southworth et al., arXiv 2603.04827, section 2.
 */
export class Kan extends Network {
  readonly kind = 'kan';

  /**
   * A network with straight-line edges of random slope plus a little noise.
   *
   * @throws NestkanError INVALID_ARGUMENT, DEGREE_OUT_OF_RANGE, INTERVALS_OUT_OF_RANGE or DOMAIN_INVALID
   */
  static create(backend: Backend, options: KanOptions): Kan {
    const layers = kanLayers(options);
    const random = createRandom(options.seed ?? 0);
    const { scalars = [] } = options;
    const kan = new Kan(backend, layers, scalars.length);
    if (scalars.length > 0) kan.parameters.write({ scalars });
    layers.forEach((layer, index) => {
      if (layer.type === 'affine') initialiseAffine(kan.parameters, layer, index, random);
      if (isGridLayer(layer)) kan.parameters.write({ [weightsName(index)]: initialCoefficients(layer, random) });
    });
    return kan;
  }

  /**
   * The same function on grids with twice as many intervals: coefficients prolonged by two-scale stencils.
   *
   * Exact up to rounding for every input, inside the domains and outside. The original stays as it is.
   * Source: docs/mathematics.md, "Two-scale refinement".
   */
  async refine(): Promise<Kan> {
    const fine = new Kan(this.backend, this.layers.map(refinedLayer), this.scalars);
    const dispatches = this.parameters.entries.map((entry) => transfer(this, fine, entry.name));
    this.backend.run(await this.backend.record(dispatches, 'refine'));
    return fine;
  }

  override async clone(): Promise<Kan> {
    const copy = new Kan(this.backend, this.layers, this.scalars);
    copy.parameters.write(await this.parameters.read());
    return copy;
  }
}

/** The stack of layers that `options` describe. */
export function kanLayers({
  widths,
  degree = 3,
  intervals = 4,
  hiddenIntervals = intervals,
  domain = [-1, 1],
  squashing = 'none',
  hiddenDomain = SQUASHED_DOMAIN[squashing],
  leadingLinear = 'none',
}: KanOptions): Layer[] {
  checkWidths(widths);
  checkDomain(domain);
  if (!Object.hasOwn(SQUASHED_DOMAIN, squashing)) {
    throw new NestkanError('INVALID_ARGUMENT', `squashing is ${squashing}, expected none, tanh or sigmoid`, {
      fix: "Leave it out, or use 'tanh' or 'sigmoid'.",
    });
  }
  if (!['none', 'with-bias', 'without-bias'].includes(leadingLinear)) {
    throw new NestkanError('INVALID_ARGUMENT', `leadingLinear is ${leadingLinear}`, {
      fix: "Leave it out, or use 'with-bias' or 'without-bias'.",
    });
  }
  const layers: Layer[] = [];
  for (let index = 0; index + 1 < widths.length; index++) {
    const size = { inputs: widths[index], outputs: widths[index + 1] };
    if (index > 0 && squashing !== 'none') layers.push({ type: 'activation', activation: squashing });
    if (index === 0 && leadingLinear !== 'none') {
      layers.push({ type: 'affine', ...size, bias: leadingLinear === 'with-bias' });
      continue;
    }
    const grid: SplineGrid =
      index === 0 ? { degree, intervals, domain } : { degree, intervals: hiddenIntervals, domain: hiddenDomain };
    checkGrid(grid);
    layers.push({ type: 'spline', ...size, grid });
  }
  if (layers.some(isGridLayer)) return layers;
  throw new NestkanError('INVALID_ARGUMENT', 'a leading linear layer leaves this network without any spline', {
    fix: 'Add a hidden layer, or leave leadingLinear out.',
  });
}

/** @throws NestkanError INTERVALS_OUT_OF_RANGE */
export function refinedLayer<L extends Layer>(layer: L): L {
  if (!isGridLayer(layer)) return layer;
  const grid = { ...layer.grid, intervals: 2 * layer.grid.intervals };
  checkGrid(grid);
  return { ...layer, grid };
}

function initialCoefficients({ inputs, outputs, grid }: GridLayer, random: Random): Float64Array {
  const points = grevillePoints(grid);
  const bound = 1 / Math.sqrt(inputs);
  const weights = new Float64Array(inputs * points.length * outputs);
  for (let p = 0; p < inputs; p++) {
    for (let q = 0; q < outputs; q++) {
      const slope = bound * (2 * random.uniform() - 1);
      points.forEach((point, k) => {
        const noise = INITIAL_NOISE * bound * random.normal();
        weights[(p * points.length + k) * outputs + q] = slope * point + noise;
      });
    }
  }
  return weights;
}

/** Brings one tensor of `coarse` to `fine`. */
function transfer(coarse: Kan, fine: Kan, name: string): Dispatch {
  const layer = coarse.layers.find((_, index) => weightsName(index) === name);
  const source = coarse.parameters.get(name);
  const target = fine.parameters.get(name);
  if (layer === undefined || !isGridLayer(layer)) {
    return dispatch(copy, { source: source.buffer, target: target.buffer }, { count: source.buffer.length });
  }
  const { inputs, outputs, grid } = layer;
  const sizes = { inputs, outputs, intervals: grid.intervals, degree: grid.degree };
  return dispatch(prolongate, { coarse: source.buffer, fine: target.buffer }, sizes);
}
