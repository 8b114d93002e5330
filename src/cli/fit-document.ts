/** What `nestkan fit --json` prints, made from a fit. */
import type { FitResult, FittedModel, OpenedBackend } from '../node.ts';
import { formatCount, formatNumber } from '../report/format.ts';
import type { TrainingData } from './data.ts';
import { type DeviceDocument, describeDevice } from './device.ts';
import { type Score, scoreOf } from './score.ts';

export interface FitLevelDocument {
  /** Of the first layer. */
  intervals: number;
  parameters: number;
  optimizer: string;
  /** Why this one; null where it was asked for. */
  reason: string | null;
  steps: number;
  work: number;
  /** Mean squared errors in the targets' own units. */
  trainMse: number;
  testMse: number | null;
  seconds: number;
}

export interface FitDocument {
  command: 'fit';
  interrupted: boolean;
  device: DeviceDocument;
  inputs: readonly string[];
  targets: readonly string[];
  skippedRows: number;
  model: { widths: number[]; degree: number; basis: 'spline'; intervals: number[] };
  parameters: number;
  /** Of the network that did best. */
  seed: number;
  levels: FitLevelDocument[];
  train: Score;
  test: Score | null;
  /** Weight of the roughness penalty, and what else was tried on rows held back from training. */
  roughness: number;
  candidates: FitResult['candidates'];
  /** Of the whole search; the levels are those of the fit that made the model. */
  work: number;
  seconds: number;
  out: string | null;
  report: string | null;
}

/** A model with what it says about the rows at hand. */
export interface Fitted {
  readonly result: FitResult;
  readonly data: TrainingData;
  readonly trainPrediction: Float64Array;
  readonly testPrediction?: Float64Array;
}

export function describeFit(
  { result, data: { all, train, test }, trainPrediction, testPrediction }: Fitted,
  backend: OpenedBackend,
  { out, report }: { out?: string; report?: string },
): FitDocument {
  const { model, history, interrupted, roughness, candidates, work, seconds, seed } = result;
  const { network, units } = model;
  return {
    command: 'fit',
    interrupted,
    device: describeDevice(backend),
    inputs: units.inputs,
    targets: units.targets,
    skippedRows: all.skipped,
    model: { widths: network.widths, degree: degreeOf(model), basis: 'spline', intervals: network.intervals },
    parameters: network.parameterCount,
    seed,
    levels: history.levels.map((level) => ({
      intervals: level.intervals[0],
      parameters: level.parameters,
      optimizer: level.optimizer,
      reason: level.reason ?? null,
      steps: level.steps,
      work: level.work,
      trainMse: level.watched!['train'],
      testMse: level.watched!['test'] ?? null,
      seconds: level.seconds,
    })),
    train: scoreOf(trainPrediction, train.y, units.targets),
    test: test && testPrediction ? scoreOf(testPrediction, test.y, units.targets) : null,
    roughness,
    candidates,
    work,
    seconds,
    out: out ?? null,
    report: report ?? null,
  };
}

function degreeOf({ network }: FittedModel): number {
  const layer = network.layers.find(({ type }) => type === 'spline');
  return layer?.type === 'spline' ? layer.grid.degree : Number.NaN;
}

/** Why the penalty and the finest level are what they are. */
export function choiceInWords({ levels, roughness, candidates }: FitDocument, { rows }: FitResult): string {
  const what = `roughness ${formatNumber(roughness)}, ${levels.length} ${levels.length === 1 ? 'level' : 'levels'}`;
  if (candidates.length === 0) return `${what}: as asked for, or fixed for want of rows to choose on`;
  const best = candidates.reduce((least, candidate) =>
    candidate.validationLoss < least.validationLoss ? candidate : least,
  );
  const error = `validation error ${formatNumber(best.validationLoss)} of the targets' variance`;
  const tried = `best of ${candidates.length} ${candidates.length === 1 ? 'weight' : 'weights'} tried`;
  return `${what}: ${tried}, ${error}; the model learnt from ${formatCount(rows)} rows`;
}
