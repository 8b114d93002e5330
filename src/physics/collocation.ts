/** Where terms hold on a level: points drawn by their samplers, or chosen where residuals are large. */
import type { Matrix } from '../arrays.ts';
import { NestkanError } from '../errors.ts';
import type { Network } from '../models/network.ts';
import { createRandom, type Random } from '../random.ts';
import { checkFinite, checkPoints, named } from './checks.ts';
import { describe } from './expression.ts';
import { type Box, type Sampler, type SamplingContext, stack } from './sampling.ts';
import type { TracedTerm } from './trace.ts';

/** Draws of a sampler from which points are chosen: each costs one evaluation of the residual. */
const CANDIDATE_DRAWS = 10;

/** Of points for large residuals: p ∝ |r|ᵏ / mean |r|ᵏ + c. */
const EXPONENT = 1;
const EVENNESS = 1;

/** Distances between the seeds of terms and of levels: more than there are of either. */
const TERM_SEEDS = 1009;
const LEVEL_SEEDS = 8191;
/** The seeds of a level that cannot be. */
const HELD_OUT = TERM_SEEDS * (LEVEL_SEEDS - 1);
/** Seeds beyond start over, so that what is made of them stays a whole number of float64. */
const SEEDS = 2 ** 30;

export interface CollocationOptions {
  /** Of the points. Default 0. */
  readonly seed?: number;
  /**
   * Draws new points on every level; with 'residual', levels after the first have more of them where the level before has
   * left large residuals. Samplers that give the same points whatever the seed go on doing so. Default false: the same
   * seed on all levels.
   *
   * Source of 'residual': RAD of Wu et al., Comput. Methods Appl. Mech. Eng. 403 (2023), arXiv 2207.10289.
   */
  readonly resample?: boolean | 'residual';
}

/** The points of all terms of a problem, level by level. */
export class Collocation {
  readonly #box: Box;
  readonly #seed: number;
  readonly #resample: boolean | 'residual';
  /** What {@link choose} chose, term by term. */
  readonly #chosen = new WeakMap<Network, readonly (readonly Matrix[])[]>();

  /** @throws NestkanError INVALID_ARGUMENT */
  constructor(box: Box, { seed = 0, resample = false }: CollocationOptions) {
    if (typeof resample !== 'boolean' && resample !== 'residual') {
      throw new NestkanError('INVALID_ARGUMENT', `resample is ${describe(resample)}`, {
        fix: "Use true, false or 'residual'.",
      });
    }
    this.#box = box;
    this.#seed = seed;
    this.#resample = resample;
  }

  /**
   * The points of a term on the level of `model`, one matrix per side.
   *
   * @param index of the term in its problem
   * @throws NestkanError that names the term: SHAPE_MISMATCH, DOMAIN_INVALID, and what samplers throw
   */
  of(traced: TracedTerm, index: number, model?: Network): readonly Matrix[] {
    const chosen = model && this.#chosen.get(model)?.[index];
    if (chosen) return chosen;
    return this.#draw(traced, this.#seedOf(index, this.#resample === true ? model : undefined));
  }

  /**
   * Other points where a term holds, to check a solution there; its own, where it has no others or values are given at
   * these alone.
   */
  heldOut(traced: TracedTerm, index: number): readonly Matrix[] {
    if (traced.isTabulated) return this.of(traced, index);
    return this.#draw(traced, this.#seedOf(index) + HELD_OUT, { heldOut: true });
  }

  /**
   * With `resample: 'residual'`, chooses the points of a model: as many of each term as it has, from ten draws of its
   * sampler, with probability ∝ |r| / mean |r| + 1, without replacement. A term whose points are the same whatever the
   * seed (a grid, given points) keeps them, and so does one with two sides.
   *
   * @throws NestkanError NON_FINITE_INPUT that names the point where a residual is not finite
   */
  async choose(model: Network, terms: readonly TracedTerm[], residualAt: ResidualAt): Promise<void> {
    if (this.#resample !== 'residual') return;
    const chosen: (readonly Matrix[])[] = [];
    for (const [index, traced] of terms.entries()) {
      const random = createRandom(this.#seedOf(index, model));
      chosen.push(await this.#chosenPoints(traced, this.of(traced, index), random, residualAt));
    }
    this.#chosen.set(model, chosen);
  }

  /**
   * For a term with values given at its points: they belong to these alone.
   *
   * @throws NestkanError INVALID_ARGUMENT where another seed gives the term others, or `sides` are others
   */
  checkKept(traced: TracedTerm, index: number, sides: readonly Matrix[]): void {
    const own = this.of(traced, index);
    const details = { where: { term: traced.name } };
    if (!samePoints(own, this.#draw(traced, this.#seedOf(index) + TERM_SEEDS))) {
      throw new NestkanError(
        'INVALID_ARGUMENT',
        `the term ${traced.name} has values given in an array, but its points are drawn at random, others with every seed`,
        { fix: 'Give it points that stay: points(…) or a grid. Or give at a function of the coordinates.', ...details },
      );
    }
    if (samePoints(own, sides)) return;
    throw new NestkanError(
      'INVALID_ARGUMENT',
      `the term ${traced.name} has values given in an array, for its own points, and these are others`,
      { fix: 'Ask for its residual at its own points, or give at a function of the coordinates.', ...details },
    );
  }

  async #chosenPoints(
    { name, term }: TracedTerm,
    own: readonly Matrix[],
    random: Random,
    residualAt: ResidualAt,
  ): Promise<readonly Matrix[]> {
    if (own.length > 1) return own;
    const box = this.#box;
    const [sampler] = samplersOf(term.on);
    const draws = Array.from({ length: CANDIDATE_DRAWS }, () => drawSide(name, sampler, { box, random }));
    if (samePoints(own, draws)) return own;
    const sizes: number[] = [];
    for (const draw of draws) {
      const residual = await residualAt({ name }, draw);
      checkFinite(`the residual of ${name}`, residual.data, { box, points: draw, term: name });
      sizes.push(...sizesOf(residual));
    }
    return [chooseRows(stack(draws), weightsOf(sizes), own[0].rows, random)];
  }

  #seedOf(index: number, model?: Network): number {
    const level = model?.intervals[0] ?? 0;
    return TERM_SEEDS * (LEVEL_SEEDS * (this.#seed % SEEDS) + level) + index;
  }

  /** Both sides draw from the same seed. */
  #draw({ name, term }: TracedTerm, seed: number, options?: Pick<SamplingContext, 'heldOut'>): Matrix[] {
    const sides = samplersOf(term.on).map((sampler) =>
      drawSide(name, sampler, { box: this.#box, random: createRandom(seed), ...options }),
    );
    if (sides.every(({ rows }) => rows === sides[0].rows)) return sides;
    const counts = sides.map(({ rows }) => rows).join(' and ');
    throw new NestkanError('SHAPE_MISMATCH', `the term ${name} has ${counts} points`, {
      fix: 'Give both sides of an interface as many points.',
      where: { term: name },
    });
  }
}

/** [equations, points] */
type ResidualAt = (term: Pick<TracedTerm, 'name'>, points: Matrix) => Promise<Matrix>;

function samplersOf(on: TracedTerm['term']['on']): readonly Sampler[] {
  return Array.isArray(on) ? on : [on as Sampler];
}

/** Whether two draws gave the same points on all sides that the first has. */
function samePoints(sides: readonly Matrix[], others: readonly Matrix[]): boolean {
  return sides.every(({ rows, data }, side) => {
    const other = others[side];
    return rows === other.rows && data.every((value, index) => value === other.data[index]);
  });
}

function drawSide(term: string, sampler: Sampler, context: SamplingContext): Matrix {
  const details = { fix: 'Give a sampler that returns points, such as interior(1000).', where: { term } };
  return named(`the points of ${term}`, details, () => {
    const side = sampler(context);
    checkPoints(context.box, side);
    return side;
  });
}

/** √Σ r² over the equations, point by point. */
function sizesOf({ rows, columns, data }: Matrix): Float64Array {
  return Float64Array.from({ length: columns }, (_, point) => {
    let sum = 0;
    for (let equation = 0; equation < rows; equation++) sum += data[equation * columns + point] ** 2;
    return Math.sqrt(sum);
  });
}

function weightsOf(sizes: readonly number[]): number[] {
  const powers = sizes.map((size) => size ** EXPONENT);
  const mean = powers.reduce((sum, power) => sum + power, 0) / powers.length;
  // Where every residual is zero, all points are as good.
  return powers.map((power) => (mean > 0 ? power / mean : 0) + EVENNESS);
}

/**
 * `count` rows, without replacement, with probabilities in proportion to the weights: those with the least of
 * exponentially distributed numbers of these rates. Source: Efraimidis and Spirakis, Inf. Process. Lett. 97 (2006).
 */
export function chooseRows(candidates: Matrix, weights: readonly number[], count: number, random: Random): Matrix {
  const { columns, data } = candidates;
  const keys = weights.map((weight) => -Math.log(1 - random.uniform()) / weight);
  const chosen = keys.map((_, row) => row).sort((a, b) => keys[a] - keys[b]);
  const rows = chosen.slice(0, count).sort((a, b) => a - b);
  return {
    rows: rows.length,
    columns,
    data: Float64Array.from(rows.flatMap((row) => [...data.subarray(row * columns, (row + 1) * columns)])),
  };
}
