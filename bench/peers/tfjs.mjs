/** TensorFlow.js as a peer, on its Wasm backend; tfjs-node would download its library from outside the registry. */
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { installedVersion, readCase, serve, Unsupported, writeArrays } from './serve.mjs';

// The CommonJS builds are the ones that Node can load; the whole package registers the gradients.
const require = createRequire(import.meta.url);
const tf = require('@tensorflow/tfjs');
const wasm = require('@tensorflow/tfjs-backend-wasm');
const folder = dirname(require.resolve('@tensorflow/tfjs-backend-wasm/package.json'));
wasm.setWasmPaths(join(folder, 'wasm-out/'));
wasm.setThreadsCount(availableParallelism());
await tf.setBackend('wasm');
await tf.ready();

function applyLayer(weights, x, { batch, inputs, intervals, outputs, start, end }) {
  const coefficients = intervals + 3;
  const position = tf.mul(tf.sub(x, start), intervals / (end - start));
  const distance = tf.abs(tf.sub(tf.reshape(position, [batch, inputs, 1]), tf.range(-1, coefficients - 1)));
  const outer = tf.relu(tf.sub(2, distance));
  const inner = tf.relu(tf.sub(1, distance));
  const cube = (value) => tf.mul(tf.mul(value, value), value);
  const bases = tf.sub(tf.mul(cube(outer), 1 / 6), tf.mul(cube(inner), 2 / 3));
  return tf.matMul(tf.reshape(bases, [batch, inputs * coefficients]), tf.reshape(weights, [-1, outputs]));
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

/** u_xx + u_yy by differentiating twice, once more per coordinate. */
function laplacian(weights, x, size) {
  const slopes = tf.grad((points) => tf.sum(network(weights, points, size)));
  const second = (coordinate) => {
    const along = tf.grad((points) => tf.sum(tf.slice(slopes(points), [0, coordinate], [size.batch, 1])));
    return tf.slice(along(x), [0, coordinate], [size.batch, 1]);
  };
  return tf.add(second(0), second(1));
}

let run;
let held = [];

function release() {
  for (const tensor of held) tensor.dispose();
  held = [];
}

function prepare(request) {
  release();
  const { task, widths, intervals, batch, rate, checkFile } = request;
  const bytes = 4 * batch * Math.max(...widths.slice(0, -1)) * (intervals + 3);
  if (bytes > 1e8) throw new Unsupported('skipped: memory, arrays above 0.1 GB in a 32-bit heap');
  const { x, targets, weights, outputs } = readCase(request);
  const inputs = tf.tensor(Float32Array.from(x), [batch, widths[0]]);
  const wanted = tf.tensor(Float32Array.from(targets), [batch, outputs]);
  const variables = weights.map((data, layer) =>
    tf.variable(tf.tensor(Float32Array.from(data), [widths[layer], intervals + 3, widths[layer + 1]])),
  );
  held = [inputs, wanted, ...variables];
  if (task === 'forward') {
    const evaluate = () => tf.tidy(() => network(variables, inputs, request));
    const y = evaluate();
    const values = y.dataSync();
    writeArrays(checkFile, [values]);
    y.dispose();
    run = (steps) => {
      for (let step = 0; step < steps; step++) evaluate().dispose();
    };
    return { loss: values.reduce((sum, value) => sum + value * value, 0) / values.length };
  }
  const lossOf = () => {
    const value = task === 'poisson' ? laplacian(variables, inputs, request) : network(variables, inputs, request);
    return tf.mean(tf.square(tf.sub(value, wanted)));
  };
  const { value, grads } = tf.variableGrads(lossOf, variables);
  writeArrays(
    checkFile,
    variables.map(({ name }) => grads[name].dataSync()),
  );
  const loss = value.dataSync()[0];
  tf.dispose([value, grads]);
  const optimizer = tf.train.adam(rate, 0.9, 0.999, 1e-8);
  run = (steps) => {
    for (let step = 0; step < steps; step++) optimizer.minimize(lossOf, false, variables);
  };
  return { loss };
}

await serve(
  {
    versions: `@tensorflow/tfjs ${installedVersion('@tensorflow/tfjs')}, Wasm, ${wasm.getThreadsCount()} threads`,
    device: 'cpu',
  },
  {
    prepare: async (request) => prepare(request),
    time: async ({ steps }) => {
      const start = performance.now();
      run(steps);
      return { seconds: (performance.now() - start) / 1000 };
    },
    release: async () => {
      release();
      return {};
    },
  },
);
