import { expect } from 'chai';
import fc from 'fast-check';
import type { Backend, Dispatch } from '../../src/backend/backend.ts';
import { errorOf, forEachBackend } from '../backends.ts';
import { accumulate, addOne, fillTwo } from './test-kernels.ts';

function addOneTo(backend: Backend, values: readonly number[]) {
  const count = values.length;
  const x = backend.allocate(count);
  const y = backend.allocate(count);
  backend.write(x, values);
  return { x, y, count, dispatch: { kernel: addOne, buffers: { x, y }, constants: { count } } satisfies Dispatch };
}

forEachBackend('backend: record, run, read', (open) => {
  it('computes what the kernel says', async () => {
    const backend = await open();
    const { y, dispatch } = addOneTo(backend, [1, -2.5, 4]);
    backend.run(await backend.record([dispatch]));
    const [result] = await backend.read([y]);
    expect([...result]).to.deep.equal([2, -1.5, 5]);
  });

  it('runs the dispatches of a replay, and replays, in order', async () => {
    const backend = await open();
    const [one, three, total] = [0, 1, 2].map(() => backend.allocate(1, { type: 'uint' }));
    backend.write(one, [1]);
    backend.write(three, [3]);
    const constants = { count: 1 };
    const recording = await backend.record([
      { kernel: accumulate, buffers: { step: one, total }, constants },
      { kernel: accumulate, buffers: { step: three, total }, constants },
    ]);
    backend.run(recording, 5);
    const [values] = await backend.read([total]);
    let expected = 0;
    for (let replay = 0; replay < 5; replay++) expected = 2 * (2 * expected + 1) + 3;
    expect([...values]).to.deep.equal([expected]);
  });

  it('orders writes and reads among runs', async () => {
    const backend = await open();
    const { x, y, dispatch } = addOneTo(backend, [1]);
    const recording = await backend.record([dispatch]);
    backend.run(recording);
    const first = backend.read([y]);
    backend.write(x, [10]);
    backend.run(recording);
    const second = backend.read([y]);
    expect([(await first)[0][0], (await second)[0][0]]).to.deep.equal([2, 11]);
  });

  it('reads many buffers and views in one readback', async () => {
    const backend = await open();
    const lengths = [1, 3, 64, 1000, 7];
    const buffers = lengths.map((length, index) => {
      const buffer = backend.allocate(length);
      backend.write(buffer, new Float64Array(length).fill(index + 0.5));
      return buffer;
    });
    const integers = backend.allocate(2, { type: 'uint' });
    backend.write(integers, [7, 4294967295]);
    const before = backend.counters.readbacks;
    const values = await backend.read([...buffers, integers, buffers[3].view(128, 5)]);
    expect(backend.counters.readbacks - before).to.equal(1);
    lengths.forEach((length, index) => {
      expect([...values[index]]).to.deep.equal(new Array(length).fill(index + 0.5));
    });
    expect([...values[5]]).to.deep.equal([7, 4294967295]);
    expect([...values[6]]).to.deep.equal(new Array(5).fill(3.5));
    expect(await backend.read([])).to.deep.equal([]);
  });

  it('round-trips any float32 through views of any size', async () => {
    const backend = await open();
    const float32 = fc.float({ noNaN: true, noDefaultInfinity: true });
    await fc.assert(
      fc.asyncProperty(fc.array(float32, { minLength: 1, maxLength: 200 }), fc.nat(3), async (values, block) => {
        const parent = backend.allocate(64 * block + values.length + 5);
        const view = parent.view(64 * block, values.length);
        backend.write(view, values);
        const [whole, part] = await backend.read([parent, view]);
        backend.release(parent);
        const normal = (x: number) => (Math.abs(x) < 1.2e-38 ? 0 : x);
        expect([...part].map(normal)).to.deep.equal(values.map(normal));
        expect([...whole.slice(0, 64 * block)]).to.deep.equal(new Array(64 * block).fill(0));
      }),
      { numRuns: 50 },
    );
  });

  it('carries NaN and infinities', async () => {
    const backend = await open();
    const { x } = addOneTo(backend, [NaN, Infinity, -Infinity]);
    const [values] = await backend.read([x]);
    expect([...values]).to.deep.equal([NaN, Infinity, -Infinity]);
  });
});

forEachBackend('backend: steady state', (open) => {
  it('creates nothing while it replays, and reads nothing back', async () => {
    const backend = await open();
    const { y, dispatch } = addOneTo(backend, [1, 2, 3]);
    const recording = await backend.record([dispatch, dispatch]);
    backend.run(recording);
    await backend.read([y]);
    const before = { ...backend.counters };
    for (let step = 0; step < 20; step++) backend.run(recording, 10);
    await backend.finish();
    const { buffers, bindGroups, pipelines, readbacks, bytes, dispatches } = backend.counters;
    expect({ buffers, bindGroups, pipelines, readbacks, bytes }).to.deep.equal({
      buffers: before.buffers,
      bindGroups: before.bindGroups,
      pipelines: before.pipelines,
      readbacks: before.readbacks,
      bytes: before.bytes,
    });
    expect(dispatches - before.dispatches).to.equal(20 * 10 * 2);
  });

  it('reads through kept staging memory', async () => {
    const backend = await open();
    const { y } = addOneTo(backend, [1, 2, 3]);
    await backend.read([y]);
    const { buffers, bytes } = backend.counters;
    for (let time = 0; time < 20; time++) await backend.read([y]);
    expect(backend.counters.buffers).to.equal(buffers);
    expect(backend.counters.bytes).to.equal(bytes);
  });

  it('keeps its memory flat over 10 000 replays', async () => {
    const backend = await open();
    const { y, dispatch } = addOneTo(backend, new Array(32768).fill(1));
    const recording = await backend.record([dispatch]);
    const replay = async (blocks: number) => {
      for (let block = 0; block < blocks; block++) {
        backend.run(recording, 100);
        await backend.read([y]);
      }
    };
    await replay(20);
    const before = { bytes: backend.counters.bytes, resident: process.memoryUsage().rss };
    await replay(100);
    expect(backend.counters.bytes).to.equal(before.bytes);
    // One leaked buffer of 128 KiB per replay would be 1.2 GiB; the garbage collector's own swings stay far below that.
    expect(process.memoryUsage().rss - before.resident).to.be.below(256 * 2 ** 20);
  });
});

forEachBackend('backend: memory', (open) => {
  it('is zero when allocated, also when it was used before', async () => {
    const backend = await open();
    for (let round = 0; round < 3; round++) {
      const buffer = backend.allocate(1000);
      const [values] = await backend.read([buffer]);
      expect([...values]).to.deep.equal(new Array(1000).fill(0));
      backend.write(buffer, new Array(1000).fill(7));
      backend.release(buffer);
    }
    const longer = backend.allocate(1020);
    backend.write(longer, [5]);
    const [values] = await backend.read([longer]);
    expect([...values]).to.deep.equal([5, ...new Array(1019).fill(0)]);
  });

  it('does not grow when it is released and asked for again', async () => {
    const backend = await open();
    backend.release(backend.allocate(100_000));
    const { bytes } = backend.counters;
    for (let time = 0; time < 50; time++) backend.release(backend.allocate(100_000));
    expect(backend.counters.bytes).to.equal(bytes);
  });

  it('is given back once and whole', async () => {
    const backend = await open();
    const buffer = backend.allocate(100);
    expect((await errorOf(() => backend.release(buffer.view(0, 64)))).code).to.equal('INVALID_ARGUMENT');
    backend.release(buffer);
    expect((await errorOf(() => backend.release(buffer))).code).to.equal('INVALID_ARGUMENT');
  });

  it('has a positive whole length', async () => {
    const backend = await open();
    for (const length of [0, -1, 1.5, NaN]) {
      expect((await errorOf(() => backend.allocate(length))).code).to.equal('INVALID_ARGUMENT');
    }
  });

  it('has views inside itself, on aligned offsets', async () => {
    const buffer = (await open()).allocate(200);
    const bad = [
      [1, 4],
      [64, 137],
      [-64, 4],
      [0, 0],
      [64, NaN],
      [256, 1],
    ];
    for (const [offset, length] of bad) {
      expect((await errorOf(() => buffer.view(offset, length))).code, `${offset}, ${length}`).to.equal(
        'INVALID_ARGUMENT',
      );
    }
    expect(buffer.view(128, 72).length).to.equal(72);
  });

  it('takes no more numbers than it has room for', async () => {
    const backend = await open();
    const error = await errorOf(() => backend.write(backend.allocate(2), [1, 2, 3]));
    expect(error.code).to.equal('SHAPE_MISMATCH');
  });
});

forEachBackend('backend: refuses', (open) => {
  const refused = async (change: (dispatch: Dispatch, backend: Backend) => Dispatch, code: string, text: RegExp) => {
    const backend = await open();
    const { dispatch } = addOneTo(backend, [1, 2]);
    const error = await errorOf(() => backend.record([change(dispatch, backend)]));
    expect(error.code).to.equal(code);
    expect(error.message).to.match(text);
    expect(error.fix).to.match(/\.$/);
  };

  it('a missing buffer', () =>
    refused((d) => ({ ...d, buffers: { x: d.buffers.x } }), 'SHAPE_MISMATCH', /add-one: no buffer is bound to y/));
  it('a buffer that the kernel does not know', () =>
    refused(
      (d, b) => ({ ...d, buffers: { ...d.buffers, z: b.allocate(1) } }),
      'SHAPE_MISMATCH',
      /no binding called z/,
    ));
  it('a buffer of the wrong type', () =>
    refused(
      (d, b) => ({ ...d, buffers: { ...d.buffers, x: b.allocate(2, { type: 'uint' }) } }),
      'SHAPE_MISMATCH',
      /x is a uint buffer, expected float/,
    ));
  it('a buffer that is too short', () =>
    refused((d) => ({ ...d, constants: { count: 3 } }), 'SHAPE_MISMATCH', /2 elements, expected at least 3/));
  it('a missing constant', () => refused((d) => ({ ...d, constants: {} }), 'SHAPE_MISMATCH', /count is undefined/));
  it('too many workgroups', () =>
    refused(
      (d) => ({ ...d, kernel: { ...d.kernel, workgroups: () => [65536, 1, 1] } }),
      'SHAPE_MISMATCH',
      /65536 × 1 × 1 workgroups/,
    ));
  it('reading and writing the same buffer', () =>
    refused((d) => ({ ...d, buffers: { x: d.buffers.x, y: d.buffers.x } }), 'BUFFER_ALIASED', /y and x share memory/));

  it('reading one part of a buffer and writing another', async () => {
    const backend = await open();
    const parent = backend.allocate(128);
    const buffers = { x: parent.view(0, 64), y: parent.view(64, 64) };
    const error = await errorOf(() => backend.record([{ kernel: addOne, buffers, constants: { count: 64 } }]));
    expect(error.code).to.equal('BUFFER_ALIASED');
  });

  it('writing overlapping parts, but not disjoint ones', async () => {
    const backend = await open();
    const parent = backend.allocate(192);
    const record = (a: number, b: number, count: number) =>
      backend.record([
        { kernel: fillTwo, buffers: { a: parent.view(a, count), b: parent.view(b, count) }, constants: { count } },
      ]);
    expect((await errorOf(() => record(0, 64, 128))).code).to.equal('BUFFER_ALIASED');
    backend.run(await record(0, 128, 64));
    const [values] = await backend.read([parent]);
    const part = (value: number) => new Array(64).fill(value);
    expect([...values]).to.deep.equal([...part(1), ...part(0), ...part(1)]);
  });

  it('buffers and recordings of another backend', async () => {
    const [here, there] = [await open(), await open()];
    const { y, dispatch } = addOneTo(there, [1]);
    expect((await errorOf(() => here.record([dispatch]))).code).to.equal('BACKEND_MISMATCH');
    expect((await errorOf(() => here.read([y]))).code).to.equal('BACKEND_MISMATCH');
    expect((await errorOf(() => here.write(y, [1]))).code).to.equal('BACKEND_MISMATCH');
    const recording = await there.record([dispatch]);
    expect((await errorOf(() => here.run(recording))).code).to.equal('BACKEND_MISMATCH');
    expect((await errorOf(() => here.profile(recording))).code).to.equal('BACKEND_MISMATCH');
  });

  it('a number of replays that is none', async () => {
    const backend = await open();
    const recording = await backend.record([addOneTo(backend, [1]).dispatch]);
    for (const times of [-1, 0.5, NaN, Infinity]) {
      expect((await errorOf(() => backend.run(recording, times))).code).to.equal('INVALID_ARGUMENT');
    }
  });

  it('every call after it was destroyed', async () => {
    const backend = await open();
    const { y, dispatch } = addOneTo(backend, [1]);
    const recording = await backend.record([dispatch]);
    backend.destroy();
    backend.destroy();
    const calls: (() => unknown)[] = [
      () => backend.allocate(1),
      () => backend.release(y),
      () => backend.write(y, [1]),
      () => backend.read([y]),
      () => backend.record([dispatch]),
      () => backend.run(recording),
      () => backend.finish(),
      () => backend.profile(recording),
    ];
    for (const call of calls) expect((await errorOf(call)).code).to.equal('BACKEND_DESTROYED');
    expect(backend.counters.bytes).to.equal(0);
  });
});

forEachBackend('backend: profile', (open) => {
  it('times every dispatch and counts its bytes and operations', async () => {
    const backend = await open();
    const { dispatch, count } = addOneTo(backend, new Array(1000).fill(1));
    const total = backend.allocate(10, { type: 'uint' });
    const step = backend.allocate(10, { type: 'uint' });
    const recording = await backend.record([
      dispatch,
      { kernel: accumulate, buffers: { step, total }, constants: { count: 10 } },
    ]);
    const timings = await backend.profile(recording, 7);
    expect(timings.map(({ kernel }) => kernel)).to.deep.equal(['add-one', 'accumulate']);
    expect(timings.map(({ bytes }) => bytes)).to.deep.equal([4 * 2 * count, 4 * 3 * 10]);
    expect(timings.map(({ flops }) => flops)).to.deep.equal([count, 20]);
    for (const { seconds } of timings) {
      expect(seconds.length).to.be.within(1, 7);
      for (const time of seconds) expect(time).to.be.within(0, 1);
    }
  });
});
