/** Which backend a training runs on, measured rather than guessed. */
import type { Backend } from '../backend/backend.ts';
import type { Choice, OpenedBackend } from '../backend/open.ts';
import type { Network } from '../models/network.ts';
import { automatic } from '../optimizers/automatic.ts';
import type { Optimizer } from '../optimizers/optimizer.ts';
import { secondsSince } from './history.ts';
import type { Problem } from './problem.ts';

/** What is to be trained, made anew on every backend that is tried; default optimizer as in training. */
export type Workload = (backend: Backend) => {
  readonly model: Network;
  readonly problem: Problem;
  readonly optimizer?: Optimizer;
};

/** Seconds per evaluation of a workload. Where it is at most `enough` at first sight, a rough figure will do. */
export type Measure = (backend: Backend, workload: Workload, enough?: number) => Promise<number>;

/** Software adapters take a second to open and compile: they are tried where an evaluation on the CPU takes longer than this. */
const SOFTWARE_WORTHWHILE = 0.02;
/** By how much a device must be faster: as much as measurements are uncertain, for the CPU has float64. */
const ADVANTAGE = 1.1;

/**
 * Opens the backend on which training will be fastest, by a few evaluations of the optimizer that will run, on the CPU and
 * on the hardware adapter if there is one. A software adapter is tried only where evaluations on the CPU take long.
 *
 * ```ts
 * const backend = await fastestBackend(fitWorkload(data), (device) => openBackend({ device }));
 * console.log(backend.choice.reason); // measured: 0.7 ms per evaluation on the CPU, 2.1 ms on NVIDIA H100
 * ```
 *
 * Where a workload does not run on the CPU, this is what `open('auto')` gives, so that training tells what is wrong.
 *
 * @param open opens any of the three; `webgpu` rejects where there is no adapter
 * @returns whose `choice` says what was measured; the other one is destroyed
 */
export async function fastestBackend(
  workload: Workload,
  open: (device: 'auto' | 'cpu' | 'webgpu') => Promise<OpenedBackend>,
  measure: Measure = secondsPerEvaluation,
): Promise<OpenedBackend> {
  const first = await open('auto');
  if (first.name === 'webgpu') return fasterOf(await open('cpu'), first, workload, measure);
  if (!first.choice.software) return first;
  const seconds = await measure(first, workload, SOFTWARE_WORTHWHILE).catch(() => 0);
  if (seconds > SOFTWARE_WORTHWHILE) {
    const device = await open('webgpu').catch(() => undefined);
    return device ? fasterOf(first, device, workload, measure, seconds) : first;
  }
  const { reason, ...rest } = first.choice;
  const quick = `${reason}; an evaluation on the CPU takes less than ${inWords(SOFTWARE_WORTHWHILE)}`;
  return seconds > 0 ? chosen(first, { ...rest, reason: quick }) : first;
}

/** Keeps one and destroys the other. */
async function fasterOf(
  cpu: OpenedBackend,
  device: OpenedBackend,
  workload: Workload,
  measure: Measure,
  cpuSeconds?: number,
): Promise<OpenedBackend> {
  let kept = device;
  try {
    const onCpu = cpuSeconds ?? (await measure(cpu, workload));
    const onDevice = await measure(device, workload).catch(() => undefined);
    let decision = chooseDevice(onCpu, onDevice, device.adapter);
    // The machine may have been busy with something else, which costs the CPU most.
    if (decision.keep === 'device') {
      decision = chooseDevice(Math.min(onCpu, await measure(cpu, workload)), onDevice, device.adapter);
    }
    kept = chosen(decision.keep === 'cpu' ? cpu : device, { reason: decision.reason });
  } catch {
    // The CPU cannot run it: training will say why.
  }
  (kept === cpu ? device : cpu).destroy();
  return kept;
}

/**
 * @param onCpu seconds per evaluation
 * @param onDevice the same; undefined where the device could not run it
 */
export function chooseDevice(
  onCpu: number,
  onDevice: number | undefined,
  adapter: string,
): { keep: 'cpu' | 'device'; reason: string } {
  const measured = `measured: ${inWords(onCpu)} per evaluation on the CPU`;
  if (onDevice === undefined) return { keep: 'cpu', reason: `${measured}; ${adapter} cannot run this` };
  const keep = onCpu > ADVANTAGE * onDevice ? 'device' : 'cpu';
  return { keep, reason: `${measured}, ${inWords(onDevice)} on ${adapter}` };
}

/** Two digits: 0.7 ms, 21 ms, 340 ms. */
function inWords(seconds: number): string {
  return `${Number((1000 * seconds).toPrecision(2))} ms`;
}

function chosen(backend: OpenedBackend, choice: Choice): OpenedBackend {
  return Object.assign(backend, { choice });
}

/** Evaluations of a first piece: what a step of Levenberg–Marquardt takes. */
const FIRST_PIECE = 2;
/** Training reads losses after at most this many. */
const LARGEST_PIECE = 64;
/** A piece that takes this long is no longer all latency. */
const PIECE_SECONDS = 0.015;
const PIECES = 3;
/** Spent on timing. */
const MOST_SECONDS = 0.25;

/**
 * The least of a few pieces of a run, since whatever else the machine does only adds to it, after a warm-up: devices compile
 * what they are given when they first run it.
 *
 * The CPU has little to warm up. A first evaluation there that takes long, or no more than `enough`, is what is returned.
 */
export async function secondsPerEvaluation(backend: Backend, workload: Workload, enough = 0): Promise<number> {
  const { model, problem, optimizer = automatic() } = workload(backend);
  const close = [() => model.dispose()];
  try {
    const objective = problem.bind(model);
    close.unshift(() => objective.dispose());
    backend.run(await backend.record(objective.enter ?? []));
    // Far more evaluations than will be made: an optimizer that shares them out stays with its first share.
    const run = await optimizer.start(objective, 100 * LARGEST_PIECE);
    close.unshift(() => run.dispose());
    const timed = async (evaluations: number) => {
      const start = performance.now();
      const advance = await run.advance(evaluations);
      const seconds = secondsSince(start);
      return { seconds, rate: seconds / Math.max(1, advance.evaluations), finished: advance.finished };
    };
    const first = await timed(1);
    if (first.finished) return first.rate;
    if (backend.name === 'cpu' && (first.rate <= enough || first.seconds > MOST_SECONDS)) return first.rate;
    let least = Number.POSITIVE_INFINITY;
    const start = performance.now();
    let piece = FIRST_PIECE;
    for (let pieces = 0; pieces < PIECES && secondsSince(start) < MOST_SECONDS; ) {
      const { seconds, rate, finished } = await timed(piece);
      least = Math.min(least, rate);
      if (finished) break;
      if (seconds < PIECE_SECONDS && piece < LARGEST_PIECE) piece *= 2;
      else pieces++;
    }
    return least;
  } finally {
    for (const each of close) each();
  }
}
