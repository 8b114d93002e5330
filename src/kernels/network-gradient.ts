/**
 * Loss and gradient of a narrow network in one kernel: forward sweep, loss and backward sweep of a tile of samples, with
 * all activations in workgroup memory, and partial gradients per tile in the layout of the flat parameter vector.
 *
 * The kernel is put together from a list of layers and a {@link LossHead}; jets (src/kernels/jet.ts) of order 0 are values
 * alone. `models` networks of one shape, with parameters [models, length], are one more dimension of the same kernel.
 * Its reference is made of the layers' own references. Source: docs/mathematics.md, "A network in one kernel".
 */
import jetChannelWgsl from '../../shaders/lib/jet-channel.wgsl';
import layersWgsl from '../../shaders/lib/network-layers.wgsl';
import memoryWgsl from '../../shaders/lib/network-memory.wgsl';
import splineSampleWgsl from '../../shaders/lib/spline-jet-sample.wgsl';
import mainWgsl from '../../shaders/network-gradient.wgsl';
import { type Binding, ceilDiv, defineKernel, type HostArray, type Kernel, type Recipe } from './kernel.ts';
import { LANES, MEMORY, type NetworkLayer, type NetworkPoints, type Plan, planOf } from './network-plan.ts';
import { layerReferences } from './network-references.ts';
import { prepareCubic } from './spline-layer.ts';
import { gridWgsl, windowWgsl } from './spline-wgsl.ts';

/** One tile of samples, as a {@link LossHead}'s reference sees it. */
export interface HeadTile {
  /** Number of the first sample, how many there are, and of how many. */
  readonly first: number;
  readonly count: number;
  readonly batch: number;
  readonly model: number;
  /** Parameters of the model. */
  readonly parameters: HostArray;
  /** [channels, traces · count, outputs]: of the network, and the loss's derivatives, to be written. */
  readonly outputs: HostArray;
  readonly adjoints: HostArray;
  /** Where derivatives by `scalars` trainable numbers beside the network are to be written. */
  readonly scalarGradient: HostArray;
}

/** How a loss follows from the outputs of a network: a sum over samples. */
export interface LossHead {
  readonly name: string;
  /** Buffers besides x, parameters, partials and losses. */
  readonly bindings: Readonly<Record<string, Binding>>;
  readonly constants: readonly string[];
  /** Trainable numbers beside the network that the loss depends on, at `firstScalar` of the flat vector. */
  readonly scalars: number;
  /** Operations per sample. */
  readonly flops: number;
  lengths(constants: Readonly<Record<string, number>>): Record<string, number>;
  /**
   * Defines `fn evaluateLoss(b: u32, i: u32, count: u32) -> f32`: the share of sample b, number i of a pass of `count`. Reads
   * activations and fills adjoints at `outputPlace(trace, channel, q, i, count)`, and scalarAdjoints[scalar * STRIDE + i].
   */
  readonly wgsl: string;
  /** How a thread that shares no objects makes the same head. */
  readonly recipe: Recipe;
  /** Returns the tile's share of the loss. */
  reference(
    buffers: Readonly<Record<string, HostArray>>,
    tile: HeadTile,
    constants: Readonly<Record<string, number>>,
  ): number;
}

const OWN_CONSTANTS = ['batch', 'models', 'length', 'tiles', 'firstTile', 'allTiles'];

/** Points that the reference takes at once: their activations stay in the processor's cache. */
export const REFERENCE_POINTS = 512;

/**
 * The kernel of a narrow network (see {@link isNarrow}) and the constants of its layers.
 *
 * Buffers: x [channels, traces · batch, inputs], parameters [models, length], those of the head, partials [models, allTiles,
 * length] and losses [models, allTiles], of which tiles firstTile … firstTile + tiles − 1 are written.
 * Further constants: batch, models, length, tiles, firstTile, allTiles, those of the head.
 */
export function networkGradient(layers: readonly NetworkLayer[], points: NetworkPoints, head: LossHead) {
  const plan = planOf(layers, points, head.scalars);
  const { inputs } = layers[0];
  const channels = 1 + points.order * points.directions;
  const layerConstants = Object.assign({}, ...layers.map(constantsOf)) as Record<string, number>;
  const degree = layers.find((layer) => layer.type === 'spline')!.degree;
  const own: Binding = 'update';
  const kernel: Kernel = defineKernel({
    name: `network-gradient-${head.name}`,
    wgsl: wgslOf(layers, points, head, plan),
    bindings: { x: 'read', parameters: 'read', ...head.bindings, partials: own, losses: own } as Record<
      string,
      Binding
    >,
    constants: [...OWN_CONSTANTS, 'degree', 'firstScalar', ...Object.keys(layerConstants), ...head.constants],
    lengths: (constants) => ({
      x: channels * points.traces * constants['batch'] * inputs,
      parameters: constants['models'] * constants['length'],
      ...head.lengths(constants),
      partials: constants['models'] * constants['allTiles'] * constants['length'],
      losses: constants['models'] * constants['allTiles'],
    }),
    workgroups: ({ tiles, models }) => [tiles, models, 1],
    flops: ({ batch, models }) => models * batch * (points.traces * flopsPerPoint(layers, points) + head.flops),
    parts: ({ models, tiles }) => models * tiles,
    // Jets have references of their own.
    ...(points.order === 0 && { prepare: prepareCubic }),
    recipe: { maker: 'networkGradient', options: { layers, points, head: head.recipe } },
    reference: referenceOf(layers, points, head),
  });
  return { kernel, constants: { degree, firstScalar: 0, ...layerConstants } };
}

/** Overrides by the names that the layer's text has in the whole one. */
function constantsOf(layer: NetworkLayer, index: number): Record<string, number> {
  const named = (values: Record<string, number>) =>
    Object.fromEntries(Object.entries(values).map(([name, value]) => [`${name}${index}`, value]));
  if (layer.type === 'affine') {
    return named({ firstParameter: layer.firstParameter, firstBias: layer.firstBias ?? 0 });
  }
  const { firstParameter, intervals, domain } = layer;
  return named({ firstParameter, intervals, domainStart: domain[0], domainEnd: domain[1] });
}

/** Windows and their products with the weights, in three sweeps. */
function flopsPerPoint(layers: readonly NetworkLayer[], { directions, order }: NetworkPoints): number {
  return layers.reduce((sum, layer) => {
    const { inputs, outputs } = layer;
    const channels = 1 + order * directions;
    if (layer.type === 'affine') return sum + 6 * channels * inputs * outputs;
    const terms = layer.degree + 1;
    const perEdge = 6 * terms * (1 + order) + 3 * order * order * directions;
    return sum + inputs * ((1 + order) * (20 + terms * (terms + 1)) + outputs * perEdge);
  }, 0);
}

/** The grid of a layer, with the layer's number behind every name that it declares. */
function gridOf(index: number): string {
  const declared = [...gridWgsl.matchAll(/\b(?:override|fn) (\w+)/g)].map(([, name]) => name);
  return gridWgsl.replace(new RegExp(`\\b(?:${declared.join('|')})\\b`, 'g'), (name) => name + index);
}

function wgslOf(
  layers: readonly NetworkLayer[],
  { directions, order, traces }: NetworkPoints,
  head: LossHead,
  { rows, pointRows, firstRows, firstPointRows, perSlot, slots }: Plan,
): string {
  const unsigned = (values: Record<string, number>) =>
    Object.entries(values).map(([name, value]) => `const ${name} = ${value}u;`);
  const bindings = Object.entries({ x: 'read', parameters: 'read', ...head.bindings, partials: '', losses: '' });
  const last = layers[layers.length - 1];
  const edges = layers.map((layer) => {
    const biasRows = layer.type === 'affine' && layer.firstBias !== undefined ? 1 : 0;
    return (layer.inputs + biasRows) * layer.outputs;
  });
  let firstEdge = 0;
  return [
    ...bindings.map(([name, access], index) => {
      const mode = access.startsWith('read') ? 'read' : 'read_write';
      return `@group(0) @binding(${index}) var<storage, ${mode}> ${name}: array<f32>;`;
    }),
    ...unsigned({ channels: 1 + order * directions, directions, order, traces, INPUTS: layers[0].inputs }),
    ...unsigned({ OUTPUTS: last.outputs, OUTPUT_ROW: firstRows[layers.length], SLOTS: slots, LANES, ROWS: rows }),
    ...unsigned({ POINT_ROWS: Math.max(1, pointRows), SCALARS: head.scalars, SCALAR_ROWS: Math.max(1, head.scalars) }),
    ...unsigned({ SAMPLES: Math.floor(slots / traces), LARGEST_LOCAL_SUMS: MEMORY - perSlot * (slots + 1) }),
    ...unsigned({ LAYERS: layers.length, EDGES: edges.reduce((sum, count) => sum + count, 0) }),
    'override firstScalar: u32;',
    windowWgsl,
    jetChannelWgsl,
    memoryWgsl,
    splineSampleWgsl,
    layersWgsl,
    ...layers.map(({ type }, index) =>
      type === 'spline'
        ? `override firstParameter${index}: u32; ${gridOf(index)}`
        : `override firstParameter${index}: u32; override firstBias${index}: u32;`,
    ),
    'fn layerAt(index: u32) -> Layer {',
    ...layers.map((layer, index) => {
      const { inputs, outputs } = layer;
      const sizes = [inputs, outputs, firstRows[index], firstRows[index + 1], firstPointRows[index]];
      const unsignedSizes = sizes.map((size) => `${size}u`).join(', ');
      const [kind, bias, grid] =
        layer.type === 'spline'
          ? ['true, false', '0u', `layerGrid${index}()`]
          : [`false, ${layer.firstBias !== undefined}`, `firstBias${index}`, 'Grid()'];
      return `  if (index == ${index}u) { return Layer(${kind}, ${unsignedSizes}, firstParameter${index}, ${bias}, ${grid}); }`;
    }),
    '  return Layer();',
    '}',
    '// The layer of an edge, and its number there.',
    'fn edgeAt(edge: u32) -> vec2<u32> {',
    ...edges.map((count, index) => {
      const start = firstEdge;
      firstEdge += count;
      return `  if (edge < ${firstEdge}u) { return vec2(${index}u, edge - ${start}u); }`;
    }),
    '  return vec2(0u);',
    '}',
    head.wgsl,
    mainWgsl,
  ].join('\n');
}

type Reference = Parameters<typeof defineKernel>[0]['reference'];

/** Block by block of every tile, from the references of the layers' own kernels. */
function referenceOf(layers: readonly NetworkLayer[], points: NetworkPoints, head: LossHead): Reference {
  const { traces, order, directions } = points;
  const channels = 1 + order * directions;
  const widths = [layers[0].inputs, ...layers.map(({ outputs }) => outputs)];
  const block = Math.floor(REFERENCE_POINTS / traces);
  const room = () => widths.map((width) => new Float64Array(channels * traces * block * width));
  let memory: { states: Float64Array[]; adjoints: Float64Array[]; sum: Float64Array } | undefined;
  return ({ x, parameters, partials, losses, ...others }, constants, firstUnit, endUnit) => {
    const { batch, length, tiles, firstTile, allTiles, firstScalar } = constants;
    memory ??= { states: room(), adjoints: room(), sum: new Float64Array(length) };
    const { states, adjoints, sum } = memory;
    const tileSamples = ceilDiv(batch, tiles);
    const last = layers.length;
    for (let unit = firstUnit; unit < endUnit; unit++) {
      const model = Math.floor(unit / tiles);
      const tile = unit % tiles;
      const place = model * allTiles + firstTile + tile;
      const end = Math.min((tile + 1) * tileSamples, batch);
      const partial = partials.subarray(place * length, (place + 1) * length) as Float64Array;
      const own = parameters.subarray(model * length, (model + 1) * length) as Float64Array;
      partial.fill(0);
      losses[place] = 0;
      for (let first = tile * tileSamples; first < end; first += block) {
        const count = Math.min(block, end - first);
        const gradient = first === tile * tileSamples ? partial : sum;
        // Rows of all channels and traces, cut out of the batch's.
        for (let row = 0; row < channels * traces; row++) {
          const from = (row * batch + first) * widths[0];
          states[0].set(x.subarray(from, from + count * widths[0]), row * count * widths[0]);
        }
        const steps = layers.map((layer) => layerReferences(layer, points, traces * count));
        for (let index = 0; index < last; index++) steps[index].forward(states[index], own, states[index + 1]);
        const scalarGradient = gradient.subarray(firstScalar, firstScalar + head.scalars);
        const inTile = { first, count, batch, model, parameters: own, scalarGradient };
        losses[place] += head.reference(
          others,
          { ...inTile, outputs: states[last], adjoints: adjoints[last] },
          constants,
        );
        for (let index = last - 1; index >= 0; index--) {
          steps[index].parameterGradient(states[index], adjoints[index + 1], gradient);
          if (index > 0) steps[index].inputGradient(states[index], own, adjoints[index + 1], adjoints[index]);
        }
        if (gradient === sum) for (let i = 0; i < length; i++) partial[i] += sum[i];
      }
    }
  };
}
