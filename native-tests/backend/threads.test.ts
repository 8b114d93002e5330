/** Worker threads of the CPU backend: the same bits for any number, and nothing left behind. */
import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { expect } from 'chai';
import type { Backend } from '../../src/backend/backend.ts';
import { CpuBackend } from '../../src/backend/cpu/cpu-backend.ts';
import { defineKernel, type Recipe } from '../../src/kernels/kernel.ts';
import { ThreadPool } from '../../src/node/thread-pool.ts';
import {
  adam,
  builtInProblems,
  createRandom,
  Kan,
  lbfgs,
  levenbergMarquardt,
  openBackend,
  regression,
  type SolveOptions,
  solve,
  type TrainOptions,
  trainMultilevel,
} from '../../src/node.ts';
import { errorOf } from '../backends.ts';
import { runProgram } from './child-process.ts';

const COUNTS = [1, 2, 3];

async function on<T>(threads: number, work: (backend: Backend) => Promise<T>): Promise<T> {
  const backend = await openBackend({ device: 'cpu', threads });
  try {
    return await work(backend);
  } finally {
    backend.destroy();
  }
}

/** Rows of a wave of the inputs' sum, one column per target. */
function wave(rows: number, inputs: number, targets: number) {
  const random = createRandom(3);
  const x = Array.from({ length: rows }, () => Array.from({ length: inputs }, () => 2 * random.uniform() - 1));
  const y = x.map((row) => Array.from({ length: targets }, (_, q) => Math.sin(3 * row.reduce((a, b) => a + b, q))));
  return regression({ inputs: x, targets: y, roughness: 1e-6 });
}

async function train(backend: Backend, widths: readonly number[], rows: number, options: TrainOptions) {
  const kan = Kan.create(backend, { widths, intervals: 4, seed: 1 });
  const problem = wave(rows, widths[0], widths[widths.length - 1]);
  const { model, history } = await trainMultilevel(kan, problem, { levels: 2, ...options });
  return { values: await model.parameters.read(), losses: history.levels.map(({ trainLoss }) => trainLoss) };
}

async function equation(backend: Backend, options: SolveOptions) {
  const { model, errors } = await solve(backend, builtInProblems['poisson-smooth'].pde(), {
    hidden: [8],
    levels: 2,
    ...options,
  });
  return { values: await model.parameters.read(), errors };
}

async function inTurn<T>(tasks: readonly (() => Promise<T>)[]): Promise<T[]> {
  const results: T[] = [];
  for (const task of tasks) results.push(await task());
  return results;
}

/** A kernel of many operations that a worker makes by `recipe`, and this thread by `run`, once per unit. */
function heavy(recipe: Recipe, run: (y: { [index: number]: number }, unit: number) => void) {
  return defineKernel({
    name: 'heavy',
    wgsl: '',
    bindings: { residual: 'write' },
    constants: ['batch'],
    lengths: ({ batch }) => ({ residual: batch }),
    workgroups: () => [1, 1, 1],
    flops: () => 1e9,
    parts: ({ batch }) => batch,
    recipe,
    reference({ residual }, _, first, end) {
      for (let unit = first; unit < end; unit++) run(residual, unit);
    },
  });
}

const SIZES = { channels: 1, traces: 1, outputs: 1, fields: 0, scalars: 0, residuals: 1 };

/** A residual kernel whose only instruction is `node`. */
function recipeOf(node: object): Recipe {
  const program = { instructions: [{ node, operands: [] }], results: [0] };
  return { maker: 'residualForward', options: { program, sizes: SIZES, name: 'heavy' } };
}

/** Runs again and again, so that workers get to take part whenever they are up; returns the first error. */
async function failureOf(backend: Backend, kernel: ReturnType<typeof heavy>) {
  const buffers = { residual: backend.allocate(64) };
  const recording = await backend.record([{ kernel, buffers, constants: { batch: 64 } }]);
  return errorOf(async () => {
    for (let run = 0; run < 10_000; run++) {
      backend.run(recording);
      await setImmediate();
    }
  });
}

/** Long enough for a worker to find a piece left. */
function slowly(residual: { [index: number]: number }, unit: number): void {
  for (let i = 0; i < 20_000; i++) residual[unit] = Math.sin(i);
}

describe('threads: the same bits for 1, 2 and 3', () => {
  const cases: Record<string, (backend: Backend) => Promise<unknown>> = {
    'Adam, [2, 5, 5, 1]': (backend) => train(backend, [2, 5, 5, 1], 3000, { steps: 40, optimizer: adam() }),
    'Adam, [16, 16]': (backend) => train(backend, [16, 16], 1000, { steps: 30, optimizer: adam() }),
    'L-BFGS': (backend) => train(backend, [2, 8, 1], 2000, { steps: 30, optimizer: lbfgs() }),
    'Levenberg–Marquardt': (backend) =>
      train(backend, [2, 5, 5, 1], 1500, { steps: 6, optimizer: levenbergMarquardt({ solver: 'direct' }) }),
    'Levenberg–Marquardt without its matrix': (backend) =>
      train(backend, [2, 5, 5, 1], 1500, { steps: 4, optimizer: levenbergMarquardt({ solver: 'matrix-free' }) }),
    'a differential equation, Adam': (backend) => equation(backend, { optimizer: adam(), steps: 30 }),
    'a differential equation, Levenberg–Marquardt': (backend) =>
      equation(backend, { optimizer: levenbergMarquardt(), steps: 5 }),
  };
  for (const [name, work] of Object.entries(cases)) {
    it(name, async () => {
      const [expected, ...others] = await inTurn(COUNTS.map((threads) => () => on(threads, work)));
      for (const actual of others) expect(actual).to.deep.equal(expected);
    });
  }
});

describe('threads: memory', () => {
  it('is zero when allocated, also when it was used before', async () => {
    await on(2, async (backend) => {
      for (const type of ['float', 'uint', 'float'] as const) {
        const buffer = backend.allocate(1000, { type });
        const longer = backend.allocate(1020);
        const values = await backend.read([buffer, longer]);
        expect(values.flatMap((array) => [...array])).to.deep.equal(new Array(2020).fill(0));
        for (const used of [buffer, longer]) {
          backend.write(used, new Array(used.length).fill(7));
          backend.release(used);
        }
      }
    });
  });

  it('of released buffers serves again', () => {
    const pool = new ThreadPool(2);
    const first = pool.allocate(1000, 'float');
    pool.release(first);
    const second = pool.allocate(990, 'float');
    expect(second.buffer).to.equal(first.buffer);
    expect(pool.allocate(1000, 'float').buffer).not.to.equal(first.buffer);
  });
});

describe('threads: workers', () => {
  it('are not started for work that is not worth it', async () => {
    const pool = new ThreadPool(2);
    const backend = new CpuBackend(pool);
    await train(backend, [2, 5, 1], 50, { steps: 20, optimizer: adam() });
    expect(pool.workers).to.have.length(0);
    await train(backend, [2, 5, 1], 5000, { steps: 40, optimizer: adam() });
    expect(pool.workers).to.have.length(1);
    backend.destroy();
  });

  it('end when the backend is destroyed', async () => {
    const pool = new ThreadPool(3);
    const backend = new CpuBackend(pool);
    await train(backend, [2, 5, 1], 5000, { steps: 40, optimizer: adam() });
    const ended = Promise.all(pool.workers.map((worker) => once(worker, 'exit')));
    expect(pool.workers).to.have.length(2);
    backend.destroy();
    backend.destroy();
    await ended;
    expect((await errorOf(() => backend.allocate(1))).code).to.equal('BACKEND_DESTROYED');
  });

  const node = { type: 'constant', value: 1 };
  const failures: Record<string, Recipe> = {
    'cannot make a kernel': { maker: 'nobody', options: {} },
    'throws in the middle of its work': recipeOf({ type: 'symbol', key: 'jet 0 0 0' }),
  };
  for (const [name, recipe] of Object.entries(failures)) {
    it(`one that ${name} is an error, then and later`, async () => {
      const backend = new CpuBackend(new ThreadPool(2));
      const error = await failureOf(backend, heavy(recipe, slowly));
      expect(error.code).to.equal('DEVICE_LOST');
      expect(error.message).to.match(/thread/);
      expect((await failureOf(backend, heavy(recipe, slowly))).code).to.equal('DEVICE_LOST');
      backend.destroy();
    });
  }

  it('one that has gone is an error', async () => {
    const pool = new ThreadPool(3);
    const backend = new CpuBackend(pool);
    const failed = failureOf(backend, heavy(recipeOf(node), slowly));
    await setImmediate();
    await pool.workers[1].terminate();
    expect((await failed).code).to.equal('DEVICE_LOST');
    backend.destroy();
  });

  it('work on after the calling thread has failed', async () => {
    const pool = new ThreadPool(2);
    const backend = new CpuBackend(pool);
    const buffers = { residual: backend.allocate(64) };
    const record = (run: Parameters<typeof heavy>[1]) =>
      backend.record([{ kernel: heavy(recipeOf(node), run), buffers, constants: { batch: 64 } }]);
    const failing = await record(() => {
      throw new RangeError('too large');
    });
    const working = await record((residual, unit) => {
      residual[unit] = 1;
    });
    for (let run = 0; run < 50; run++) {
      expect(() => backend.run(failing)).to.throw(RangeError, 'too large');
      backend.write(buffers.residual, new Array(64).fill(0));
      backend.run(working);
      const [values] = await backend.read([buffers.residual]);
      expect([...values]).to.deep.equal(new Array(64).fill(1));
      await setImmediate();
    }
    backend.destroy();
  });

  it('do not keep a process from ending', async () => {
    const ended = await runProgram(`
      import { Kan, openBackend, regression, trainMultilevel } from './src/node.ts';
      const backend = await openBackend({ device: 'cpu', threads: 3 });
      const inputs = Array.from({ length: 4000 }, (_, i) => [i / 2000 - 1]);
      const problem = regression({ inputs, targets: inputs.map(([x]) => [x * x]) });
      await trainMultilevel(Kan.create(backend, { widths: [1, 8, 1] }), problem, { steps: 30 });
      console.log(backend.adapter);
    `);
    expect(ended).to.deep.equal({ status: 0, signal: null, stdout: 'JavaScript, float64, 3 threads' });
  });
});
