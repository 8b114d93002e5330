import type { Matrix } from '../arrays.ts';
import type { Backend, DeviceBuffer, Recording } from '../backend/backend.ts';
import { dispatch } from '../backend/dispatch.ts';
import { adam as adamKernel } from '../kernels/adam.ts';
import { squaredErrorHead } from '../kernels/squared-error-head.ts';
import { copy } from '../kernels/vectors.ts';
import type { Kan } from '../models/kan.ts';
import { adamDefaults } from '../optimizers/adam.ts';
import { Memory } from '../optimizers/memory.ts';
import type { TiledGradient } from '../optimizers/objective.ts';
import { learningRates } from '../optimizers/schedule.ts';
import { type FusedTerm, tiledGradient } from './fused-gradient.ts';

/** Steps between readbacks of losses, where validation does not ask for fewer. */
const CHUNK = 64;
/** Rows of inputs, and of targets: one table for all members, or one for each. */
export interface SweepData {
  readonly inputs: Matrix;
  readonly targets: readonly Matrix[];
}

/** Networks of one shape, one behind the other in the memory of a device, trained by the same dispatches. */
export class SweepLevel {
  readonly #backend: Backend;
  readonly #memory: Memory;
  readonly #models: readonly Kan[];
  readonly #length: number;
  /** Parameters [models, length]: the present ones, and each model's best, to begin with those it came with. */
  readonly #values: DeviceBuffer;
  readonly #best: DeviceBuffer;
  readonly #ring: DeviceBuffer;
  readonly #gradients: (TiledGradient & { dispose(): void })[] = [];
  readonly #keep: Recording[] = [];
  #step!: Recording;
  #train!: Recording;
  #validation?: Recording;

  private constructor(models: readonly Kan[]) {
    const { backend, parameters } = models[0];
    this.#backend = backend;
    this.#models = models;
    this.#length = parameters.length;
    this.#memory = new Memory(backend);
    const vector = () => this.#memory.allocate(models.length * parameters.length, { label: 'a sweep' });
    [this.#values, this.#best] = [vector(), vector()];
    this.#ring = this.#memory.allocate(models.length * CHUNK);
  }

  /** Undefined where the networks are too wide for one kernel, or have layers of other kinds. */
  static async open(
    models: readonly Kan[],
    data: SweepData,
    { rates, steps, validation }: { rates: readonly number[]; steps: number; validation?: SweepData },
  ): Promise<SweepLevel | undefined> {
    const level = new SweepLevel(models);
    try {
      const train = level.#gradientOf(data);
      if (!train) {
        level.close();
        return undefined;
      }
      const backend = level.#backend;
      level.#step = await backend.record(level.#stepOf(train, rates, steps), 'sweep step');
      level.#train = await backend.record(train.evaluate, 'losses of a sweep');
      const held = validation && level.#gradientOf(validation);
      level.#validation = held && (await backend.record(held.evaluate, 'validation of a sweep'));
      for (const [number, { parameters }] of models.entries()) {
        const count = level.#length;
        const [present, best] = [level.#of(level.#values, number), level.#of(level.#best, number)];
        const load = [present, best].map((target) => dispatch(copy, { source: parameters.values, target }, { count }));
        backend.run(await backend.record(load, 'load'));
        level.#keep.push(await backend.record([dispatch(copy, { source: present, target: best }, { count })], 'keep'));
      }
      return level;
    } catch (error) {
      level.close();
      throw error;
    }
  }

  /** Makes up to {@link CHUNK} steps; returns the last losses, before the last step, of every model. */
  async advance(steps: number, done: number): Promise<number[]> {
    this.#backend.run(this.#step, steps);
    const [ring] = await this.#backend.read([this.#ring]);
    return this.#models.map((_, number) => {
      const own = Array.from({ length: steps }, (_, step) => ring[number * CHUNK + ((done + step) % CHUNK)]);
      return own.find((loss) => !Number.isFinite(loss)) ?? own[steps - 1];
    });
  }

  /** Steps that may be made at once. */
  readonly chunk = CHUNK;

  /** Mean squared errors at the present parameters, of training or of validation rows. */
  async losses(which: 'train' | 'validation'): Promise<number[]> {
    const [train, validation] = this.#gradients;
    const { losses, tiles } = which === 'train' ? train : validation;
    this.#backend.run(which === 'train' ? this.#train : this.#validation!);
    const [values] = await this.#backend.read([losses]);
    return this.#models.map((_, number) =>
      values.subarray(number * tiles, (number + 1) * tiles).reduce((sum, value) => sum + value, 0),
    );
  }

  /** Takes the present parameters of a model for its best. */
  keep(number: number): void {
    this.#backend.run(this.#keep[number]);
  }

  /** Goes back to every model's best. */
  async restoreBest(): Promise<void> {
    const count = this.#best.length;
    const restore = dispatch(copy, { source: this.#best, target: this.#values }, { count });
    this.#backend.run(await this.#backend.record([restore], 'restore'));
  }

  /** Hands the present parameters to the models. */
  async store(): Promise<void> {
    const count = this.#length;
    const copies = this.#models.map(({ parameters }, number) =>
      dispatch(copy, { source: this.#of(this.#values, number), target: parameters.values }, { count }),
    );
    this.#backend.run(await this.#backend.record(copies, 'store'));
  }

  close(): void {
    for (const gradient of this.#gradients) gradient.dispose();
    this.#memory.release();
  }

  #of(vector: DeviceBuffer, number: number): DeviceBuffer {
    return vector.view(number * this.#length, this.#length);
  }

  #gradientOf({ inputs, targets }: SweepData): TiledGradient | undefined {
    const [model] = this.#models;
    const upload = (...parts: readonly Matrix[]) => {
      // All of one shape.
      const [{ data }] = parts;
      const all = new Float64Array(parts.length * data.length);
      for (const [number, part] of parts.entries()) all.set(part.data, number * data.length);
      const buffer = this.#memory.allocate(all.length);
      this.#backend.write(buffer, all);
      return buffer;
    };
    const term: FusedTerm = {
      points: { directions: 0, order: 0, traces: 1 },
      head: squaredErrorHead(model.outputs),
      batch: inputs.rows,
      buffers: { x: upload(inputs), targets: upload(...targets) },
      constants: { targetModels: targets.length },
    };
    const gradient = tiledGradient(model, [term], { models: this.#models.length, values: this.#values });
    if (gradient) this.#gradients.push(gradient);
    return gradient;
  }

  #stepOf({ evaluate, partials, losses, tiles }: TiledGradient, rates: readonly number[], steps: number) {
    const models = this.#models.length;
    const schedule = this.#memory.allocate(models * steps);
    const all = rates.flatMap((rate) => [...learningRates(rate, { type: 'cosine' }, steps)]);
    this.#backend.write(schedule, all);
    const counters = this.#memory.allocate(models * (this.#length + 1), { type: 'uint', label: 'step counters' });
    const [firstMoment, secondMoment] = [0, 1].map(() => this.#memory.allocate(this.#values.length));
    const state = { parameters: this.#values, firstMoment, secondMoment, schedule, counters, ring: this.#ring };
    const { learningRate: _, ...constants } = adamDefaults;
    const sizes = { models, length: this.#length, tiles, steps, ringLength: CHUNK };
    return [...evaluate, dispatch(adamKernel, { ...state, partials, losses }, { ...constants, ...sizes })];
  }
}
