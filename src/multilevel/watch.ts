import type { Backend, DeviceBuffer, Recording } from '../backend/backend.ts';
import { dispatch } from '../backend/dispatch.ts';
import { copy } from '../kernels/vectors.ts';
import type { Network } from '../models/network.ts';
import type { Monitor, Problem } from './problem.ts';

/** A problem's figure of merit for one model, recorded once and read when asked. */
export class Watch {
  readonly #backend: Backend;
  readonly #monitor: Monitor;
  readonly #recording: Recording;

  private constructor(backend: Backend, monitor: Monitor, recording: Recording) {
    this.#backend = backend;
    this.#monitor = monitor;
    this.#recording = recording;
  }

  static async open(problem: Problem, model: Network): Promise<Watch> {
    const monitor = problem.monitor(model);
    return new Watch(model.backend, monitor, await model.backend.record(monitor.evaluate, 'monitor'));
  }

  async loss(): Promise<number> {
    this.#backend.run(this.#recording);
    const [[loss]] = await this.#backend.read([this.#monitor.loss]);
    return loss;
  }

  close(): void {
    this.#monitor.dispose();
  }
}

/** Looks at validation data now and then, and keeps the parameters that did best. */
export class Validation {
  readonly #model: Network;
  readonly #watch: Watch;
  readonly #best: DeviceBuffer;
  readonly #keep: Recording;
  readonly #restore: Recording;
  #looksSinceBest = 0;
  /** The least loss seen. */
  best = Number.POSITIVE_INFINITY;

  private constructor(model: Network, watch: Watch, best: DeviceBuffer, keep: Recording, restore: Recording) {
    this.#model = model;
    this.#watch = watch;
    this.#best = best;
    this.#keep = keep;
    this.#restore = restore;
  }

  static async open(problem: Problem, model: Network): Promise<Validation> {
    const { backend, parameters } = model;
    const { values, length: count } = parameters;
    const best = backend.allocate(count, { label: 'best parameters' });
    const keep = await backend.record([dispatch(copy, { source: values, target: best }, { count })], 'keep best');
    const restore = await backend.record([dispatch(copy, { source: best, target: values }, { count })], 'restore best');
    return new Validation(model, await Watch.open(problem, model), best, keep, restore);
  }

  /** Number of looks in a row that brought nothing. */
  get looksSinceBest(): number {
    return this.#looksSinceBest;
  }

  async look(): Promise<number> {
    const loss = await this.#watch.loss();
    if (loss < this.best) {
      this.best = loss;
      this.#looksSinceBest = 0;
      this.#model.backend.run(this.#keep);
    } else {
      this.#looksSinceBest++;
    }
    return loss;
  }

  restoreBest(): void {
    if (Number.isFinite(this.best)) this.#model.backend.run(this.#restore);
  }

  close(): void {
    this.#watch.close();
    this.#model.backend.release(this.#best);
  }
}
