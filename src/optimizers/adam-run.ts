import type { DeviceBuffer, Recording } from '../backend/backend.ts';
import { dispatch } from '../backend/dispatch.ts';
import { NestkanError } from '../errors.ts';
import { adam as adamKernel } from '../kernels/adam.ts';
import { advanceCounter } from '../kernels/counter.ts';
import { nonfiniteCount } from '../kernels/monitors.ts';
import { Memory } from './memory.ts';
import type { FusedGradient, Objective, TiledGradient } from './objective.ts';
import type { Advance, OptimizerRun } from './optimizer.ts';
import type { Schedule } from './schedule.ts';
import { Snapshot } from './snapshot.ts';

export interface AdamOptions {
  /** Default 0.02. */
  readonly learningRate?: number;
  /** Default cosine. */
  readonly schedule?: Schedule;
  /** Default 0.9 and 0.999. */
  readonly beta1?: number;
  readonly beta2?: number;
  /** Default 1e-8. */
  readonly epsilon?: number;
  /** Decoupled, as in AdamW. Default 0. */
  readonly weightDecay?: number;
}

/** Steps per readback of losses; a multiple of the backends' view alignment. */
const CHUNK = 64;
/** Chunks that may be under way; one more snapshot is kept, for a failure at the very start of a chunk. */
const DEPTH = 2;
const SNAPSHOTS = DEPTH + 1;

/** A gradient that is not made in parts, as its only part. */
function whole({ evaluate, variables, loss }: Objective): TiledGradient {
  return { evaluate, partials: variables.gradients, losses: loss, tiles: 1 };
}

/** Steps enqueued together: the first one's number, how many, and the snapshot taken before them. */
interface Chunk {
  readonly first: number;
  readonly steps: number;
  readonly slot: number;
}

/** A run of `adam` (src/optimizers/adam.ts). */
export class AdamRun implements OptimizerRun {
  readonly depth = DEPTH;
  readonly #objective: Objective;
  readonly #memory: Memory;
  readonly #state: readonly DeviceBuffer[];
  readonly #schedule: DeviceBuffer;
  /** Steps made, as every thread of the kernel counts them. */
  readonly #counters: DeviceBuffer;
  readonly #ring: DeviceBuffer;
  readonly #constants: { beta1: number; beta2: number; epsilon: number; weightDecay: number };
  #fused?: FusedGradient;
  #step!: Recording;
  #snapshots: readonly Snapshot[] = [];
  #failure?: Promise<never>;
  #done = 0;
  #started = 0;
  #check!: readonly Recording[];
  /** Bad parameters after a chunk, one count per snapshot: a chunk under way must not disturb the one before. */
  readonly #nonfinite: DeviceBuffer;
  /** The chunks enqueued last, whose snapshots are still there. */
  readonly #chunks: Chunk[] = [];

  constructor(
    objective: Objective,
    rates: Float64Array,
    constants: { beta1: number; beta2: number; epsilon: number; weightDecay: number },
  ) {
    const { backend, variables } = objective;
    this.#objective = objective;
    this.#constants = constants;
    const memory = new Memory(backend);
    this.#memory = memory;
    const moments = [memory.allocate(variables.length), memory.allocate(variables.length)];
    this.#state = [variables.values, ...moments, ...(objective.stepState ?? [])];
    this.#schedule = memory.allocate(rates.length);
    this.#counters = memory.allocate(variables.length + 1, { type: 'uint', label: 'step counters' });
    this.#ring = memory.allocate(SNAPSHOTS * CHUNK);
    this.#nonfinite = memory.allocate(SNAPSHOTS, { type: 'uint' });
    backend.write(this.#schedule, rates);
    this.#countFrom(0);
  }

  async record(): Promise<void> {
    const { backend, variables, perStep = [] } = this.#objective;
    const [parameters, firstMoment, secondMoment] = this.#state;
    const { length: count } = variables;
    this.#fused = await this.#objective.fuse?.();
    const { evaluate, partials, losses, tiles } = this.#fused?.tiled ?? whole(this.#objective);
    const [schedule, counters, ring] = [this.#schedule, this.#counters, this.#ring];
    const counter = this.#objective.miniBatches?.counter;
    const sizes = { models: 1, length: count, tiles, steps: schedule.length, ringLength: ring.length };
    this.#step = await backend.record(
      [
        ...evaluate,
        ...perStep,
        dispatch(
          adamKernel,
          { parameters, partials, losses, firstMoment, secondMoment, schedule, counters, ring },
          { ...this.#constants, ...sizes },
        ),
        ...(counter ? [dispatch(advanceCounter, { counter }, {})] : []),
      ],
      'adam step',
    );
    const slots = Array.from({ length: SNAPSHOTS }, (_, slot) => slot);
    this.#snapshots = await Promise.all(slots.map(() => Snapshot.open(backend, ...this.#state)));
    const counts = { values: parameters, counts: this.#nonfinite };
    this.#check = await Promise.all(
      slots.map((slot) =>
        backend.record([dispatch(nonfiniteCount, counts, { count, slot, slots: SNAPSHOTS })], 'finite check'),
      ),
    );
  }

  async advance(evaluations: number): Promise<Advance> {
    const { backend, miniBatches } = this.#objective;
    const first = this.#done;
    // A chunk is one stretch of the ring; it also ends where an epoch ends, since shuffling is the host's work.
    let steps = Math.min(Math.max(1, evaluations), CHUNK - (first % CHUNK));
    if (miniBatches) {
      const inEpoch = first % miniBatches.stepsPerEpoch;
      if (inEpoch === 0) miniBatches.shuffle(first / miniBatches.stepsPerEpoch);
      steps = Math.min(steps, miniBatches.stepsPerEpoch - inEpoch);
    }
    const chunk: Chunk = { first, steps, slot: this.#started++ % SNAPSHOTS };
    this.#chunks.push(chunk);
    if (this.#chunks.length > SNAPSHOTS) this.#chunks.shift();
    this.#done += steps;
    this.#snapshots[chunk.slot].keep();
    backend.run(this.#step, steps);
    backend.run(this.#check[chunk.slot]);
    const start = first % this.#ring.length;
    const stretch = this.#ring.view(start - (start % CHUNK), CHUNK);
    const [ring, nonfinite] = await backend.read([stretch, this.#nonfinite]);
    const losses = ring.slice(start % CHUNK, (start % CHUNK) + steps);
    const bad = [...losses, nonfinite[chunk.slot] > 0 ? Number.NaN : 0].findIndex((loss) => !Number.isFinite(loss));
    if (bad >= 0) this.#failure ??= this.#fail(first + bad);
    if (this.#failure) await this.#failure;
    return { losses, lossEvaluations: losses.map((_, index) => index + 1), steps, evaluations: steps };
  }

  /**
   * Puts the variables back to where they were before step `bad` − 1, whose update broke them, and throws.
   *
   * Steps are deterministic: repeating the finite ones from a snapshot gives the very same state again.
   */
  async #fail(bad: number): Promise<never> {
    await this.#replayTo(bad);
    const where = { step: bad, ...(await this.#objective.diagnose?.()) };
    await this.#replayTo(Math.max(0, bad - 1));
    throw new NestkanError('NON_FINITE_TRAINING', `the loss or the parameters are not finite at step ${bad}`, {
      fix: 'Lower the learning rate, or check the data for extreme values.',
      where,
    });
  }

  async #replayTo(step: number): Promise<void> {
    const { backend, miniBatches } = this.#objective;
    const { first, slot } = [...this.#chunks].reverse().find((chunk) => chunk.first <= step)!;
    if (miniBatches) miniBatches.shuffle(Math.floor(first / miniBatches.stepsPerEpoch));
    this.#snapshots[slot].restore();
    this.#countFrom(first);
    if (step > first) backend.run(this.#step, step - first);
    await backend.finish();
  }

  #countFrom(step: number): void {
    const { backend, miniBatches } = this.#objective;
    backend.write(this.#counters, new Uint32Array(this.#counters.length).fill(step));
    if (miniBatches) backend.write(miniBatches.counter, [step]);
  }

  dispose(): void {
    for (const snapshot of this.#snapshots) snapshot.close();
    this.#fused?.dispose();
    this.#memory.release();
  }
}
