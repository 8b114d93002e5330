import type { HostArray, Kernel } from '../../src/kernels/kernel.ts';

export type Buffers = Record<string, HostArray>;
export type Constants = Record<string, number>;

/** One use of a kernel, and how far float32 may lead the device from the float64 reference. */
export interface KernelCase {
  readonly constants: Constants;
  /** Contents before the run. Numbers are float32, so that both sides start from the same. */
  readonly buffers: Buffers;
  /** Per float buffer the kernel writes: error bounds of its elements in units of {@link EPSILON}. */
  readonly bounds: Record<string, ArrayLike<number>>;
  /** Whether a NaN may reach more elements on the device than in the reference. */
  readonly spreadsNan?: boolean;
  /** A sum and, in a buffer of its own, what rounding cut off it: only the two together are compared. */
  readonly compensated?: { readonly sum: string; readonly rest: string };
}

export type CaseGenerator = (kernel: Kernel, random: Random) => KernelCase;

/** Distance from 1 to the next float32: twice the error of one correctly rounded operation. */
export const EPSILON = 2 ** -23;

/** What written buffers hold before and, past their end, after a run. */
export const GARBAGE = 12345;

/** Seeded random numbers (mulberry32), all of them representable in float32. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** In [0, 1). */
  unit(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let bits = this.#state;
    bits = Math.imul(bits ^ (bits >>> 15), bits | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return Math.fround(((bits ^ (bits >>> 14)) >>> 8) / 2 ** 24);
  }

  integer(least: number, most: number): number {
    return least + Math.floor(this.unit() * (most - least + 1));
  }

  uniform(least: number, most: number): number {
    return Math.fround(least + this.unit() * (most - least));
  }

  pick<T>(values: readonly T[]): T {
    return values[this.integer(0, values.length - 1)];
  }

  /** Of either sign and of sizes over four orders of magnitude. */
  mixed(): number {
    return Math.fround(this.uniform(-1, 1) * 10 ** this.uniform(-3, 1));
  }

  floats(count: number, draw: () => number = () => this.mixed()): Float64Array {
    return Float64Array.from({ length: count }, () => Math.fround(draw()));
  }
}

/** Roundings on the longest path through shaders/lib/workgroup-sum.wgsl: a run, the runs of a thread, the tree. */
export function workgroupSumRoundings(count: number): number {
  const perThread = Math.ceil(count / 256);
  return Math.min(perThread, 32) + Math.ceil(perThread / 32) + 8;
}

/** Fills in the buffers that `inputs` leaves out: written ones, longer than they need to be. */
export function withOutputs(kernel: Kernel, constants: Constants, inputs: Buffers): Buffers {
  const lengths = kernel.lengths(constants);
  const buffers: Buffers = {};
  for (const [name, binding] of Object.entries(kernel.bindings)) {
    const length = lengths[name] + 3;
    buffers[name] =
      inputs[name] ?? (binding.endsWith(':uint') ? new Uint32Array(length) : new Float64Array(length)).fill(GARBAGE);
  }
  return buffers;
}

export function copyOf(buffers: Buffers): Buffers {
  return Object.fromEntries(Object.entries(buffers).map(([name, array]) => [name, array.slice() as HostArray]));
}

/** Names of the buffers a kernel changes. */
export function written(kernel: Kernel): string[] {
  return Object.keys(kernel.bindings).filter((name) => !kernel.bindings[name].startsWith('read'));
}

/**
 * Bounds for kernels that add and multiply: every term carries at most `roundings` errors, and the terms' sizes add up
 * to what the reference gives on `worst`, the inputs with signs that leave nothing to cancel (all positive by default).
 */
export function sumOfTerms(
  kernel: Kernel,
  { constants, inputs, worst = {}, roundings }: Terms,
): Pick<KernelCase, 'constants' | 'buffers' | 'bounds'> {
  const buffers = withOutputs(kernel, constants, inputs);
  const largest = copyOf(buffers);
  for (const name of Object.keys(inputs))
    largest[name] = (worst[name]?.slice() ?? inputs[name].map(Math.abs)) as HostArray;
  kernel.reference(largest, constants);
  const bounds: Record<string, ArrayLike<number>> = {};
  for (const name of written(kernel)) {
    bounds[name] = Float64Array.from(largest[name], (size) => roundings * Math.abs(size));
  }
  return { constants, buffers, bounds };
}

export interface Terms {
  readonly constants: Constants;
  readonly inputs: Buffers;
  readonly worst?: Buffers;
  readonly roundings: number;
}

export function negative(values: HostArray): Float64Array {
  return Float64Array.from(values, (value) => -Math.abs(value));
}
