import type { Backend } from '../backend/backend.ts';
import { changeOfBasisDiagonals, multiplyByATransposed, solveWithATransposed } from '../splines/change-of-basis.ts';
import type { SplineGrid } from '../splines/grid.ts';
import { prolongate } from '../splines/prolongation.ts';
import { powerReluLayer } from '../tape/ops/power-relu-layer.ts';
import { Kan, type KanOptions, refinedLayer } from './kan.ts';
import { type GridLayer, isGridLayer, type Layer, weightsName } from './layer.ts';
import { Network } from './network.ts';

/**
 * A Kolmogorov–Arnold network in the power-ReLU basis: the same functions as a {@link Kan}, other coordinates.
 *
 * Every input of a layer feeds intervals + degree channels ReLU(x − t_j)^degree. The basis is badly conditioned: this
 * model exists to be compared with, and to be converted to and from. Its evaluation is dense, and in float32 loses
 * digits quickly with the number of intervals (docs/mathematics.md, "Local window").
 * Source: Southworth et al., arXiv 2603.04827, section 3.
 */
export class MultichannelMlp extends Network {
  readonly kind = 'multichannel-mlp';
  protected override readonly gridOp = powerReluLayer;

  /** The multichannel MLP that equals `Kan.create(backend, options)`. */
  static async create(backend: Backend, options: KanOptions): Promise<MultichannelMlp> {
    const kan = Kan.create(backend, options);
    try {
      return await kanToMultichannelMlp(kan);
    } finally {
      kan.dispose();
    }
  }

  /** The same function on grids with twice as many intervals, by way of the spline coefficients, in float64. */
  async refine(): Promise<MultichannelMlp> {
    const fine = new MultichannelMlp(this.backend, this.layers.map(refinedLayer), this.scalars);
    fine.parameters.write(await mapEdges(this, refineEdge));
    return fine;
  }

  override async clone(): Promise<MultichannelMlp> {
    const copy = new MultichannelMlp(this.backend, this.layers, this.scalars);
    copy.parameters.write(await this.parameters.read());
    return copy;
  }
}

/** The multichannel MLP with the same function: w = Aᵀu on every edge, exact in float64. */
export async function kanToMultichannelMlp(kan: Kan): Promise<MultichannelMlp> {
  const mlp = new MultichannelMlp(kan.backend, retyped(kan.layers, 'power-relu'), kan.scalars);
  mlp.parameters.write(await mapEdges(kan, toPowerRelu));
  return mlp;
}

/** The Kan with the same function: u = A⁻ᵀw on every edge, exact in float64. */
export async function multichannelMlpToKan(mlp: MultichannelMlp): Promise<Kan> {
  const kan = new Kan(mlp.backend, retyped(mlp.layers, 'spline'), mlp.scalars);
  kan.parameters.write(await mapEdges(mlp, toSpline));
  return kan;
}

function retyped(layers: readonly Layer[], type: GridLayer['type']): Layer[] {
  return layers.map((layer) => (isGridLayer(layer) ? { ...layer, type } : layer));
}

type EdgeMap = (edge: Float64Array, grid: SplineGrid) => Float64Array;

const toPowerRelu: EdgeMap = (edge, grid) => {
  multiplyByATransposed(changeOfBasisDiagonals(grid), edge);
  return edge;
};

const toSpline: EdgeMap = (edge, grid) => {
  solveWithATransposed(changeOfBasisDiagonals(grid), edge);
  return edge;
};

const refineEdge: EdgeMap = (edge, grid) =>
  toPowerRelu(prolongate(toSpline(edge, grid), grid.degree), { ...grid, intervals: 2 * grid.intervals });

/** All parameters of `model`, every edge of its grid layers mapped, in float64. */
async function mapEdges(model: Network, map: EdgeMap): Promise<Record<string, Float64Array>> {
  const values = await model.parameters.read();
  model.layers.forEach((layer, index) => {
    const name = weightsName(index);
    if (isGridLayer(layer)) values[name] = mapLayer(values[name], layer, map);
  });
  return values;
}

/** Weights are [inputs, coefficients, outputs]: an edge is a column of the matrix that one input owns. */
function mapLayer(weights: Float64Array, { inputs, outputs, grid }: GridLayer, map: EdgeMap): Float64Array {
  const coarse = weights.length / (inputs * outputs);
  let mapped = new Float64Array(0);
  for (let p = 0; p < inputs; p++) {
    for (let q = 0; q < outputs; q++) {
      const edge = Float64Array.from({ length: coarse }, (_, k) => weights[(p * coarse + k) * outputs + q]);
      const image = map(edge, grid);
      if (mapped.length === 0) mapped = new Float64Array(inputs * image.length * outputs);
      image.forEach((value, k) => {
        mapped[(p * image.length + k) * outputs + q] = value;
      });
    }
  }
  return mapped;
}
