/** What `nestkan solve --json` prints, made from a solution. */
import type { LevelRecord, Network, OpenedBackend, Solution } from '../node.ts';
import { type DeviceDocument, describeDevice } from './device.ts';
import type { PdeTask } from './problems.ts';

export interface SolveLevelDocument {
  /** Of the first layer. */
  intervals: number;
  parameters: number;
  optimizer: string;
  /** Why this one; null where it was asked for. */
  reason: string | null;
  steps: number;
  work: number;
  /** Weighted sum of the terms. */
  loss: number;
  /** The same at points that training did not see. */
  heldOutLoss: number;
  /** Mean squared residuals, not weighted. */
  terms: Record<string, number>;
  /** Null where no exact solution is known. */
  relativeL2: number | null;
  maxError: number | null;
  seconds: number;
}

export interface SolveDocument {
  command: 'solve';
  interrupted: boolean;
  device: DeviceDocument;
  problem: string;
  description: string;
  model: { widths: number[]; degree: number; basis: 'spline'; intervals: number[] };
  parameters: number;
  /** Of the network that did best. */
  seed: number;
  levels: SolveLevelDocument[];
  relativeL2: number | null;
  maxError: number | null;
  /** Trained scalars, by name. */
  scalars: Readonly<Record<string, number>>;
  /** What makes the solution doubtful, and what to do; empty where nothing does. */
  warnings: readonly string[];
  work: number;
  seconds: number;
  out: string | null;
  report: string | null;
}

export function describeSolution(
  { name, description }: PdeTask,
  { model, history, errors, scalars, problem, warnings, seed }: Solution,
  backend: OpenedBackend,
  { out, report }: { out?: string; report?: string },
): SolveDocument {
  const terms = problem.terms.map((term) => term.name);
  return {
    command: 'solve',
    interrupted: history.stopped === 'aborted',
    device: describeDevice(backend),
    problem: name,
    description,
    model: { widths: model.widths, degree: degreeOf(model), basis: 'spline', intervals: model.intervals },
    parameters: model.parameterCount,
    seed,
    levels: history.levels.map((level) => describeLevel(level, terms, errors !== undefined)),
    relativeL2: errors?.relativeL2 ?? null,
    maxError: errors?.maxError ?? null,
    scalars,
    warnings,
    work: history.work,
    seconds: history.seconds,
    out: out ?? null,
    report: report ?? null,
  };
}

function describeLevel(
  {
    intervals,
    parameters,
    optimizer,
    reason,
    steps,
    work,
    trainLoss,
    validationLoss,
    watched = {},
    seconds,
  }: LevelRecord,
  terms: readonly string[],
  hasErrors: boolean,
): SolveLevelDocument {
  return {
    intervals: intervals[0],
    parameters,
    optimizer,
    reason: reason ?? null,
    steps,
    work,
    loss: trainLoss,
    heldOutLoss: validationLoss ?? Number.NaN,
    terms: Object.fromEntries(terms.map((term) => [term, watched[term]])),
    relativeL2: hasErrors ? watched['relativeL2'] : null,
    maxError: hasErrors ? watched['maxError'] : null,
    seconds,
  };
}

function degreeOf({ layers }: Network): number {
  const layer = layers.find(({ type }) => type === 'spline');
  return layer?.type === 'spline' ? layer.grid.degree : Number.NaN;
}
