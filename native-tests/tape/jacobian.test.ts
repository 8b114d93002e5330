/** What a tape has no Jacobian rows for. */
import { expect } from 'chai';
import { CpuBackend } from '../../src/backend/cpu/cpu-backend.ts';
import { affine } from '../../src/tape/ops/affine.ts';
import { powerReluLayer } from '../../src/tape/ops/power-relu-layer.ts';
import { Parameters } from '../../src/tape/parameters.ts';
import { Tape } from '../../src/tape/tape.ts';
import { errorOf } from '../backends.ts';

describe('Jacobian rows on a tape', () => {
  const backend = new CpuBackend();
  const start = () => {
    const tape = new Tape(backend);
    return { tape, x: tape.input([4, 2]), seed: tape.input([4, 2]) };
  };

  it('a tensor that is used twice would need one column in two slots', async () => {
    const { tape, x, seed } = start();
    const parameters = new Parameters(backend, { weights: [2, 2] });
    const weights = parameters.get('weights');
    const twice = tape.apply(affine, [tape.apply(affine, [x, weights], undefined), weights], undefined);
    const { code, where } = await errorOf(() => tape.jacobian(twice, seed, parameters.entries));
    expect([code, where]).to.deep.equal(['OPTIMIZER_UNSUITABLE', { op: 'affine' }]);
  });

  it('ops may have none', async () => {
    const { tape, x, seed } = start();
    const parameters = new Parameters(backend, { weights: [2, 3, 2] });
    const grid = { degree: 1, intervals: 2, domain: [-1, 1] } as const;
    const y = tape.apply(powerReluLayer, [x, parameters.get('weights')], grid);
    const { code, where, fix } = await errorOf(() => tape.jacobian(y, seed, parameters.entries));
    expect([code, where]).to.deep.equal(['OPTIMIZER_UNSUITABLE', { op: 'power-relu-layer' }]);
    expect(fix).to.contain('adamThenLbfgs');
  });

  it('has no slots for parameters that the output does not depend on, and leaves the dispatches alone', () => {
    const { tape, x, seed } = start();
    const parameters = new Parameters(backend, { used: [2, 2], unused: [2, 2] });
    const y = tape.apply(affine, [x, parameters.get('used')], undefined);
    tape.apply(affine, [x, parameters.get('unused')], undefined);
    const recorded = [...tape.dispatches];
    expect(tape.jacobian(y, seed, parameters.entries).slots).to.equal(4);
    expect(tape.dispatches).to.deep.equal(recorded);
  });
});
