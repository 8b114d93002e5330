/**
 * A kernel is data: WGSL for the device and, beside it, a float64 reference in TypeScript.
 *
 * This file knows neither devices nor models; backends (src/backend) run what is described here.
 */

/**
 * How a kernel uses a buffer. `write` means every element is overwritten, whatever it held before;
 * `update` reads and writes. A `:uint` suffix marks 32-bit unsigned integers, everything else is floating point
 * (float32 on the device, float64 in references).
 */
export type Binding = 'read' | 'write' | 'update' | 'read:uint' | 'write:uint' | 'update:uint';

export type HostArray = Float64Array | Uint32Array;

/** Workgroup counts in x, y, z; each at most {@link MAX_WORKGROUPS}. */
export type Grid = readonly [number, number, number];

export interface Kernel<B extends string = string, C extends string = string> {
  /** Unique, kebab-case; the WGSL file has the same name. */
  readonly name: string;
  /** WGSL with one entry point, `main`; binding i of group 0 is the i-th key of `bindings`. */
  readonly wgsl: string;
  readonly bindings: Readonly<Record<B, Binding>>;
  /** Names of the `override` constants, all of which the WGSL declares. */
  readonly constants: readonly C[];
  /** Number of elements each buffer must at least have; backends refuse smaller ones. */
  lengths(constants: Readonly<Record<C, number>>): Record<B, number>;
  workgroups(constants: Readonly<Record<C, number>>): Grid;
  /** Floating-point operations, for the roofline; an estimate from the formula, not a count of instructions. */
  flops(constants: Readonly<Record<C, number>>): number;
  /**
   * Units that the reference can be cut into: each writes elements that no other unit touches, and neither what it reads
   * nor the order of its sums depends on where the others run. So any cut gives the same bits.
   */
  parts(constants: Readonly<Record<C, number>>): number;
  /** How a thread that shares no objects makes the same kernel; kernels of the registry need none. */
  readonly recipe?: Recipe;
  /** Loads what makes the reference faster, without which it gives the same bits. */
  prepare?(): Promise<void>;
  /** The definition of the result. Runs in float64 on the CPU backend; units `first` to `end` − 1, all of them by default. */
  reference(
    buffers: Readonly<Record<B, HostArray>>,
    constants: Readonly<Record<C, number>>,
    first?: number,
    end?: number,
  ): void;
}

/** A kernel that is generated: the name of its maker (src/node/kernel-makers.ts) and what that is given, plain data. */
export interface Recipe {
  readonly maker: string;
  readonly options: unknown;
}

/** Declares a kernel; exists so that binding and constant names are inferred and checked. Without `parts` there is one. */
export function defineKernel<const B extends string, const C extends string>(definition: {
  name: string;
  wgsl: string;
  bindings: Readonly<Record<B, Binding>>;
  constants: readonly C[];
  lengths(constants: Readonly<Record<NoInfer<C>, number>>): Record<NoInfer<B>, number>;
  workgroups(constants: Readonly<Record<NoInfer<C>, number>>): Grid;
  flops(constants: Readonly<Record<NoInfer<C>, number>>): number;
  parts?(constants: Readonly<Record<NoInfer<C>, number>>): number;
  recipe?: Recipe;
  prepare?(): Promise<void>;
  reference(
    buffers: Readonly<Record<NoInfer<B>, HostArray>>,
    constants: Readonly<Record<NoInfer<C>, number>>,
    first: number,
    end: number,
  ): void;
}): Kernel<B, C> {
  const { parts = () => 1, reference } = definition;
  return Object.freeze({
    ...definition,
    parts,
    reference: (buffers, constants, first = 0, end = parts(constants)) => reference(buffers, constants, first, end),
  } satisfies Kernel<B, C>);
}

export function ceilDiv(a: number, b: number): number {
  return Math.floor((a + b - 1) / b);
}

export { default as linearIndexWgsl } from '../../shaders/lib/linear-index.wgsl';

/** WebGPU's guaranteed maxComputeWorkgroupsPerDimension. */
export const MAX_WORKGROUPS = 65535;

/**
 * Grid for `count` invocations in workgroups of `size`, folded into two dimensions where one is too short.
 * The WGSL side is `linearIndex` in shaders/lib/linear-index.wgsl.
 */
export function linearGrid(count: number, size = 64): Grid {
  const groups = Math.max(1, ceilDiv(count, size));
  if (groups <= MAX_WORKGROUPS) return [groups, 1, 1];
  return [MAX_WORKGROUPS, ceilDiv(groups, MAX_WORKGROUPS), 1];
}
