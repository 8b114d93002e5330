/** Losses and gradients kernel by kernel and from few kernels, side by side. */
import { expect } from 'chai';
import type { Backend } from '../../src/backend/backend.ts';
import { CpuBackend } from '../../src/backend/cpu/cpu-backend.ts';
import type { Network } from '../../src/models/network.ts';
import type { Problem } from '../../src/multilevel/problem.ts';
import type { Objective } from '../../src/optimizers/objective.ts';
import type { Advance, Optimizer } from '../../src/optimizers/optimizer.ts';
import type { Open } from '../backends.ts';

/** Kernel by kernel, or from few kernels. */
export type Way = 'plain' | 'fused';

/** A device that gains from few launches, whichever adapter the tests run on. */
export async function openLarge(open: Open): Promise<Backend> {
  const backend = await open();
  return backend.name === 'cpu' ? backend : Object.assign(backend, { parallelism: 512 });
}

/** The same model with parameters that both backends represent. */
export async function rounded<Model extends Network>(model: Model): Promise<Model> {
  const values = await model.parameters.read();
  model.parameters.write(
    Object.fromEntries(Object.entries(values).map(([name, data]) => [name, data.map(Math.fround)])),
  );
  return model;
}

/** An objective that is evaluated in one way alone. */
export function bind(problem: Problem, model: Network, way: Way): Objective {
  const objective = problem.bind(model);
  return { ...objective, ...(way === 'plain' ? { fuse: undefined } : { evaluate: [] }) };
}

/** The loss, the flat gradient, and what changes from step to step. */
export type Evaluation = Record<string, Float64Array>;

/** The first `steps` evaluations, with what belongs to a step after each of them, at the model's parameters. */
export async function evaluations(problem: Problem, model: Network, way: Way, steps = 1): Promise<Evaluation[]> {
  const { backend, parameters } = model;
  const before = backend.counters.bytes;
  const objective = bind(problem, model, way);
  const fused = await objective.fuse?.();
  expect(fused !== undefined).to.equal(way === 'fused');
  const { evaluate, loss } = fused ?? objective;
  const [evaluation, perStep] = [await backend.record(evaluate), await backend.record(objective.perStep ?? [])];
  const { miniBatches, stepState = [] } = objective;
  miniBatches?.shuffle(0);
  const results: Evaluation[] = [];
  for (let step = 0; step < steps; step++) {
    if (miniBatches) backend.write(miniBatches.counter, [step]);
    // Sums of parts overwrite all of it, the gaps between tensors included.
    backend.write(parameters.gradients, new Float64Array(parameters.length).fill(way === 'fused' ? 7 : 0));
    backend.run(evaluation);
    const [value, gradient, ...state] = await backend.read([loss, parameters.gradients, ...stepState]);
    const named = Object.fromEntries(state.map((values, index) => [`state ${index}`, values]));
    results.push({ loss: value, gradient, ...named });
    backend.run(perStep);
  }
  fused?.dispose();
  objective.dispose();
  if (backend.name === 'cpu') expect(backend.counters.bytes, 'nothing is left behind').to.equal(before);
  return results;
}

function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let squares = 0;
  for (let index = 0; index < a.length; index++) squares += (a[index] - b[index]) ** 2;
  return Math.sqrt(squares);
}

const norm = (a: ArrayLike<number>) => distance(a, new Float64Array(a.length));

/** In float64 the order of sums alone differs. */
const ROUNDING = 1e-12;
/** In float32 both ways have errors of one kind: how much larger that of few kernels may be by chance. */
const MORE = 4;
/** Where the other error happens to vanish: some roundings of 2^-24. */
const FLOAT32_ROUNDING = 5e-7;

/**
 * Demands that few kernels give what single ones do: up to the order of sums in float64; in float32 with an error against
 * float64 like theirs.
 */
export async function expectSame(
  open: Open,
  problem: Problem,
  create: (backend: Backend) => Promise<Network>,
  steps = 1,
): Promise<void> {
  const model = await rounded(await create(await openLarge(open)));
  const plain = await evaluations(problem, model, 'plain', steps);
  const fused = await evaluations(problem, model, 'fused', steps);
  const isExact = model.backend.precision === 'float64';
  const exact = isExact
    ? plain
    : await evaluations(problem, await rounded(await create(new CpuBackend())), 'plain', steps);
  for (let step = 0; step < steps; step++) {
    for (const [name, reference] of Object.entries(exact[step])) {
      const size = norm(reference);
      expect(size, `${name} is something to compare with`).to.be.above(0);
      const error = distance(fused[step][name], reference) / size;
      const other = distance(plain[step][name], reference) / size;
      const bound = isExact ? ROUNDING : MORE * other + FLOAT32_ROUNDING;
      expect(error, `${name} of step ${step}`).to.be.at.most(bound);
      expect(other, `${name} of step ${step}, kernel by kernel`).to.be.below(1e-3);
    }
  }
}

/** All losses of a run of so many evaluations; the model keeps what it leaves. */
export async function train(
  problem: Problem,
  model: Network,
  way: Way,
  { optimizer, steps }: { optimizer: Optimizer; steps: number },
): Promise<number[]> {
  const objective = bind(problem, model, way);
  try {
    const run = await optimizer.start(objective, steps);
    try {
      const losses: number[] = [];
      let advance: Advance | undefined;
      for (let spent = 0; spent < steps && !advance?.finished; spent += advance.evaluations) {
        advance = await run.advance(steps - spent);
        losses.push(...advance.losses);
      }
      return losses;
    } finally {
      run.dispose();
    }
  } finally {
    objective.dispose();
  }
}

/** Launches of one step of an optimizer that takes as many steps as it is asked for. */
export async function dispatchesPerStep(objective: Objective, optimizer: Optimizer): Promise<number> {
  const { counters } = objective.backend;
  const run = await optimizer.start(objective, 12);
  const spent = async (steps: number) => {
    const before = counters.dispatches;
    expect((await run.advance(steps)).steps).to.equal(steps);
    return counters.dispatches - before;
  };
  const first = await spent(1);
  const more = await spent(11);
  run.dispose();
  objective.dispose();
  return (more - first) / 10;
}
