/** A network in one kernel: WGSL (float32, on the device) against the reference (float64), over random networks. */
import { expect } from 'chai';
import { WebGpuBackend } from '../../src/backend/webgpu/webgpu-backend.ts';
import type { HostArray } from '../../src/kernels/kernel.ts';
import { type LossHead, networkGradient } from '../../src/kernels/network-gradient.ts';
import { isNarrow, type NetworkLayer, type NetworkPoints } from '../../src/kernels/network-plan.ts';
import { squaredErrorHead } from '../../src/kernels/squared-error-head.ts';
import { sharedDevice } from '../backends.ts';
import { EPSILON, Random } from './kernel-case.ts';

const CASES = 20;
/** Roundings, each of the size of an ulp of the data, that an evaluation may add up to in the norm. */
const ROUNDINGS = 24;

/** ½ Σ w_b (c + θ) y² over all traces, channels and outputs of a sample, θ a trainable number beside the network. */
function jetHead({ traces, order, directions }: NetworkPoints, outputs: number): LossHead {
  const channels = 1 + order * directions;
  return {
    name: 'jet-squares',
    bindings: { weights: 'read' },
    constants: [],
    scalars: 1,
    flops: channels * outputs,
    recipe: { maker: 'none', options: undefined },
    lengths: ({ batch }) => ({ weights: batch }),
    wgsl: `fn evaluateLoss(b: u32, i: u32, count: u32) -> f32 {
      var loss = 0.0;
      var squares = 0.0;
      for (var trace = 0u; trace < traces; trace++) {
        for (var channel = 0u; channel < channels; channel++) {
          let factor = weights[b] * (f32(channel + 1u) + parameters[parameterBase + firstScalar]);
          for (var q = 0u; q < OUTPUTS; q++) {
            let place = outputPlace(trace, channel, q, i, count);
            let value = activations[place];
            adjoints[place] = factor * value;
            loss += 0.5 * factor * value * value;
            squares += 0.5 * value * value;
          }
        }
      }
      scalarAdjoints[i] = weights[b] * squares;
      return loss;
    }`,
    reference({ weights }, tile, { firstScalar }) {
      const { first, count, parameters, outputs: y, adjoints, scalarGradient } = tile;
      let loss = 0;
      scalarGradient[0] = 0;
      for (let index = 0; index < channels * traces * count * outputs; index++) {
        const row = Math.floor(index / outputs);
        const channel = Math.floor(row / (traces * count));
        const weight = weights[first + (row % count)];
        adjoints[index] = weight * (channel + 1 + parameters[firstScalar]) * y[index];
        loss += 0.5 * adjoints[index] * y[index];
        scalarGradient[0] += 0.5 * weight * y[index] * y[index];
      }
      return loss;
    },
  };
}

interface NetworkCase {
  readonly layers: readonly NetworkLayer[];
  readonly points: NetworkPoints;
  readonly head: LossHead;
  readonly constants: Record<string, number>;
  readonly buffers: Record<string, Float64Array>;
}

/** Layers with gaps between their parameters; the trainable number beside them comes last. */
function randomLayers(random: Random, degree: number): { layers: NetworkLayer[]; length: number } {
  const layers: NetworkLayer[] = [];
  let end = 0;
  const place = (count: number) => {
    const start = end;
    end += count + random.integer(0, 3);
    return start;
  };
  const depth = random.integer(1, 3);
  let inputs = random.integer(1, 4);
  const plain = random.unit() < 0.4;
  for (let index = 0; index < depth + (plain ? 1 : 0); index++) {
    const outputs = random.integer(1, 6);
    if (plain && index === 0) {
      const firstParameter = place(inputs * outputs);
      const firstBias = random.unit() < 0.5 ? place(outputs) : undefined;
      layers.push({ type: 'affine', inputs, outputs, firstParameter, firstBias });
    } else {
      const intervals = random.pick([1, 2, random.integer(3, 20), 150]);
      const domain = random.pick([
        [-1, 1],
        [-4, 4],
        [0, 1],
      ] as const);
      const firstParameter = place(inputs * (intervals + degree) * outputs);
      layers.push({ type: 'spline', inputs, outputs, intervals, degree, domain, firstParameter });
    }
    inputs = outputs;
  }
  return { layers, length: end + 1 };
}

function randomCase(random: Random): NetworkCase {
  const order = random.integer(0, 2) as 0 | 1 | 2;
  const points = { order, directions: order === 0 ? 0 : random.integer(1, 3), traces: random.pick([1, 1, 2]) };
  const { layers, length } = randomLayers(random, random.integer(Math.max(1, order), 5));
  const outputs = layers[layers.length - 1].outputs;
  const isRegression = order === 0 && points.traces === 1 && random.unit() < 0.7;
  const head = isRegression ? squaredErrorHead(outputs) : jetHead(points, outputs);
  if (!isNarrow(layers, points, head.scalars)) return randomCase(random);
  const batch = random.pick([1, 17, random.integer(2, 200), 1300]);
  const models = random.integer(1, 3);
  const tiles = random.integer(1, Math.min(9, batch + 2));
  const firstTile = random.integer(0, 2);
  const allTiles = firstTile + tiles + random.integer(0, 2);
  const targetModels = random.pick([1, models]);
  const own = { batch, models, length, tiles, firstTile, allTiles, targetModels };
  const { constants } = networkGradient(layers, points, head);
  const channels = 1 + order * points.directions;
  const buffers: Record<string, Float64Array> = {
    x: random.floats(channels * points.traces * batch * layers[0].inputs, () => random.uniform(-1.3, 1.3)),
    parameters: random.floats(models * length, () => random.uniform(-1, 1)),
    ...(isRegression
      ? { targets: random.floats(targetModels * batch * outputs, () => random.uniform(-1, 1)) }
      : { weights: random.floats(batch, () => random.uniform(0.1, 1)) }),
    partials: new Float64Array(models * allTiles * length).fill(7),
    losses: new Float64Array(models * allTiles).fill(7),
  };
  return { layers, points, head, constants: { ...constants, ...own, firstScalar: length - 1 }, buffers };
}

interface Outcome {
  readonly partials: HostArray;
  readonly losses: HostArray;
}

function reference({ layers, points, head, constants, buffers }: NetworkCase, x = buffers['x']): Outcome {
  const { kernel } = networkGradient(layers, points, head);
  const copies = Object.fromEntries(Object.entries(buffers).map(([name, array]) => [name, array.slice()]));
  kernel.reference({ ...copies, x }, constants);
  return copies as unknown as Outcome;
}

async function onDevice(backend: WebGpuBackend, testCase: NetworkCase, x = testCase.buffers['x'], times = 1) {
  const { layers, points, head, constants, buffers } = testCase;
  const { kernel } = networkGradient(layers, points, head);
  const contents: Record<string, Float64Array> = { ...buffers, x };
  const memory = Object.fromEntries(
    Object.keys(kernel.bindings).map((name) => [name, backend.allocate(contents[name].length)]),
  );
  for (const [name, buffer] of Object.entries(memory)) backend.write(buffer, contents[name]);
  backend.run(await backend.record([{ kernel, buffers: memory, constants }]), times);
  const [partials, losses] = await backend.read([memory['partials'], memory['losses']]);
  for (const buffer of Object.values(memory)) backend.release(buffer);
  return { partials, losses };
}

function distance(a: HostArray, b: HostArray): number {
  let squares = 0;
  for (let index = 0; index < a.length; index++) squares += (a[index] - b[index]) ** 2;
  return Math.sqrt(squares);
}

const norm = (a: HostArray) => distance(a, new Float64Array(a.length));

/** How far the result moves when every number of the data moves by an ulp of float32, up or down. */
function sensitivity(testCase: NetworkCase, exact: Outcome, random: Random): { partials: number; losses: number } {
  const draws = Array.from({ length: 3 }, () => {
    const buffers = Object.fromEntries(
      Object.entries(testCase.buffers).map(([name, values]) => [
        name,
        ['partials', 'losses'].includes(name)
          ? values
          : values.map((value) => value * (1 + random.pick([-1, 1]) * EPSILON)),
      ]),
    );
    const moved = reference({ ...testCase, buffers });
    return { partials: distance(moved.partials, exact.partials), losses: distance(moved.losses, exact.losses) };
  });
  const largest = (key: keyof Outcome) => Math.max(...draws.map((draw) => draw[key]));
  return { partials: largest('partials'), losses: largest('losses') };
}

describe('a network in one kernel', () => {
  let backend: WebGpuBackend;
  before(async () => {
    backend = new WebGpuBackend(await sharedDevice());
  });
  after(() => backend.destroy());

  for (let number = 0; number < CASES; number++) {
    it(`agrees with its reference: random network ${number}`, async () => {
      const random = new Random(1000 + number);
      const testCase = randomCase(random);
      const exact = reference(testCase);
      const actual = await onDevice(backend, testCase);
      const scale = sensitivity(testCase, exact, random);
      const what = JSON.stringify([testCase.layers, testCase.points, testCase.constants]);
      for (const key of ['partials', 'losses'] as const) {
        const bound = ROUNDINGS * (scale[key] + EPSILON * norm(exact[key]));
        expect(distance(actual[key], exact[key]), `${key} of ${what}`).to.be.at.most(bound);
      }
      const { firstTile, tiles, allTiles, length } = testCase.constants;
      const untouched = actual.losses.filter((_, tile) => {
        const own = (tile % allTiles) - firstTile;
        return own < 0 || own >= tiles;
      });
      expect([...new Set(untouched)].filter((value) => value !== 7)).to.deep.equal([]);
      expect(actual.partials.filter((value) => value === 7).length).to.equal(untouched.length * length);
    });
  }

  it('gives the same bits each time', async () => {
    for (let number = 0; number < 3; number++) {
      const testCase = randomCase(new Random(2000 + number));
      const first = await onDevice(backend, testCase);
      for (const times of [1, 3]) expect(await onDevice(backend, testCase, undefined, times)).to.deep.equal(first);
    }
  });

  it('a NaN in a sample shows in the loss of its tile, and in no other', async () => {
    for (let number = 0; number < 4; number++) {
      const random = new Random(3000 + number);
      const testCase = randomCase(random);
      const x = testCase.buffers['x'].slice();
      x[random.integer(0, x.length - 1)] = Number.NaN;
      const [exact, actual] = [reference(testCase, x), await onDevice(backend, testCase, x)];
      expect(exact.losses.some(Number.isNaN)).to.equal(true);
      expect([...actual.losses].map(Number.isNaN)).to.deep.equal([...exact.losses].map(Number.isNaN));
    }
  });

  it('its parts write what the whole writes', () => {
    const testCase = randomCase(new Random(4000));
    const whole = reference(testCase);
    const { kernel } = networkGradient(testCase.layers, testCase.points, testCase.head);
    const parts = kernel.parts(testCase.constants);
    expect(parts).to.equal(testCase.constants['models'] * testCase.constants['tiles']);
    const copies = Object.fromEntries(Object.entries(testCase.buffers).map(([name, array]) => [name, array.slice()]));
    for (let part = parts - 1; part >= 0; part--) kernel.reference(copies, testCase.constants, part, part + 1);
    expect(copies['partials']).to.deep.equal(whole.partials);
    expect(copies['losses']).to.deep.equal(whole.losses);
  });
});
