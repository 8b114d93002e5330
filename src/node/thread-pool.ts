/**
 * Worker threads for the CPU backend.
 *
 * The calling thread announces a step, does its share of the pieces and waits for those that workers have taken: every
 * `run` is a fork and a join, and returns when the work is done. Which thread does which piece changes no bit of the
 * result, since units of a kernel do not depend on each other ({@link Kernel.parts}).
 */
import { availableParallelism } from 'node:os';
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import type { ElementType } from '../backend/backend.ts';
import type { Threads } from '../backend/cpu/cpu-backend.ts';
import { NestkanError } from '../errors.ts';
import type { HostArray, Kernel } from '../kernels/kernel.ts';
import { kernels } from '../kernels/registry.ts';
import { SharedMemory } from './shared-memory.ts';
import {
  CONTROL_WORDS,
  COUNT_WORDS,
  DONE,
  FAILED,
  FAILURES,
  type Order,
  type SharedStep,
  STEP,
  TAKEN,
  TURN,
  type WorkerFailure,
  type WorkerStart,
  workOn,
} from './thread-protocol.ts';
import workerSource from './thread-worker.bundle';

/** Operations that make a piece worth taking: much longer than what taking it and waking a thread cost. */
const PIECE_FLOPS = 50_000;

/** Operations after which workers are started: about as much work as starting one is. */
const START_FLOPS = 100_000_000;

/** More pieces than threads, so that one which is late or slow holds nobody up. */
const PIECES_PER_THREAD = 8;

/** Looks at the pieces that are out before sleeping. */
const SPINS = 2000;

/** Waiting for one piece longer than this means that its thread is gone. */
const PATIENCE_SECONDS = 60;

/** Most threads that are taken unasked, and at all. */
const DEFAULT_THREADS = 8;
const MAX_THREADS = 256;

/**
 * A pool of that many threads, by default one for each processor that the program may use; none for a single thread.
 *
 * @throws NestkanError INVALID_ARGUMENT
 */
export function openThreads(count = Math.min(availableParallelism(), DEFAULT_THREADS)): ThreadPool | undefined {
  if (Number.isInteger(count) && count >= 1 && count <= MAX_THREADS)
    return count > 1 ? new ThreadPool(count) : undefined;
  throw new NestkanError('INVALID_ARGUMENT', `${count} threads were asked for`, {
    fix: `Ask for a whole number of threads from 1 to ${MAX_THREADS}.`,
  });
}

interface Colleague {
  readonly worker: Worker;
  readonly port: MessagePort;
}

/** @param count threads, the calling one included */
export class ThreadPool implements Threads {
  readonly count: number;
  readonly #memory = new SharedMemory();
  readonly #control = new Int32Array(new SharedArrayBuffer(4 * CONTROL_WORDS));
  /** Steps that may be run again, by number, and those on each piece of memory. */
  readonly #known = new Map<number, SharedStep>();
  readonly #stepsOn = new Map<ArrayBufferLike, Set<number>>();
  /** Operations until workers are started. */
  #untilStart = START_FLOPS;
  #colleagues: readonly Colleague[] = [];
  #steps = 0;
  #failure?: WorkerFailure;

  constructor(count: number) {
    this.count = count;
  }

  /** Those that were started: none before there was work enough. */
  get workers(): readonly Worker[] {
    return this.#colleagues.map(({ worker }) => worker);
  }

  allocate(length: number, type: ElementType): HostArray {
    return this.#memory.allocate(length, type);
  }

  release({ buffer }: HostArray): void {
    const ids = this.#stepsOn.get(buffer);
    if (ids) {
      for (const id of ids) this.#known.delete(id);
      this.#tell({ forget: [...ids] });
    }
    this.#stepsOn.delete(buffer);
    this.#memory.release(buffer);
  }

  share(kernel: Kernel, buffers: SharedStep['buffers'], constants: SharedStep['constants']): (() => void) | undefined {
    const name = kernels.includes(kernel) ? kernel.name : kernel.recipe;
    const parts = kernel.parts(constants);
    const flops = kernel.flops(constants);
    const pieces = Math.min(parts, Math.floor(flops / PIECE_FLOPS), PIECES_PER_THREAD * this.count);
    if (name === undefined || pieces < 2) return undefined;
    const tickets = { counts: new Int32Array(new SharedArrayBuffer(4 * COUNT_WORDS)), pieces, parts };
    tickets.counts[TAKEN] = pieces;
    const step: SharedStep = { id: ++this.#steps, kernel: name, buffers, constants, tickets };
    this.#known.set(step.id, step);
    this.#tell({ step });
    for (const { buffer } of Object.values(buffers)) {
      const ids = this.#stepsOn.get(buffer);
      if (ids) ids.add(step.id);
      else this.#stepsOn.set(buffer, new Set([step.id]));
    }
    return () => {
      this.#untilStart -= flops;
      if (this.#untilStart > 0) kernel.reference(buffers, constants);
      else this.#run(step, kernel);
    };
  }

  close(): void {
    for (const { worker, port } of this.#colleagues) {
      port.close();
      void worker.terminate();
    }
    this.#colleagues = [];
    this.#known.clear();
    this.#stepsOn.clear();
  }

  #start(): void {
    if (this.#colleagues.length > 0) return;
    this.#colleagues = Array.from({ length: this.count - 1 }, () => {
      const { port1, port2 } = new MessageChannel();
      const worker = new Worker(workerSource, {
        eval: true,
        // Flags of the program may mean something else, or nothing, to the worker's.
        execArgv: [],
        workerData: { control: this.#control, port: port2 } satisfies WorkerStart,
        transferList: [port2],
      });
      worker.on('error', (error) => {
        this.#failure ??= error;
      });
      worker.on('exit', (code) => {
        this.#failure ??= new Error(`it ended with exit code ${code}`);
      });
      // A program that is done ends, whatever it has left open.
      worker.unref();
      return { worker, port: port1 };
    });
    for (const step of this.#known.values()) this.#tell({ step });
  }

  #tell(order: Order): void {
    for (const { port } of this.#colleagues) port.postMessage(order);
  }

  #run({ id, buffers, constants, tickets }: SharedStep, kernel: Kernel): void {
    this.#start();
    this.#check();
    const { counts } = tickets;
    Atomics.store(counts, DONE, 0);
    Atomics.store(counts, FAILED, 0);
    Atomics.store(counts, TAKEN, 0);
    Atomics.store(this.#control, STEP, id);
    Atomics.add(this.#control, TURN, 1);
    Atomics.notify(this.#control, TURN);
    try {
      workOn(kernel, buffers, constants, tickets);
    } finally {
      this.#join(tickets);
    }
    // The worker says why after it has said that.
    if (Atomics.load(counts, FAILED) > 0) Atomics.wait(this.#control, FAILURES, 0, 1000 * PATIENCE_SECONDS);
    this.#check();
  }

  /** Takes what pieces are left, if this thread failed, and waits for those that workers have taken. */
  #join({ counts, pieces }: SharedStep['tickets']): void {
    const taken = Math.min(Atomics.exchange(counts, TAKEN, pieces), pieces);
    for (let spins = SPINS; spins > 0; spins--) {
      if (Atomics.load(counts, DONE) === taken) return;
    }
    for (;;) {
      const done = Atomics.load(counts, DONE);
      if (done === taken) return;
      if (Atomics.wait(counts, DONE, done, 1000 * PATIENCE_SECONDS) !== 'timed-out') continue;
      this.#failure = new Error(`no answer for ${PATIENCE_SECONDS} s`);
      return;
    }
  }

  /** Throws if a worker has failed or is gone. */
  #check(): void {
    if (Atomics.load(this.#control, FAILURES) > 0) {
      const reports = this.#colleagues.map(
        ({ port }) => receiveMessageOnPort(port)?.message as WorkerFailure | undefined,
      );
      this.#failure ??= reports.find((report) => report !== undefined);
    }
    if (this.#failure === undefined) return;
    throw new NestkanError('DEVICE_LOST', `a thread of the CPU backend failed: ${this.#failure.message}`, {
      fix: 'Open another backend; with threads: 1 it does without.',
      cause: this.#failure,
    });
  }
}
