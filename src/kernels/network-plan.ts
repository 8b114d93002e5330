/** The layers of a network in one kernel (src/kernels/network-gradient.ts), and how its workgroup memory is shared out. */

/** A layer, and where its parameters begin in the flat vector. Splines of a network have one degree. */
export type NetworkLayer = SplineNetworkLayer | AffineNetworkLayer;

export interface SplineNetworkLayer {
  readonly type: 'spline';
  readonly inputs: number;
  readonly outputs: number;
  readonly intervals: number;
  readonly degree: number;
  readonly domain: readonly [number, number];
  readonly firstParameter: number;
}

export interface AffineNetworkLayer {
  readonly type: 'affine';
  readonly inputs: number;
  readonly outputs: number;
  readonly firstParameter: number;
  /** Undefined without bias. */
  readonly firstBias?: number;
}

/** What a point carries through the network (src/kernels/jet.ts), and how many points make a sample. */
export interface NetworkPoints {
  readonly directions: number;
  readonly order: 0 | 1 | 2;
  readonly traces: number;
}

/** Most points at once, and threads for each: for a layer's inputs or outputs, side by side. */
const MOST_SLOTS = 16;
export const LANES = 8;
/** Numbers that workgroup memory of 16 KiB holds, a little left for whatever else a compiler wants to keep there. */
export const MEMORY = 4032;
/** Fewer points at once are not worth it. */
const FEWEST_SLOTS = 4;

/** What a workgroup keeps in its memory, and where. */
export interface Plan {
  /** Rows of activations, and of adjoints. */
  readonly rows: number;
  readonly pointRows: number;
  /** First row of the inputs of every layer, and of the output. */
  readonly firstRows: readonly number[];
  readonly firstPointRows: readonly number[];
  /** Numbers kept for each point. */
  readonly perSlot: number;
  /** Points worked at together; 0 where even few do not fit. */
  readonly slots: number;
}

export function planOf(
  layers: readonly NetworkLayer[],
  { directions, order, traces }: NetworkPoints,
  scalars: number,
): Plan {
  const channels = 1 + order * directions;
  const firstRows = [0];
  const firstPointRows: number[] = [];
  let pointRows = 0;
  for (const [index, { type, inputs }] of layers.entries()) {
    firstRows.push(firstRows[index] + channels * inputs);
    firstPointRows.push(pointRows);
    if (type === 'spline') pointRows += 4 * inputs;
  }
  const rows = firstRows[layers.length] + channels * layers[layers.length - 1].outputs;
  const perSlot = 2 * rows + Math.max(1, pointRows) + Math.max(1, scalars) + 1;
  let slots = MOST_SLOTS;
  while (slots >= FEWEST_SLOTS && perSlot * (slots + 1) > MEMORY) slots /= 2;
  return { rows, pointRows, firstRows, firstPointRows, perSlot, slots: slots >= FEWEST_SLOTS * traces ? slots : 0 };
}

/** Most edges that a network may have to be worth a single kernel. */
const MOST_EDGES = 1024;

/** Whether {@link networkGradient} takes a network: splines of one degree and plain linear layers, all narrow. */
export function isNarrow(layers: readonly NetworkLayer[], points: NetworkPoints, scalars = 0): boolean {
  const degrees = new Set(layers.flatMap((layer) => (layer.type === 'spline' ? [layer.degree] : [])));
  const edges = layers.reduce((sum, { inputs, outputs }) => sum + inputs * outputs, 0);
  return degrees.size === 1 && edges <= MOST_EDGES && planOf(layers, points, scalars).slots > 0;
}

/** Samples of a pass of {@link networkGradient}. */
export function passSamples(layers: readonly NetworkLayer[], points: NetworkPoints, scalars = 0): number {
  return Math.floor(planOf(layers, points, scalars).slots / points.traces);
}
