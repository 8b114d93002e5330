/** What a tape promises beside correct derivatives. */
import { expect } from 'chai';
import { activation } from '../../src/tape/ops/activation.ts';
import { add } from '../../src/tape/ops/add.ts';
import { affine } from '../../src/tape/ops/affine.ts';
import { differencePenalty } from '../../src/tape/ops/difference-penalty.ts';
import { meanSquaredError } from '../../src/tape/ops/mean-squared-error.ts';
import { splineLayer } from '../../src/tape/ops/spline-layer.ts';
import { Tape } from '../../src/tape/tape.ts';
import { errorOf, forEachBackend } from '../backends.ts';
import { weightedSum } from './weighted-sum.ts';

forEachBackend('tape', (open) => {
  it('a watched tensor that the loss does not depend on gets a zero gradient, whatever its buffer held', async () => {
    const backend = await open();
    const tape = new Tape(backend);
    const [x, unused, later] = [tape.input([3]), tape.input([4]), tape.input([3])];
    const gradients = [tape.input([3]), tape.input([4]), tape.input([3])];
    [x, unused, later].forEach((tensor, index) => {
      tape.watch(tensor, gradients[index]);
    });
    const loss = tape.apply(weightedSum, [x, x], undefined);
    // Beside the loss, not on its way.
    tape.apply(add, [loss, tape.apply(weightedSum, [later, x], undefined)], undefined);
    tape.backward(loss);
    backend.write(x.buffer, [1, 2, 3]);
    for (const gradient of gradients) backend.write(gradient.buffer, [7, 7, 7]);
    const recording = await tape.record();
    backend.run(recording, 2);
    const [ofX, ofUnused, ofLater] = await backend.read(gradients.map(({ buffer }) => buffer));
    expect([...ofX]).to.deep.equal([2, 4, 6]);
    expect([...ofUnused]).to.deep.equal([0, 0, 0, 0]);
    expect([...ofLater]).to.deep.equal([0, 0, 0]);
    tape.dispose();
  });

  it('replays overwrite gradients, they do not add up', async () => {
    const backend = await open();
    const tape = new Tape(backend);
    const [x, gradient] = [tape.input([2]), tape.input([2])];
    tape.watch(x, gradient);
    const sum = tape.apply(add, [x, x, x], undefined);
    tape.backward(tape.apply(weightedSum, [sum, sum], undefined));
    backend.write(x.buffer, [1, -2]);
    backend.run(await tape.record(), 3);
    expect([...(await backend.read([gradient.buffer]))[0]]).to.deep.equal([18, -36]);
    tape.dispose();
  });

  it('an intermediate tensor and the loss itself can be watched', async () => {
    const backend = await open();
    const tape = new Tape(backend);
    const x = tape.input([2]);
    const middle = tape.apply(activation, [x], 'relu');
    const loss = tape.apply(weightedSum, [middle, middle], undefined);
    const gradients = [tape.input([2]), tape.input([2]), tape.input([1])];
    [x, middle, loss].forEach((tensor, index) => {
      tape.watch(tensor, gradients[index]);
    });
    tape.backward(loss);
    backend.write(x.buffer, [3, -5]);
    backend.run(await tape.record());
    const [ofX, ofMiddle, ofLoss] = await backend.read(gradients.map(({ buffer }) => buffer));
    expect([[...ofX], [...ofMiddle], [...ofLoss]]).to.deep.equal([[6, 0], [6, 0], [1]]);
    tape.dispose();
  });

  it('computes nothing for tensors that nobody watches', async () => {
    const tape = new Tape(await open());
    const [x, weights] = [tape.input([4, 2]), tape.input([2, 7, 1])];
    const gradient = tape.input([2, 7, 1]);
    tape.watch(weights, gradient);
    tape.apply(splineLayer, [x, weights], { degree: 3, intervals: 4, domain: [-1, 1] });
    const prediction = tape.apply(splineLayer, [x, weights], { degree: 3, intervals: 4, domain: [-1, 1] });
    tape.backward(tape.apply(meanSquaredError, [prediction, tape.input([4, 1])], undefined));
    const names = tape.dispatches.map(({ kernel }) => kernel.name);
    expect(names).to.not.include('spline-input-gradient');
    expect(names.filter((name) => name === 'spline-coefficient-gradient')).to.have.length(1);
    tape.dispose();
  });

  it('a loss is one number', async () => {
    const tape = new Tape(await open());
    const x = tape.input([2, 3]);
    tape.watch(x, tape.input([2, 3]));
    const error = await errorOf(() => tape.backward(tape.apply(activation, [x], 'tanh')));
    expect(error.code).to.equal('SHAPE_MISMATCH');
    expect(error.message).to.include('[2, 3]');
    tape.dispose();
  });

  it('ops refuse shapes that do not fit', async () => {
    const tape = new Tape(await open());
    const tensor = (...shape: number[]) => tape.input(shape);
    const grid = { degree: 3, intervals: 4, domain: [-1, 1] as const };
    const wrong = [
      () => tape.apply(add, [tensor(2), tensor(3)], undefined),
      () => tape.apply(add, [tensor(2)], undefined),
      () => tape.apply(affine, [tensor(5, 2), tensor(3, 1)], undefined),
      () => tape.apply(affine, [tensor(5, 2), tensor(2, 3), tensor(2)], undefined),
      () => tape.apply(meanSquaredError, [tensor(2, 3), tensor(3, 2)], undefined),
      () => tape.apply(differencePenalty, [tensor(7, 3)], { factor: 1 }),
      () => tape.apply(splineLayer, [tensor(5, 2), tensor(2, 6, 1)], grid),
      () => tape.apply(splineLayer, [tensor(5, 2), tensor(3, 7, 1)], grid),
      () => tape.apply(splineLayer, [tensor(5, 2)], grid),
    ];
    for (const action of wrong) expect((await errorOf(action)).code).to.equal('SHAPE_MISMATCH');
    tape.dispose();
  });

  it('gives all its memory back', async () => {
    const backend = await open();
    const build = async () => {
      const tape = new Tape(backend);
      const [x, weights, gradient] = [tape.input([600, 2]), tape.input([2, 7, 3]), tape.input([2, 7, 3])];
      tape.watch(weights, gradient);
      const y = tape.apply(splineLayer, [x, weights], { degree: 3, intervals: 4, domain: [-1, 1] });
      tape.backward(tape.apply(meanSquaredError, [y, y], undefined));
      backend.run(await tape.record());
      await backend.finish();
      tape.dispose();
    };
    await build();
    const { bytes } = backend.counters;
    for (let repetition = 0; repetition < 3; repetition++) await build();
    expect(backend.counters.bytes).to.equal(bytes);
    if (backend.name === 'cpu') expect(bytes).to.equal(0);
  });
});
