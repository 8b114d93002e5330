/** From a fitted model to the plain numbers that its report draws. */
import { basename } from 'node:path';
import { bsplineBasis, type FittedModel, type GridLayer, unscaleInputs } from '../node.ts';
import type { FitHeatMap, FitReportData, PredictedActual } from '../report/fit-report.ts';
import { formatCount } from '../report/format.ts';
import { skippedRows } from './data.ts';
import { deviceInWords } from './device.ts';
import { choiceInWords, type FitDocument, type Fitted } from './fit-document.ts';
import { optimizersInWords } from './network-options.ts';

type EdgeCurve = FitReportData['edges'][number];

const SAMPLES_PER_EDGE = 97;
/** Of networks with more edges only the strongest are sampled; a report draws far fewer still. */
const MOST_EDGES = 4000;
const HEAT_MAP_CELLS = 96;

export async function fitReportData(
  fitted: Fitted,
  document: FitDocument,
  { path, commandLine }: { path: string; commandLine: string },
): Promise<FitReportData> {
  const { result } = fitted;
  const { history, model } = result;
  const { levels, train, test, device, work, seconds } = document;
  return {
    title: `Fit of ${basename(path)}`,
    subtitle: `${document.targets.join(', ')} from ${document.inputs.join(', ')}`,
    command: commandLine,
    device: deviceInWords(device),
    model: [
      ['network', `${document.model.widths.join(' → ')}, splines of degree ${document.model.degree}`],
      ['parameters', formatCount(document.parameters)],
      ['roughness', choiceInWords(document, result)],
      ['optimizer', optimizersInWords(levels)],
    ],
    levels,
    history: history.curve,
    lossLabel: "loss (targets' variance, with penalty)",
    refinements: levels
      .slice(1)
      .map((_, index) => levels.slice(0, index + 1).reduce((sum, level) => sum + level.work, 0)),
    work,
    seconds,
    candidates: document.candidates,
    predictions: predictedAndActual(fitted),
    edges: await edgeCurves(model),
    heatMaps: await heatMaps(model),
    train,
    test: test ?? undefined,
    notes: notesOn(document),
  };
}

function notesOn({ interrupted, skippedRows: skipped, targets }: FitDocument): string[] {
  const notes: string[] = [];
  if (interrupted) notes.push('The run was interrupted: this is the best model so far.');
  if (skipped > 0) notes.push(`${skippedRows(skipped)}: they lack a number.`);
  if (targets.length > 1) notes.push('Errors are means over the targets, each in its own units.');
  return notes;
}

function predictedAndActual({ result, data, trainPrediction, testPrediction }: Fitted): PredictedActual[] {
  const { targets } = result.model.units;
  return targets.flatMap((target, index) => {
    const column = (matrix: Float64Array) => matrix.filter((_, position) => position % targets.length === index);
    const sets = [{ target, rows: 'training rows', predicted: column(trainPrediction), actual: column(data.train.y) }];
    if (data.test && testPrediction) {
      sets.push({ target, rows: 'test rows', predicted: column(testPrediction), actual: column(data.test.y) });
    }
    return sets;
  });
}

/**
 * Every edge function over its grid's domain. The first layer's inputs and the last layer's outputs are in the data's
 * own units; what lies between has none.
 */
async function edgeCurves({ network, units }: FittedModel): Promise<EdgeCurve[]> {
  const values = await network.parameters.read();
  const last = network.layers.length - 1;
  return network.layers.flatMap((layer, index) => {
    if (layer.type !== 'spline') return [];
    const { min, max } = units.inputScaling;
    const ends = (input: number) => (index === 0 ? ([min[input], max[input]] as const) : layer.grid.domain);
    const curves = layerCurves(layer, values[`layer${index}.weights`]);
    return curves.map(({ input, output, y }): EdgeCurve => {
      const domain = ends(input);
      const scale = index === last ? units.targetScaling.deviation[output] : 1;
      return {
        layer: index,
        input,
        output,
        inputName: index === 0 ? units.inputs[input] : undefined,
        outputName: index === last ? units.targets[output] : undefined,
        domain,
        knots: spread(domain, layer.grid.intervals),
        x: spread(domain, SAMPLES_PER_EDGE - 1),
        y: y.map((value) => scale * value),
      };
    });
  });
}

interface LayerCurve {
  readonly input: number;
  readonly output: number;
  readonly y: Float64Array;
}

/** @param weights [inputs, coefficients, outputs] */
function layerCurves({ inputs, outputs, grid }: GridLayer, weights: Float64Array): LayerCurve[] {
  const coefficients = grid.intervals + grid.degree;
  const basis = Array.from(spread(grid.domain, SAMPLES_PER_EDGE - 1), (x) => bsplineBasis(x, grid));
  const edges = Array.from({ length: inputs * outputs }, (_, edge) => {
    const [input, output] = [Math.floor(edge / outputs), edge % outputs];
    const column = Float64Array.from(
      { length: coefficients },
      (_, k) => weights[(input * coefficients + k) * outputs + output],
    );
    return { input, output, column };
  });
  return strongest(edges).map(({ input, output, column }) => ({
    input,
    output,
    y: Float64Array.from(basis, (values) => values.reduce((sum, value, k) => sum + value * column[k], 0)),
  }));
}

function strongest<Edge extends { column: Float64Array }>(edges: Edge[]): Edge[] {
  if (edges.length <= MOST_EDGES) return edges;
  const range = ({ column }: Edge) =>
    column.reduce((most, value) => Math.max(most, value)) - column.reduce((least, value) => Math.min(least, value));
  const ranges = new Map(edges.map((edge) => [edge, range(edge)]));
  return edges.sort((a, b) => ranges.get(b)! - ranges.get(a)!).slice(0, MOST_EDGES);
}

/** Equally spaced points from one end to the other, both included. */
function spread([start, end]: readonly [number, number], intervals: number): Float64Array {
  return Float64Array.from({ length: intervals + 1 }, (_, i) => (start * (intervals - i) + end * i) / intervals);
}

/** For two inputs, one map per target over the range of the training rows. */
async function heatMaps(model: FittedModel): Promise<FitHeatMap[]> {
  const { inputs, targets, inputScaling } = model.units;
  if (inputs.length !== 2) return [];
  const [low, high] = inputScaling.domain;
  const centre = (cell: number) => low + ((high - low) * (cell + 0.5)) / HEAT_MAP_CELLS;
  const points = Array.from({ length: HEAT_MAP_CELLS ** 2 }, (_, cell) => [
    centre(cell % HEAT_MAP_CELLS),
    centre(Math.floor(cell / HEAT_MAP_CELLS)),
  ]);
  const data = unscaleInputs(inputScaling, points.flat());
  const { data: values } = await model.evaluate({ rows: points.length, columns: 2, data });
  return targets.map((target, index) => ({
    xLabel: inputs[0],
    yLabel: inputs[1],
    colorLabel: target,
    xDomain: [inputScaling.min[0], inputScaling.max[0]],
    yDomain: [inputScaling.min[1], inputScaling.max[1]],
    width: HEAT_MAP_CELLS,
    height: HEAT_MAP_CELLS,
    values: values.filter((_, position) => position % targets.length === index),
  }));
}
