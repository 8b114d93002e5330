import type { Backend, DeviceBuffer } from '../../src/backend/backend.ts';
import { defineKernel, type HostArray, type Kernel } from '../../src/kernels/kernel.ts';
import type { Objective } from '../../src/optimizers/objective.ts';
import type { Optimizer } from '../../src/optimizers/optimizer.ts';

export type FunctionKernel = Kernel<'x' | 'gradient' | 'loss', 'count'>;

/** A function of `count` variables with its gradient, by one invocation; `wgsl` and `reference` say the same twice. */
function functionKernel(
  name: string,
  wgsl: string,
  reference: (x: HostArray, gradient: HostArray, count: number) => number,
): FunctionKernel {
  return defineKernel({
    name,
    wgsl: `
      @group(0) @binding(0) var<storage, read> x: array<f32>;
      @group(0) @binding(1) var<storage, read_write> gradient: array<f32>;
      @group(0) @binding(2) var<storage, read_write> loss: array<f32>;
      override count: u32;
      @compute @workgroup_size(1) fn main() {
        for (var i = 0u; i < count; i++) { gradient[i] = 0.0; }
        var sum = 0.0;
        ${wgsl}
        loss[0] = sum;
      }`,
    bindings: { x: 'read', gradient: 'update', loss: 'write' },
    constants: ['count'],
    lengths: ({ count }) => ({ x: count, gradient: count, loss: 1 }),
    workgroups: () => [1, 1, 1],
    flops: ({ count }) => 10 * count,
    reference({ x, gradient, loss }, { count }) {
      gradient.fill(0, 0, count);
      loss[0] = reference(x, gradient, count);
    },
  });
}

/** Σ 100 (x_{i+1} − x_i²)² + (1 − x_i)², least at (1, …, 1). */
export const rosenbrock = functionKernel(
  'test-rosenbrock',
  `for (var i = 0u; i + 1u < count; i++) {
     let valley = x[i + 1u] - x[i] * x[i];
     let rest = 1.0 - x[i];
     sum += 100.0 * valley * valley + rest * rest;
     gradient[i] += -400.0 * valley * x[i] - 2.0 * rest;
     gradient[i + 1u] += 200.0 * valley;
   }`,
  (x, gradient, count) => {
    let sum = 0;
    for (let i = 0; i + 1 < count; i++) {
      const valley = x[i + 1] - x[i] * x[i];
      const rest = 1 - x[i];
      sum += 100 * valley * valley + rest * rest;
      gradient[i] += -400 * valley * x[i] - 2 * rest;
      gradient[i + 1] += 200 * valley;
    }
    return sum;
  },
);

/** ½ xᵀA x − Σ x with A = tridiag(−1, 2, −1): least where A x = 1, that is x_i = (i + 1)(count − i)/2. */
export const laplace = functionKernel(
  'test-laplace',
  `for (var i = 0u; i < count; i++) {
     var product = 2.0 * x[i];
     if (i > 0u) { product -= x[i - 1u]; }
     if (i + 1u < count) { product -= x[i + 1u]; }
     gradient[i] = product - 1.0;
     sum += x[i] * (0.5 * product - 1.0);
   }`,
  (x, gradient, count) => {
    let sum = 0;
    for (let i = 0; i < count; i++) {
      const product = 2 * x[i] - (i > 0 ? x[i - 1] : 0) - (i + 1 < count ? x[i + 1] : 0);
      gradient[i] = product - 1;
      sum += x[i] * (0.5 * product - 1);
    }
    return sum;
  },
);

/** Σ log(1 + x²): concave for |x| > 1, so that steps taken there show negative curvature. */
export const logarithmic = functionKernel(
  'test-logarithmic',
  `for (var i = 0u; i < count; i++) {
     sum += log(1.0 + x[i] * x[i]);
     gradient[i] = 2.0 * x[i] / (1.0 + x[i] * x[i]);
   }`,
  (x, gradient, count) => {
    let sum = 0;
    for (let i = 0; i < count; i++) {
      sum += Math.log(1 + x[i] * x[i]);
      gradient[i] = (2 * x[i]) / (1 + x[i] * x[i]);
    }
    return sum;
  },
);

/** −Σ x; value and slope are NaN as soon as an x is above 1. Adam walks there in steps of its learning rate. */
export const cliff = functionKernel(
  'test-cliff',
  `for (var i = 0u; i < count; i++) {
     sum -= x[i];
     gradient[i] = -1.0;
     if (x[i] > 1.0) {
       gradient[i] = bitcast<f32>(bitcast<u32>(x[i]) | 0x7fc00000u);
       sum += gradient[i];
     }
   }`,
  (x, gradient, count) => {
    let sum = 0;
    for (let i = 0; i < count; i++) {
      sum -= x[i] > 1 ? Number.NaN : x[i];
      gradient[i] = x[i] > 1 ? Number.NaN : -1;
    }
    return sum;
  },
);

/** −Σ log(1 − x) + 4 x, least at ¾; value and slope are NaN beyond 1, where steps from far below lead. */
export const barrier = functionKernel(
  'test-barrier',
  `for (var i = 0u; i < count; i++) {
     let rest = 1.0 - x[i];
     gradient[i] = 1.0 / rest - 4.0;
     sum -= log(max(rest, 1e-30)) + 4.0 * x[i];
     if (rest <= 0.0) {
       gradient[i] = bitcast<f32>(bitcast<u32>(x[i]) | 0x7fc00000u);
       sum += gradient[i];
     }
   }`,
  (x, gradient, count) => {
    let sum = 0;
    for (let i = 0; i < count; i++) {
      const rest = x[i] < 1 ? 1 - x[i] : Number.NaN;
      sum -= Math.log(rest) + 4 * x[i];
      gradient[i] = 1 / rest - 4;
    }
    return sum;
  },
);

/** 1 + ½ Σ (i + 1)(x_i − 1)², told with an error of up to `blur` times itself that changes from point to point. */
export const blurred = (blur: number) =>
  functionKernel(
    `test-blurred-${blur}`,
    `var key = 0.0;
     for (var i = 0u; i < count; i++) {
       let scale = f32(i + 1u);
       sum += 0.5 * scale * (x[i] - 1.0) * (x[i] - 1.0);
       gradient[i] = scale * (x[i] - 1.0);
       key += scale * x[i];
     }
     sum = (1.0 + sum) * (1.0 + f32(${blur}) * (2.0 * fract(7919.0 * key) - 1.0));`,
    (x, gradient, count) => {
      let [sum, key] = [1, 0];
      for (let i = 0; i < count; i++) {
        sum += 0.5 * (i + 1) * (x[i] - 1) ** 2;
        gradient[i] = (i + 1) * (x[i] - 1);
        key += (i + 1) * x[i];
      }
      return sum * (1 + blur * (2 * ((7919 * key) % 1) - 1));
    },
  );

/** Σ x² with the gradient's sign wrong: no step along −gradient decreases it. */
export const misleading = functionKernel(
  'test-misleading',
  'for (var i = 0u; i < count; i++) { sum += x[i] * x[i]; gradient[i] = -2.0 * x[i]; }',
  (x, gradient, count) => {
    let sum = 0;
    for (let i = 0; i < count; i++) {
      sum += x[i] * x[i];
      gradient[i] = -2 * x[i];
    }
    return sum;
  },
);

export interface FunctionObjective extends Objective {
  /** Variables, their gradient, and the loss as they are now. */
  state(): Promise<{ x: Float64Array; gradient: Float64Array; loss: number }>;
}

/** An objective made by hand, as a user would make one. */
export function objectiveOf(backend: Backend, kernel: FunctionKernel, start: readonly number[]): FunctionObjective {
  const count = start.length;
  const [values, gradients, loss]: DeviceBuffer[] = [count, count, 1].map((length) => backend.allocate(length));
  backend.write(values, start);
  const evaluate = [{ kernel, buffers: { x: values, gradient: gradients, loss }, constants: { count } }];
  return {
    backend,
    variables: { values, gradients, length: count },
    loss,
    evaluate,
    async state() {
      backend.run(await backend.record(evaluate));
      const [x, gradient, [value]] = await backend.read([values, gradients, loss]);
      return { x, gradient, loss: value };
    },
    dispose() {
      for (const buffer of [values, gradients, loss]) backend.release(buffer);
    },
  };
}

export interface Trace {
  readonly losses: number[];
  readonly evaluations: number;
  readonly steps: number;
  readonly finished?: string;
}

/** Spends a whole budget in the given pieces, repeated as often as needed. */
export async function optimize(
  objective: Objective,
  optimizer: Optimizer,
  budget: number,
  pieces: readonly number[] = [budget],
): Promise<Trace> {
  const run = await optimizer.start(objective, budget);
  const losses: number[] = [];
  let [evaluations, steps, turn] = [0, 0, 0];
  let finished: string | undefined;
  while (evaluations < budget && finished === undefined) {
    const advance = await run.advance(Math.min(pieces[turn++ % pieces.length], budget - evaluations));
    losses.push(...advance.losses);
    evaluations += advance.evaluations;
    steps += advance.steps;
    finished = advance.finished;
  }
  run.dispose();
  return { losses, evaluations, steps, finished };
}

export function norm(values: ArrayLike<number>): number {
  return Math.hypot(...Array.from(values));
}
