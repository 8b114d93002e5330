/** jax-js as a peer: `jax-js.mjs wasm|webgpu`. Whole steps are compiled by its jit. */
import { resolveObjectURL } from 'node:buffer';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { installedVersion, readCase, serve, Unsupported, writeArrays } from './serve.mjs';

const [device] = process.argv.slice(2);

/** A browser's Worker over Node's, as far as jax-js uses one: its threads for Wasm. */
class BrowserWorker {
  #worker;
  #waiting = [];

  constructor(url) {
    resolveObjectURL(url)
      .text()
      .then((source) => this.#start(source));
  }

  #start(source) {
    const prelude =
      "const { parentPort } = require('node:worker_threads'); globalThis.self = globalThis;" +
      'globalThis.postMessage = (data) => parentPort.postMessage(data);' +
      "parentPort.on('message', (data) => globalThis.onmessage?.({ data }));";
    this.#worker = new Worker(`${prelude}\n${source}`, { eval: true });
    this.#worker.on('message', (data) => this.onmessage?.({ data }));
    this.#worker.on('error', (error) => this.onerror?.(error));
    for (const message of this.#waiting) this.#worker.postMessage(message);
  }

  postMessage(message) {
    if (this.#worker) this.#worker.postMessage(message);
    else this.#waiting.push(message);
  }
}

Object.defineProperty(globalThis, 'navigator', {
  configurable: true,
  value: { hardwareConcurrency: availableParallelism(), userAgent: 'Node' },
});
globalThis.Worker ??= BrowserWorker;
if (device === 'webgpu') {
  const { create, globals } = await import('webgpu');
  Object.assign(globalThis, globals);
  navigator.gpu = create([]);
}
const jax = await import('@jax-js/jax');
const { numpy: np } = jax;
const devices = await jax.init(device);
if (!devices.includes(device)) throw new Error(`jax-js finds no device ${device}`);
jax.defaultDevice(device);

/** Arguments are owned by the callee: `.ref` keeps them. weights [inputs, intervals + 3, outputs], x [batch, inputs]. */
function applyLayer(weights, x, { batch, inputs, intervals, outputs, start, end }) {
  const coefficients = intervals + 3;
  const position = x.sub(start).mul(intervals / (end - start));
  const centres = np.arange(-1, coefficients - 1).astype(np.float32);
  const distance = np.abs(position.reshape([batch, inputs, 1]).sub(centres));
  const outer = np.maximum(np.subtract(2, distance.ref), 0);
  const inner = np.maximum(np.subtract(1, distance), 0);
  const cube = (value) => value.ref.mul(value.ref).mul(value);
  const bases = cube(outer)
    .mul(1 / 6)
    .sub(cube(inner).mul(2 / 3));
  return np.matmul(bases.reshape([batch, inputs * coefficients]), weights.reshape([inputs * coefficients, outputs]));
}

function network(weights, x, { widths, intervals, batch }) {
  return weights.reduce((input, layer, index) => {
    const [start, end] = index === 0 ? [-1, 1] : [-4, 4];
    return applyLayer(layer, input, {
      batch,
      inputs: widths[index],
      outputs: widths[index + 1],
      intervals,
      start,
      end,
    });
  }, x);
}

function regressionLoss(weights, x, targets, size) {
  return np.mean(np.square(network(weights, x, size).sub(targets)));
}

/** Forward differentiation twice along both coordinates. */
function poissonLoss(weights, x, f, size) {
  const second = (direction) => {
    const tangent = () =>
      np
        .array(direction)
        .reshape([1, 2])
        .mul(np.ones([size.batch, 2]));
    const slope = (at) =>
      jax.jvp(
        (point) =>
          network(
            weights.map((layer) => layer.ref),
            point,
            size,
          ),
        [at],
        [tangent()],
      )[1];
    return jax.jvp(slope, [x.ref], [tangent()])[1].reshape([size.batch]);
  };
  const residual = second([1, 0])
    .add(second([0, 1]))
    .sub(f);
  x.dispose();
  for (const layer of weights) layer.dispose();
  return np.mean(np.square(residual));
}

function adam(weights, gradients, [first, second, count], rate) {
  const steps = count.add(1);
  const firstRate = np.trueDivide(rate, np.subtract(1, np.exp(steps.ref.mul(Math.log(0.9)))));
  const secondScale = np.trueDivide(1, np.subtract(1, np.exp(steps.ref.mul(Math.log(0.999)))));
  const m = first.map((value, index) => value.mul(0.9).add(gradients[index].ref.mul(0.1)));
  const v = second.map((value, index) => value.mul(0.999).add(np.square(gradients[index]).mul(0.001)));
  const updated = weights.map((value, index) =>
    value.sub(m[index].ref.mul(firstRate.ref).div(np.sqrt(v[index].ref.mul(secondScale.ref)).add(1e-8))),
  );
  firstRate.dispose();
  secondScale.dispose();
  return [updated, [m, v, steps]];
}

let run;
const dispose = () => {};

async function prepare(request) {
  dispose();
  const { task, widths, intervals, batch, rate, checkFile } = request;
  const bytes = 4 * batch * Math.max(...widths.slice(0, -1)) * (intervals + 3);
  if (bytes > 3e8) throw new Unsupported('skipped: memory, arrays above 0.3 GB');
  const { x, targets, weights, outputs } = readCase(request);
  const array = (data, shape) => np.array(Float32Array.from(data)).reshape(shape);
  const shapes = weights.map((_, layer) => [widths[layer], intervals + 3, widths[layer + 1]]);
  const inputs = array(x, [batch, widths[0]]);
  const wanted = array(targets, task === 'poisson' ? [batch] : [batch, outputs]);
  let values = weights.map((data, layer) => array(data, shapes[layer]));
  if (task === 'forward') {
    const forward = jax.jit((layers, points) => network(layers, points, request));
    const evaluate = () =>
      forward(
        values.map((layer) => layer.ref),
        inputs.ref,
      );
    const y = await evaluate().data();
    writeArrays(checkFile, [y]);
    // What nobody reads before it is disposed of is never computed.
    run = async (steps) => {
      const results = Array.from({ length: steps }, evaluate);
      await jax.blockUntilReady(results);
      for (const result of results) result.dispose();
    };
    return { loss: y.reduce((sum, value) => sum + value * value, 0) / y.length };
  }
  const lossOf = task === 'poisson' ? poissonLoss : regressionLoss;
  const withGradient = jax.valueAndGrad((layers, points, right) => lossOf(layers, points, right, request));
  const check = jax.jit((layers, points, right) => withGradient(layers, points, right));
  const [loss, gradients] = check(
    values.map((layer) => layer.ref),
    inputs.ref,
    wanted.ref,
  );
  writeArrays(checkFile, await Promise.all(gradients.map((gradient) => gradient.data())));
  const zeros = () => shapes.map((shape) => np.zeros(shape));
  let moments = [zeros(), zeros(), np.zeros([])];
  const step = jax.jit((layers, state, points, right) => {
    const [lossValue, slopes] = withGradient(
      layers.map((layer) => layer.ref),
      points,
      right,
    );
    lossValue.dispose();
    return adam(layers, slopes, state, rate);
  });
  run = async (steps) => {
    for (let index = 0; index < steps; index++) [values, moments] = step(values, moments, inputs.ref, wanted.ref);
    await jax.blockUntilReady(values);
  };
  return { loss: Number((await loss.data())[0]) };
}

await serve(
  { versions: `@jax-js/jax ${installedVersion('@jax-js/jax')}, Node ${process.versions.node}`, device },
  {
    prepare,
    time: async ({ steps }) => {
      const start = performance.now();
      await run(steps);
      return { seconds: (performance.now() - start) / 1000 };
    },
    release: async () => ({}),
  },
);
