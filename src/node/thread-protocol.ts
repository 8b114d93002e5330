/** What the pool, src/node/thread-pool.ts, and its workers, src/node/thread-worker.ts, have in common. */
import type { MessagePort } from 'node:worker_threads';
import type { HostArray, Kernel, Recipe } from '../kernels/kernel.ts';

/** A kernel on its buffers, as it is sent to a worker, once. */
export interface SharedStep {
  readonly id: number;
  /** A kernel of the registry by its name, a generated one by its recipe. */
  readonly kernel: string | Recipe;
  /** On shared memory. */
  readonly buffers: Readonly<Record<string, HostArray>>;
  readonly constants: Readonly<Record<string, number>>;
  readonly tickets: Tickets;
}

/**
 * A step is cut into pieces, and threads take one after another until there are no more. Between its turns a step has
 * none left, so that a thread that comes late finds nothing to do, or another turn of the very same step.
 */
export interface Tickets {
  /** Shared; see {@link TAKEN}, {@link DONE} and {@link FAILED}. */
  readonly counts: Int32Array;
  readonly pieces: number;
  /** Of the kernel. */
  readonly parts: number;
}

/** Places in {@link Tickets.counts}: pieces that were taken, those of them that are done, and those of these that threw. */
export const TAKEN = 0;
export const DONE = 1;
export const FAILED = 2;
export const COUNT_WORDS = 3;

/** Places in the pool's control words: which step it is the turn of, how many turns there were, workers that failed. */
export const STEP = 0;
export const TURN = 1;
export const FAILURES = 2;
export const CONTROL_WORDS = 3;

/** From the pool to a worker. */
export type Order = { readonly step: SharedStep } | { readonly forget: readonly number[] };

/** What a worker is started with. */
export interface WorkerStart {
  readonly control: Int32Array;
  readonly port: MessagePort;
}

/** From a worker to the pool: why it stopped. */
export interface WorkerFailure {
  readonly message: string;
  readonly stack?: string;
}

/** Works on a step until all of its pieces are taken. */
export function workOn(
  kernel: Kernel,
  buffers: SharedStep['buffers'],
  constants: SharedStep['constants'],
  { counts, pieces, parts }: Tickets,
): void {
  while (Atomics.load(counts, TAKEN) < pieces) {
    const piece = Atomics.add(counts, TAKEN, 1);
    if (piece >= pieces) return;
    try {
      const first = Math.floor((piece * parts) / pieces);
      kernel.reference(buffers, constants, first, Math.floor(((piece + 1) * parts) / pieces));
    } catch (error) {
      Atomics.add(counts, FAILED, 1);
      throw error;
    } finally {
      // Whatever came of it: the pool waits for it.
      Atomics.add(counts, DONE, 1);
      Atomics.notify(counts, DONE);
    }
  }
}
