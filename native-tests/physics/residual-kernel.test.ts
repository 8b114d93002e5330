/** Fused residual kernels: WGSL against their references, gradients against finite differences. */
import { expect } from 'chai';
import fc from 'fast-check';
import type { Backend } from '../../src/backend/backend.ts';
import { CpuBackend } from '../../src/backend/cpu/cpu-backend.ts';
import { WebGpuBackend } from '../../src/backend/webgpu/webgpu-backend.ts';
import type { Kernel } from '../../src/kernels/kernel.ts';
import { type Expression, symbol } from '../../src/physics/expression.ts';
import {
  fieldKey,
  jetKey,
  type ResidualKernels,
  type ResidualSizes,
  residualKernels,
  scalarKey,
} from '../../src/physics/residual-kernel.ts';
import { residual, weightedSquaresLoss } from '../../src/physics/residual-op.ts';
import { sharedDevice } from '../backends.ts';
import { type Case, expectClose, expectFiniteDifferences, gradientsOf, randomValues } from '../tape/gradient-tools.ts';
import { formulas } from './formulas.ts';

const SIZES: ResidualSizes = { channels: 3, traces: 2, outputs: 2, fields: 2, scalars: 2, residuals: 2 };
const BATCH = 9;

const jetKeys = [0, 1].flatMap((trace) =>
  [0, 1, 2].flatMap((channel) => [0, 1].map((output) => jetKey(trace, channel, output))),
);
const keys = [...jetKeys, ...[0, 1].map(fieldKey), ...[0, 1].map(scalarKey)];

/** Navier–Stokes-like products, functions of every kind, a jump between traces. */
function handWritten(): Expression[] {
  const [u, v, ux, uxx, other] = [
    jetKey(0, 0, 0),
    jetKey(0, 0, 1),
    jetKey(0, 1, 0),
    jetKey(0, 2, 0),
    jetKey(1, 1, 0),
  ].map(symbol);
  const [f, g, a, b] = [fieldKey(0), fieldKey(1), scalarKey(0), scalarKey(1)].map(symbol);
  return [
    u.mul(ux).add(v.mul(uxx)).sub(a.mul(uxx)).add(f).add(u.tanh().mul(b)),
    ux
      .mul(g)
      .sub(other.mul(a))
      .add(u.mul(u).add(1).sqrt().log())
      .add(v.sin().mul(u.cos()).exp())
      .sub(u.pow(3).div(v.exp())),
  ];
}

const drawn = fc
  .sample(fc.array(formulas(keys), { minLength: 2, maxLength: 2 }), { numRuns: 12, seed: 5 })
  .map((equations, index) => ({ name: `random equations ${index}`, equations }));
const systems = [{ name: 'products, quotients, jumps', equations: handWritten() }, ...drawn];

function inputs(seed: number): Record<'jets' | 'fields' | 'scalars' | 'residualGradient', Float64Array> {
  // Away from zero, where random formulas may divide or have kinks.
  const awayFromZero = (part: number, length: number) =>
    randomValues(10 * seed + part, [length]).map((value) =>
      Math.fround(Math.sign(value) * (0.25 + 0.75 * Math.abs(value))),
    );
  const { channels, traces, outputs, fields, scalars, residuals } = SIZES;
  return {
    jets: awayFromZero(0, channels * traces * BATCH * outputs),
    fields: awayFromZero(1, fields * BATCH),
    scalars: awayFromZero(2, scalars),
    residualGradient: awayFromZero(3, residuals * BATCH),
  };
}

async function run(backend: Backend, kernel: Kernel, contents: Readonly<Record<string, Float64Array>>) {
  const lengths = kernel.lengths({ batch: BATCH });
  const names = Object.keys(kernel.bindings);
  const buffers = Object.fromEntries(names.map((name) => [name, backend.allocate(lengths[name])]));
  const recording = await backend.record([{ kernel, buffers, constants: { batch: BATCH } }]);
  const written = names.filter((name) => kernel.bindings[name] === 'write');
  for (const name of names) if (!written.includes(name)) backend.write(buffers[name], contents[name]);
  backend.run(recording);
  const values = await backend.read(written.map((name) => buffers[name]));
  return Object.fromEntries(written.map((name, index) => [name, values[index]]));
}

/** Σ factor · weights · residual², as a function of jets and scalars. */
function lossCase(name: string, kernels: ResidualKernels): Case {
  const { jets, fields, scalars } = inputs(1);
  const shapes = [[SIZES.channels, SIZES.traces * BATCH, SIZES.outputs], [SIZES.scalars]];
  return {
    name,
    shapes,
    values: [jets, scalars],
    build(tape, [jetTensor, scalarTensor]) {
      const given = tape.input([fields.length]);
      tape.backend.write(given.buffer, fields);
      const weights = tape.input([BATCH]);
      tape.backend.write(
        weights.buffer,
        Float64Array.from({ length: BATCH }, (_, b) => (b + 1) / BATCH),
      );
      const values = tape.apply(residual, [jetTensor, given, scalarTensor], kernels);
      return tape.apply(weightedSquaresLoss, [values, weights], { factor: 0.3 });
    },
  };
}

describe('fused residual kernels', () => {
  const cpu = new CpuBackend();
  let webgpu: WebGpuBackend;
  before(async () => {
    webgpu = new WebGpuBackend(await sharedDevice());
  });
  after(() => webgpu.destroy());

  for (const [index, { name, equations }] of systems.entries()) {
    const kernels = residualKernels(equations, SIZES, `case-${index}`);

    it(`${name}: gradients are what finite differences say`, () =>
      expectFiniteDifferences(cpu, lossCase(name, kernels), 10));

    it(`${name}: the device agrees with the reference`, async () => {
      const contents = inputs(index);
      for (const kernel of [kernels.forward, kernels.backward] as readonly Kernel[]) {
        const [actual, expected] = await Promise.all([webgpu, cpu].map((backend) => run(backend, kernel, contents)));
        for (const [buffer, values] of Object.entries(expected)) {
          const size = Math.max(1, ...values.map(Math.abs));
          values.forEach((value, element) => {
            // Up to some hundred operations; WGSL's functions may be off by several units in the last place.
            expect(actual[buffer][element], `${buffer}[${element}]`).to.be.closeTo(value, 1000 * 2 ** -24 * size);
          });
        }
      }
    });
  }

  it('the whole loss has the same gradients on both backends', async () => {
    const testCase = lossCase('loss', residualKernels(handWritten(), SIZES, 'loss'));
    expectClose(await gradientsOf(webgpu, testCase), await gradientsOf(cpu, testCase), 1000, testCase.name);
  });

  it('a batch of several workgroups and of several blocks of the reference', async () => {
    const [batch, u] = [1500, symbol(jetKey(0, 0, 0))];
    const sizes = { channels: 1, traces: 1, outputs: 1, fields: 1, scalars: 0, residuals: 1 };
    const { forward } = residualKernels([u.mul(2).add(symbol(fieldKey(0)))], sizes, 'long');
    for (const backend of [cpu, webgpu]) {
      const [jets, fields, result] = [batch, batch, batch].map((length) => backend.allocate(length));
      const scalars = backend.allocate(1);
      backend.write(
        jets,
        Float64Array.from({ length: batch }, (_, b) => b),
      );
      backend.write(
        fields,
        Float64Array.from({ length: batch }, (_, b) => 5 * b),
      );
      backend.run(
        await backend.record([
          { kernel: forward, buffers: { jets, fields, scalars, residual: result }, constants: { batch } },
        ]),
      );
      const [values] = await backend.read([result]);
      expect([...values]).to.deep.equal(Array.from({ length: batch }, (_, b) => 7 * b));
    }
  });

  it('constants of every size are literals that the device takes: the largest of float32, and smaller ones than it has', async () => {
    const u = symbol(jetKey(0, 0, 0));
    const sizes = { channels: 1, traces: 1, outputs: 1, fields: 0, scalars: 0, residuals: 1 };
    const largest = (2 - 2 ** -23) * 2 ** 127;
    const factors = [largest, -largest, 2 ** -100, 0.1 + 0.2];
    const lost = [1e-40, -1e-46, 1e-310, Number.MIN_VALUE, -0];
    for (const equation of [...factors.map((c) => u.mul(c)), ...lost.map((c) => u.mul(c).add(u))]) {
      const { forward } = residualKernels([equation], sizes, 'literals');
      const contents = {
        jets: new Float64Array(BATCH).fill(0.5),
        fields: Float64Array.of(0),
        scalars: Float64Array.of(0),
      };
      const { residual: expected } = await run(cpu, forward, contents);
      const { residual: actual } = await run(webgpu, forward, contents);
      expect(expected[0]).not.to.equal(0);
      expect(actual[0]).to.equal(Math.fround(expected[0]));
    }
  });

  it('sizes of one kernel may change from run to run', async () => {
    const sizes = { channels: 1, traces: 1, outputs: 1, fields: 0, scalars: 1, residuals: 1 };
    const { forward } = residualKernels([symbol(jetKey(0, 0, 0)).mul(symbol(scalarKey(0)))], sizes, 'resized');
    for (const batch of [3, 700, 2]) {
      const buffers = {
        jets: new Float64Array(batch).fill(batch),
        fields: new Float64Array(1),
        scalars: Float64Array.of(2),
        residual: new Float64Array(batch),
      };
      forward.reference(buffers, { batch });
      expect(new Set(buffers.residual)).to.deep.equal(new Set([2 * batch]));
    }
  });
});
