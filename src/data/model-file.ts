import type { Backend } from '../backend/backend.ts';
import { NestkanError } from '../errors.ts';
import { type Activation, activationForward } from '../kernels/activations.ts';
import { Kan } from '../models/kan.ts';
import { type Layer, parameterShapes } from '../models/layer.ts';
import { Mlp } from '../models/mlp.ts';
import { MultichannelMlp } from '../models/multichannel-mlp.ts';
import type { Network, NetworkKind } from '../models/network.ts';
import { checkGrid } from '../splines/grid.ts';
import { FittedModel, type Units } from './fitted-model.ts';
import { decodeSafetensors, encodeSafetensors } from './safetensors.ts';
import type { InputScaling, TargetScaling } from './scaling.ts';

/** Of the metadata, not of the library: raised whenever older readers would misread a file. */
const FORMAT = 1;

/** More layers or wider ones than this are no model that this library could have written. */
const MOST_LAYERS = 1000;
const WIDEST_LAYER = 1_000_000;

/**
 * A model as a safetensors file: float64 tensors, and as metadata the architecture and, for a fitted model, its units.
 *
 * ```ts
 * const bytes = await encodeModel(model);
 * const same = await decodeModel(bytes, backend);
 * ```
 */
export async function encodeModel(model: FittedModel | Network): Promise<Uint8Array> {
  const network = model instanceof FittedModel ? model.network : model;
  const values = await network.parameters.read();
  const tensors = Object.fromEntries(
    network.parameters.entries.map(({ name, shape }) => [
      name,
      { shape: [...shape], dtype: 'F64' as const, data: values[name] },
    ]),
  );
  const metadata: Record<string, string> = {
    format: `nestkan ${FORMAT}`,
    architecture: JSON.stringify({ kind: network.kind, layers: network.layers, scalars: network.scalars }),
  };
  if (model instanceof FittedModel) metadata['units'] = JSON.stringify(model.units);
  return encodeSafetensors(tensors, metadata);
}

/**
 * Reads what {@link encodeModel} wrote; nothing in `bytes` is trusted.
 *
 * @returns a FittedModel where the file holds units, a bare network otherwise
 * @throws NestkanError MODEL_FILE_INVALID with what is wrong
 */
export async function decodeModel(bytes: Uint8Array, backend: Backend): Promise<FittedModel | Network> {
  const { tensors, metadata } = decodeSafetensors(bytes);
  const format = metadata.get('format');
  if (format !== `nestkan ${FORMAT}`) {
    throw invalid(`its format is ${format ?? 'not named'}, expected nestkan ${FORMAT}`);
  }
  const { kind, layers, scalars } = parseArchitecture(parseJson(metadata.get('architecture'), 'architecture'));
  const shapes = Object.entries(parameterShapes(layers, scalars));
  const values: Record<string, Float64Array> = {};
  for (const [name, shape] of shapes) {
    const tensor = tensors.get(name);
    if (tensor === undefined) throw invalid(`tensor ${name} is missing`);
    if (String(tensor.shape) !== String(shape)) {
      throw invalid(
        `tensor ${name} has shape [${tensor.shape.join(', ')}], its architecture says [${shape.join(', ')}]`,
      );
    }
    values[name] = Float64Array.from(tensor.data);
  }
  if (tensors.size !== shapes.length)
    throw invalid(`it holds ${tensors.size} tensors, its architecture has ${shapes.length}`);
  const network = createNetwork(backend, kind, layers, scalars);
  const units = metadata.get('units');
  const parsed = units === undefined ? undefined : parseUnits(parseJson(units, 'units'), network);
  network.parameters.write(values);
  return parsed === undefined ? network : new FittedModel(network, parsed);
}

function createNetwork(backend: Backend, kind: NetworkKind, layers: readonly Layer[], scalars: number): Network {
  switch (kind) {
    case 'kan':
      return new Kan(backend, layers, scalars);
    case 'multichannel-mlp':
      return new MultichannelMlp(backend, layers, scalars);
    case 'mlp':
      return new Mlp(backend, layers, scalars);
  }
}

const LAYER_TYPES = {
  kan: ['spline', 'affine', 'activation'],
  'multichannel-mlp': ['power-relu', 'affine', 'activation'],
  mlp: ['affine', 'activation'],
} as const;

function parseArchitecture(value: unknown): { kind: NetworkKind; layers: Layer[]; scalars: number } {
  const { kind, layers, scalars = 0 } = fields(value, 'architecture');
  if (typeof kind !== 'string' || !Object.hasOwn(LAYER_TYPES, kind)) throw invalid(`its kind is ${String(kind)}`);
  if (!Array.isArray(layers) || layers.length < 1 || layers.length > MOST_LAYERS)
    throw invalid('its layers are no list');
  const parsed = layers.map((layer, index) => parseLayer(fields(layer, `layer ${index}`), index));
  const allowed: readonly string[] = LAYER_TYPES[kind as NetworkKind];
  const foreign = parsed.find((layer) => !allowed.includes(layer.type));
  if (foreign) throw invalid(`a ${kind} has no ${foreign.type} layer`);
  checkChain(parsed);
  if (!Number.isInteger(scalars) || (scalars as number) < 0 || (scalars as number) > MOST_LAYERS) {
    throw invalid(`it has ${String(scalars)} scalars`);
  }
  return { kind: kind as NetworkKind, layers: parsed, scalars: scalars as number };
}

function parseLayer(layer: Record<string, unknown>, index: number): Layer {
  if (layer['type'] === 'activation') {
    const name = String(layer['activation']);
    if (!Object.hasOwn(activationForward, name)) throw invalid(`layer ${index} has the activation ${name}`);
    return { type: 'activation', activation: name as Activation };
  }
  const [inputs, outputs] = [width(layer['inputs'], index), width(layer['outputs'], index)];
  if (layer['type'] === 'affine') {
    if (typeof layer['bias'] !== 'boolean') throw invalid(`layer ${index} does not say whether it has a bias`);
    return { type: 'affine', inputs, outputs, bias: layer['bias'] };
  }
  if (layer['type'] !== 'spline' && layer['type'] !== 'power-relu') {
    throw invalid(`layer ${index} is of type ${String(layer['type'])}`);
  }
  const { degree, intervals, domain } = fields(layer['grid'], `grid of layer ${index}`);
  const grid = { degree: Number(degree), intervals: Number(intervals), domain: domain as [number, number] };
  try {
    checkGrid(grid);
  } catch (cause) {
    throw invalid(`layer ${index}: ${(cause as Error).message}`, cause);
  }
  return { type: layer['type'], inputs, outputs, grid };
}

function width(value: unknown, index: number): number {
  if (Number.isInteger(value) && (value as number) >= 1 && (value as number) <= WIDEST_LAYER) return value as number;
  throw invalid(`layer ${index} has width ${String(value)}`);
}

function checkChain(layers: readonly Layer[]): void {
  const sized = layers.filter((layer) => layer.type !== 'activation');
  if (sized.length === 0 || layers[0].type === 'activation') throw invalid('it does not begin with a layer of weights');
  sized.slice(1).forEach((layer, index) => {
    if (layer.inputs !== sized[index].outputs) {
      throw invalid(`a layer of ${sized[index].outputs} outputs is followed by one of ${layer.inputs} inputs`);
    }
  });
}

function parseUnits(value: unknown, network: Network): Units {
  const { inputs, targets, inputScaling, targetScaling } = fields(value, 'units');
  return {
    inputs: names(inputs, network.inputs, 'inputs'),
    targets: names(targets, network.outputs, 'targets'),
    inputScaling: parseInputScaling(inputScaling, network.inputs),
    targetScaling: parseTargetScaling(targetScaling, network.outputs),
  };
}

/**
 * Checks what a model file calls an input scaling.
 *
 * @throws MODEL_FILE_INVALID unless it is one, for so many columns
 */
export function parseInputScaling(value: unknown, columns: number): InputScaling {
  const { domain, min, max } = fields(value, 'input scaling');
  const [a, b] = numbers(domain, 2, 'input scaling: domain');
  const low = numbers(min, columns, 'input scaling: min');
  const high = numbers(max, columns, 'input scaling: max');
  if (!(a < b) || low.some((value, j) => !(value < high[j]))) throw invalid('input scaling: an empty range');
  return { domain: [a, b], min: low, max: high };
}

/**
 * Checks what a model file calls a target scaling.
 *
 * @throws MODEL_FILE_INVALID unless it is one, for so many columns
 */
export function parseTargetScaling(value: unknown, columns: number): TargetScaling {
  const { mean, deviation } = fields(value, 'target scaling');
  const deviations = numbers(deviation, columns, 'target scaling: deviation');
  if (deviations.some((value) => value <= 0)) throw invalid('target scaling: a deviation that is not positive');
  return { mean: numbers(mean, columns, 'target scaling: mean'), deviation: deviations };
}

function numbers(value: unknown, length: number, what: string): number[] {
  if (Array.isArray(value) && value.length === length && value.every(Number.isFinite)) return value;
  throw invalid(`${what} must be ${length} finite numbers`);
}

function names(value: unknown, count: number, what: string): string[] {
  if (Array.isArray(value) && value.length === count && value.every((name) => typeof name === 'string')) return value;
  throw invalid(`it does not name ${count} ${what}`);
}

function fields(value: unknown, what: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  throw invalid(`its ${what} is not an object`);
}

function parseJson(text: string | undefined, what: string): unknown {
  if (text === undefined) throw invalid(`its metadata lack the ${what}`);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw invalid(`its ${what} is not JSON`, cause);
  }
}

function invalid(problem: string, cause?: unknown): NestkanError {
  return new NestkanError('MODEL_FILE_INVALID', `This is not a usable model file: ${problem}.`, {
    fix: 'Use a file written by nestkan fit --out or encodeModel, unchanged.',
    cause,
  });
}
