import type { Backend, Recording } from '../backend/backend.ts';
import type { Network } from '../models/network.ts';
import { Snapshot } from '../optimizers/snapshot.ts';
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

  static async open(problem: Pick<Problem, 'monitor'>, model: Network): Promise<Watch> {
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
  readonly #watch: Watch;
  readonly #best: Snapshot;
  #looksSinceBest = 0;
  /** The least loss seen. */
  best = Number.POSITIVE_INFINITY;

  private constructor(watch: Watch, best: Snapshot) {
    this.#watch = watch;
    this.#best = best;
  }

  static async open(problem: Pick<Problem, 'monitor'>, model: Network): Promise<Validation> {
    const { backend, parameters } = model;
    return new Validation(await Watch.open(problem, model), await Snapshot.open(backend, parameters.values));
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
      this.#best.keep();
    } else {
      this.#looksSinceBest++;
    }
    return loss;
  }

  restoreBest(): void {
    if (Number.isFinite(this.best)) this.#best.restore();
  }

  close(): void {
    this.#watch.close();
    this.#best.close();
  }
}
