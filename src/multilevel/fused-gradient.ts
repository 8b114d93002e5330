import type { Backend, DeviceBuffer, Dispatch } from '../backend/backend.ts';
import { dispatch } from '../backend/dispatch.ts';
import { ceilDiv } from '../kernels/kernel.ts';
import { type LossHead, networkGradient, REFERENCE_POINTS } from '../kernels/network-gradient.ts';
import { isNarrow, type NetworkLayer, type NetworkPoints, passSamples } from '../kernels/network-plan.ts';
import { sumTiles } from '../kernels/reductions.ts';
import { biasName, weightsName } from '../models/layer.ts';
import type { Network } from '../models/network.ts';
import type { FusedGradient, TiledGradient } from '../optimizers/objective.ts';

export { squaredErrorHead } from '../kernels/squared-error-head.ts';

/** A sum over samples of a loss of the network's outputs. */
export interface FusedTerm {
  readonly points: NetworkPoints;
  readonly head: LossHead;
  readonly batch: number;
  /** x [channels, traces · batch, inputs], and those of the head. */
  readonly buffers: Readonly<Record<string, DeviceBuffer>>;
  /** Those of the head. */
  readonly constants: Readonly<Record<string, number>>;
}

/** Software adapters, which have few processors and no cost of a launch to save, are faster kernel by kernel. */
const FEWEST_WORKGROUPS = 64;
/** A tile as small as this is worth a workgroup of its own on a device with room for many. */
const FEWEST_SAMPLES = 16;
/** Fewest samples of a tile of the CPU, and tiles for its threads; at most what the kernel's reference takes at once. */
const FEWEST_CPU_SAMPLES = 128;
const CPU_TILES = 8;
/** Partial sums of float32 numbers grow no longer than this while memory allows. */
const MOST_SAMPLES = 1024;
const MOST_TILES = 1024;
/** Numbers that partial gradients of a term may take in all. */
const MOST_PARTIALS = 2 ** 24;

/**
 * The gradient of a sum of terms from one kernel per term (src/kernels/network-gradient.ts), tile by tile; undefined where
 * the network is too wide for that, has layers of other kinds, or the device gains nothing from it.
 *
 * @param before what fills the terms' buffers anew for every evaluation
 */
export function fusedGradient(
  network: Network,
  terms: readonly FusedTerm[],
  before: readonly Dispatch[] = [],
): FusedGradient | undefined {
  const { backend, parameters } = network;
  if (backend.name === 'webgpu' && backend.parallelism < FEWEST_WORKGROUPS) return undefined;
  const tiled = tiledGradient(network, terms, { models: 1, values: parameters.values });
  if (!tiled) return undefined;
  const { partials, losses, tiles } = tiled;
  const evaluate = [...before, ...tiled.evaluate];
  const loss = backend.allocate(1);
  return {
    tiled: { ...tiled, evaluate },
    loss,
    evaluate: [
      ...evaluate,
      dispatch(sumTiles, { partials, sum: parameters.gradients }, { tiles, count: parameters.length }),
      dispatch(sumTiles, { partials: losses, sum: loss }, { tiles, count: 1 }),
    ],
    dispose() {
      tiled.dispose();
      backend.release(loss);
    },
  };
}

/**
 * The same for `models` networks of the shape of `network`, whose parameters stand one behind the other in `values`:
 * partials [models, tiles, length] and losses [models, tiles].
 */
export function tiledGradient(
  network: Network,
  terms: readonly FusedTerm[],
  { models, values }: { readonly models: number; readonly values: DeviceBuffer },
): (TiledGradient & { dispose(): void }) | undefined {
  const layers = networkLayers(network);
  if (!layers || !terms.every(({ points, head }) => isNarrow(layers, points, head.scalars))) return undefined;
  const { backend, parameters } = network;
  const { length } = parameters;
  const affordable = Math.max(1, Math.floor(MOST_PARTIALS / (models * length)));
  const tiles = terms.map((term) => Math.min(affordable, tilesOf(backend, layers, term, models)));
  const allTiles = tiles.reduce((sum, count) => sum + count, 0);
  const partials = backend.allocate(models * allTiles * length, { label: 'partial gradients' });
  const losses = backend.allocate(models * allTiles, { label: 'partial losses' });
  const firstScalar = network.scalars > 0 ? parameters.get('scalars').offset : 0;
  let firstTile = 0;
  const evaluate = terms.map(({ points, head, batch, buffers, constants }, index) => {
    const { kernel, constants: ofLayers } = networkGradient(layers, points, head);
    const place = { models, length, tiles: tiles[index], firstTile, allTiles, firstScalar };
    firstTile += tiles[index];
    const memory = { ...buffers, parameters: values, partials, losses };
    return dispatch(kernel, memory, { ...ofLayers, ...constants, batch, ...place });
  });
  return {
    evaluate,
    partials,
    losses,
    tiles: allTiles,
    dispose() {
      for (const buffer of [partials, losses]) backend.release(buffer);
    },
  };
}

/** Enough tiles to keep the device busy; but sums that are many are worth it for as many samples only. */
function tilesOf(
  { name, parallelism }: Backend,
  layers: readonly NetworkLayer[],
  { batch, points, head }: FusedTerm,
  models: number,
): number {
  if (name === 'cpu') {
    const coefficients = Math.max(
      ...layers.map((layer) => (layer.type === 'spline' ? layer.intervals + layer.degree : 1)),
    );
    const share = Math.max(ceilDiv(batch, CPU_TILES), FEWEST_CPU_SAMPLES, 2 * coefficients);
    return ceilDiv(batch, Math.min(share, Math.floor(REFERENCE_POINTS / points.traces)));
  }
  const pass = passSamples(layers, points, head.scalars);
  const wanted = Math.min(MOST_SAMPLES, Math.max(FEWEST_SAMPLES, ceilDiv(batch * models, parallelism)));
  return Math.min(MOST_TILES, ceilDiv(batch, Math.max(pass, wanted)));
}

/** The layers as the kernel wants them; undefined where it has no such layers. */
function networkLayers({ layers, parameters }: Network): NetworkLayer[] | undefined {
  const known: NetworkLayer[] = [];
  for (const [index, layer] of layers.entries()) {
    if (layer.type !== 'spline' && layer.type !== 'affine') return undefined;
    const { inputs, outputs } = layer;
    const place = { inputs, outputs, firstParameter: parameters.get(weightsName(index)).offset };
    if ('grid' in layer) known.push({ ...place, type: 'spline', ...layer.grid });
    else
      known.push({
        ...place,
        type: 'affine',
        firstBias: layer.bias ? parameters.get(biasName(index)).offset : undefined,
      });
  }
  return known;
}
