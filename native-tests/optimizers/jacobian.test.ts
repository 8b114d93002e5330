/** Jacobian rows of regression: each row is the derivative of one residual, as finite differences have it. */
import { expect } from 'chai';
import type { Backend } from '../../src/backend/backend.ts';
import { CpuBackend } from '../../src/backend/cpu/cpu-backend.ts';
import { Kan, type KanOptions } from '../../src/models/kan.ts';
import { Mlp } from '../../src/models/mlp.ts';
import type { Network } from '../../src/models/network.ts';
import { regression } from '../../src/multilevel/regression.ts';
import { randomRows, scaleParameters } from '../models/model-tools.ts';
import { denseBlocks, expectRowsOf } from './jacobian-tools.ts';

const ROWS = 20;
const WIDTHS = [2, 3, 2];
const inputs = randomRows(1, ROWS, 2, 1.3);
const targets = randomRows(2, ROWS, 2);

const kan = (options: Partial<KanOptions>) => (backend: Backend) =>
  Kan.create(backend, { widths: WIDTHS, intervals: 5, seed: 3, ...options });

const networks: Readonly<Record<string, (backend: Backend) => Network>> = {
  'Kan, cubic, narrow hidden domain': kan({ hiddenDomain: [-0.5, 0.5] }),
  'Kan, degree 2, tanh': kan({ degree: 2, squashing: 'tanh' }),
  'Kan, degree 5, three layers': kan({ widths: [2, 2, 2, 2], degree: 5, intervals: 2 }),
  'Kan, leading linear with bias': kan({ leadingLinear: 'with-bias' }),
  'Kan, leading linear without bias, sigmoid': kan({ leadingLinear: 'without-bias', squashing: 'sigmoid' }),
  'Mlp, tanh': (backend) => Mlp.create(backend, { widths: [2, 6, 2], activation: 'tanh', seed: 3 }),
};

describe('Jacobian rows of regression', () => {
  for (const [name, create] of Object.entries(networks)) {
    it(`${name}: a block per output, each row as finite differences have it`, async () => {
      const model = create(new CpuBackend());
      // Larger, so that hidden activations leave their domains.
      await scaleParameters(model, 1.5);
      const objective = regression({ inputs, targets }).bind(model);
      const blocks = await denseBlocks(objective);
      expect(blocks.length).to.equal(2);
      await expectRowsOf(model, blocks, async () => {
        const { data } = await model.predict(inputs);
        return [0, 1].map((output) => inputs.map((_, row) => data[2 * row + output] - targets[row][output]));
      });
      objective.dispose();
    });
  }

  it('second differences of coefficients are residuals too, a block per layer', async () => {
    const model = kan({ degree: 2, intervals: 3 })(new CpuBackend());
    const objective = regression({ inputs, targets, roughness: 0.1 }).bind(model);
    const blocks = (await denseBlocks(objective)).slice(2);
    await expectRowsOf(model, blocks, async () => {
      const values = await model.parameters.read();
      return model.parameters.entries.map(({ name, shape: [sources, coefficients, outputs] }) => {
        const u = (p: number, k: number, q: number) => values[name][(p * coefficients + k) * outputs + q];
        return Array.from({ length: sources * (coefficients - 2) * outputs }, (_, sample) => {
          const q = sample % outputs;
          const k = Math.floor(sample / outputs) % (coefficients - 2);
          const p = Math.floor(sample / outputs / (coefficients - 2));
          return u(p, k, q) - 2 * u(p, k + 1, q) + u(p, k + 2, q);
        });
      });
    });
    objective.dispose();
  });
});
