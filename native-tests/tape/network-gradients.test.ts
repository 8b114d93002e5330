/** Gradients of whole networks: by finite differences in float64, and on WebGPU against the CPU. */
import { expect } from 'chai';
import type { Backend } from '../../src/backend/backend.ts';
import { CpuBackend } from '../../src/backend/cpu/cpu-backend.ts';
import { WebGpuBackend } from '../../src/backend/webgpu/webgpu-backend.ts';
import { activations } from '../../src/kernels/activations.ts';
import { Kan, type KanOptions } from '../../src/models/kan.ts';
import { Mlp } from '../../src/models/mlp.ts';
import { MultichannelMlp } from '../../src/models/multichannel-mlp.ts';
import type { Network } from '../../src/models/network.ts';
import { meanSquaredError } from '../../src/tape/ops/mean-squared-error.ts';
import { Tape } from '../../src/tape/tape.ts';
import { sharedDevice } from '../backends.ts';
import { expectClose, type Gradients, randomValues } from './gradient-tools.ts';

const ROWS = 40;
const WIDTHS = [2, 3, 2];

type Create = (backend: Backend) => Promise<Network> | Network;

const kan = (options: Partial<KanOptions>) => (backend: Backend) =>
  Kan.create(backend, { widths: WIDTHS, intervals: 5, seed: 3, ...options });

const networks: Readonly<Record<string, Create>> = {
  'Kan, cubic': kan({}),
  'Kan, degree 4, narrow hidden domain': kan({ degree: 4, hiddenDomain: [-0.5, 0.5] }),
  'Kan, leading linear with bias': kan({ leadingLinear: 'with-bias' }),
  'Kan, leading linear without bias, sigmoid': kan({ leadingLinear: 'without-bias', squashing: 'sigmoid' }),
  'Kan, degree 2, tanh': kan({ degree: 2, squashing: 'tanh' }),
  'MultichannelMlp, cubic': (backend) =>
    MultichannelMlp.create(backend, { widths: WIDTHS, intervals: 3, hiddenDomain: [-1, 1], seed: 3 }),
  ...Object.fromEntries(
    activations.map((activation) => [
      `Mlp, ${activation}`,
      (backend: Backend) => Mlp.create(backend, { widths: [2, 8, 2], activation, seed: 3 }),
    ]),
  ),
};

const x = randomValues(1, [ROWS, 2], 1.3);
const target = randomValues(2, [ROWS, 2]);

/** Mean squared error on the fixed data as a recorded program with gradients. */
async function lossOf(model: Network) {
  const { backend, parameters } = model;
  const tape = new Tape(backend);
  const [inputs, targets] = [tape.input([ROWS, 2]), tape.input([ROWS, 2])];
  const loss = tape.apply(meanSquaredError, [model.apply(tape, inputs), targets], undefined);
  parameters.watch(tape);
  tape.backward(loss);
  backend.write(inputs.buffer, x);
  backend.write(targets.buffer, target);
  const recording = await tape.record();
  return async (): Promise<Gradients> => {
    backend.run(recording);
    const gradients = parameters.entries.map(({ gradient }) => gradient.buffer);
    const [[value], ...arrays] = await backend.read([loss.buffer, ...gradients]);
    return { loss: value, gradients: arrays };
  };
}

/** Initial values, a little larger so that hidden activations leave their domains; representable in float32. */
async function startingValues(model: Network): Promise<Record<string, Float64Array>> {
  const values = await model.parameters.read();
  return Object.fromEntries(
    Object.entries(values).map(([name, array]) => [name, array.map((w) => Math.fround(1.5 * w))]),
  );
}

const STEP = 2 ** -15;
const CHECKED_PER_TENSOR = 12;

describe('gradients of networks', () => {
  const cpu = new CpuBackend();

  for (const [name, create] of Object.entries(networks)) {
    it(`${name}: as finite differences have it`, async () => {
      const model = await create(cpu);
      const values = await startingValues(model);
      model.parameters.write(values);
      const evaluate = await lossOf(model);
      const { gradients } = await evaluate();
      for (const [index, entry] of model.parameters.entries.entries()) {
        const array = values[entry.name];
        const central = async (element: number, step: number) => {
          const at = async (value: number) => {
            model.parameters.write({ [entry.name]: array.map((w, i) => (i === element ? value : w)) });
            return (await evaluate()).loss;
          };
          const slope = ((await at(array[element] + step)) - (await at(array[element] - step))) / (2 * step);
          model.parameters.write({ [entry.name]: array });
          return slope;
        };
        const stride = Math.ceil(array.length / CHECKED_PER_TENSOR);
        for (let element = 0; element < array.length; element += stride) {
          const [near, far] = [await central(element, STEP), await central(element, 2 * STEP)];
          // Truncation as the step shows it, and some hundred roundings of a loss of size 1.
          const bound = Math.abs(far - near) + (512 * 2 ** -53) / STEP;
          expect(gradients[index][element], `${entry.name}[${element}]`).to.be.closeTo(near, bound);
          expect(bound).to.be.below(1e-4 * Math.max(1, Math.abs(near)));
        }
      }
    });
  }

  it("WebGPU gives the CPU's gradients", async () => {
    const webgpu = new WebGpuBackend(await sharedDevice());
    try {
      const compare = async ([name, create]: [string, Create]) => {
        const [onCpu, onGpu] = [await create(cpu), await create(webgpu)];
        const values = await startingValues(onCpu);
        onCpu.parameters.write(values);
        onGpu.parameters.write(values);
        const expected = await (await lossOf(onCpu))();
        const actual = await (await lossOf(onGpu))();
        // Sums over the rows, behind two layers of sums over a window and a width in each direction.
        const operations = 4 * ROWS + 6 * 4 * 8;
        expectClose(actual, expected, operations, name);
      };
      // Every size is compiled: where layers differ in degree alone, one network is enough.
      const compared = Object.entries(networks).filter(([name]) => !/degree|with bias/.test(name));
      await Promise.all(compared.map(compare));
    } finally {
      webgpu.destroy();
    }
  });
});
