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
  /** The definition of the result. Runs in float64 on the CPU backend. */
  reference(buffers: Readonly<Record<B, HostArray>>, constants: Readonly<Record<C, number>>): void;
}

/** Declares a kernel; exists so that binding and constant names are inferred and checked. */
export function defineKernel<const B extends string, const C extends string>(definition: {
  name: string;
  wgsl: string;
  bindings: Readonly<Record<B, Binding>>;
  constants: readonly C[];
  lengths(constants: Readonly<Record<NoInfer<C>, number>>): Record<NoInfer<B>, number>;
  workgroups(constants: Readonly<Record<NoInfer<C>, number>>): Grid;
  flops(constants: Readonly<Record<NoInfer<C>, number>>): number;
  reference(buffers: Readonly<Record<NoInfer<B>, HostArray>>, constants: Readonly<Record<NoInfer<C>, number>>): void;
}): Kernel<B, C> {
  return Object.freeze(definition);
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
