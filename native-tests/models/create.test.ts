/** Architecture, parameter counts, initialisation, copies. */
import { expect } from 'chai';
import { CpuBackend } from '../../src/backend/cpu/cpu-backend.ts';
import { Kan, type KanOptions } from '../../src/models/kan.ts';
import { Mlp } from '../../src/models/mlp.ts';
import { MultichannelMlp } from '../../src/models/multichannel-mlp.ts';
import type { Network } from '../../src/models/network.ts';
import { errorOf, forEachBackend } from '../backends.ts';
import { outputsOf, randomRows } from './model-tools.ts';

const cpu = new CpuBackend();

describe('parameter counts', () => {
  const count = (options: KanOptions) => {
    const kan = Kan.create(cpu, options);
    kan.dispose();
    return kan.parameterCount;
  };

  it('are those of arXiv 2603.04827, Tables 2 and 3', () => {
    // 2·5 + 5 + 5·1·(n + 3)
    const regression = { widths: [2, 5, 1], leadingLinear: 'with-bias' } as const;
    expect([5, 10, 20, 40].map((intervals) => count({ ...regression, intervals }))).to.deep.equal([55, 80, 130, 230]);
    // 2·20 + (20·20 + 20)·(n + 3)
    const burgers = { widths: [2, 20, 20, 1], leadingLinear: 'without-bias' } as const;
    expect([5, 20].map((intervals) => count({ ...burgers, intervals }))).to.deep.equal([3400, 9700]);
  });

  it('count coefficients, weights and biases, not the gaps between tensors', async () => {
    // 2·5·(4 + 3) + 5·1·(2 + 3)
    expect(count({ widths: [2, 5, 1], intervals: 4, hiddenIntervals: 2 })).to.equal(95);
    expect(Mlp.create(cpu, { widths: [2, 20, 20, 1] }).parameterCount).to.equal(60 + 420 + 21);
    const kan = Kan.create(cpu, { widths: [2, 5, 1], intervals: 5, leadingLinear: 'with-bias' });
    const values = await kan.parameters.read();
    expect(Object.values(values).reduce((sum, array) => sum + array.length, 0)).to.equal(55);
    expect((await kan.refine()).parameterCount).to.equal(80);
  });
});

forEachBackend('creating a model', (open) => {
  it('the same seed gives the same numbers, rounded to what the backend holds; another seed gives others', async () => {
    const backend = await open();
    const held = backend.precision === 'float32' ? Math.fround : (value: number) => value;
    type Create = (device: typeof backend, seed: number) => Network | Promise<Network>;
    const creators: Create[] = [
      (device, seed) => Kan.create(device, { widths: [2, 5, 1], leadingLinear: 'with-bias', seed }),
      (device, seed) => Kan.create(device, { widths: [3, 4, 2], seed }),
      (device, seed) => Mlp.create(device, { widths: [2, 5, 1], seed }),
    ];
    for (const create of creators) {
      const [first, again, other] = await Promise.all(
        [7, 7, 8].map(async (seed) => (await create(backend, seed)).parameters.read()),
      );
      const reference = await (await create(cpu, 7)).parameters.read();
      expect(again).to.deep.equal(first);
      for (const [name, array] of Object.entries(reference)) {
        expect(first[name], name).to.deep.equal(array.map(held));
        expect(first[name].some((value, i) => value !== other[name][i])).to.equal(true);
      }
    }
  });

  it('a clone has the same function and its own memory', async () => {
    const backend = await open();
    const options = { widths: [2, 3, 1], seed: 2 };
    for (const model of [
      Kan.create(backend, { ...options, squashing: 'tanh' }),
      await MultichannelMlp.create(backend, { ...options, degree: 2 }),
      Mlp.create(backend, options),
    ]) {
      const rows = randomRows(1, 9, 2);
      const copy = await model.clone();
      expect(copy.kind).to.equal(model.kind);
      const expected = await outputsOf(model, rows);
      expect(await outputsOf(copy, rows)).to.deep.equal(expected);
      const [{ name, buffer }] = model.parameters.entries;
      model.parameters.write({ [name]: new Float64Array(buffer.length) });
      expect(await outputsOf(copy, rows)).to.deep.equal(expected);
    }
  });

  it('gives its memory back', async () => {
    const backend = await open();
    const use = async () => {
      const kan = Kan.create(backend, { widths: [2, 3, 1] });
      const fine = await kan.refine();
      await fine.predict([[0, 0]]);
      for (const model of [kan, fine]) model.dispose();
    };
    await use();
    const { bytes } = backend.counters;
    await use();
    expect(backend.counters.bytes).to.equal(bytes);
    if (backend.name === 'cpu') expect(bytes).to.equal(0);
  });
});

describe('initial edges', () => {
  it('are straight lines of slope ±1/√inputs with ten percent noise', async () => {
    const [inputs, outputs, intervals, degree] = [16, 20, 16, 3];
    const kan = Kan.create(cpu, { widths: [inputs, outputs], intervals, degree, domain: [-2, 1], seed: 11 });
    const weights = (await kan.parameters.read())['layer0.weights'];
    const bound = 1 / Math.sqrt(inputs);
    // Greville points: means of `degree` neighbouring knots.
    const h = 3 / intervals;
    const points = Array.from({ length: intervals + degree }, (_, k) => -2 + (k - 1) * h);
    const norm = points.reduce((sum, point) => sum + point * point, 0);
    const slopes: number[] = [];
    let residual = 0;
    for (let p = 0; p < inputs; p++) {
      for (let q = 0; q < outputs; q++) {
        const edge = points.map((_, k) => weights[(p * points.length + k) * outputs + q]);
        const slope = edge.reduce((sum, value, k) => sum + value * points[k], 0) / norm;
        slopes.push(slope);
        residual += edge.reduce((sum, value, k) => sum + (value - slope * points[k]) ** 2, 0);
      }
    }
    const edges = inputs * outputs;
    const noise = Math.sqrt(residual / (edges * (points.length - 1)));
    // Standard errors: 1/√(2N) of the noise, 1/√(3N) of a uniform mean; four of them.
    expect(noise).to.be.closeTo(0.1 * bound, (4 * 0.1 * bound) / Math.sqrt(2 * edges * points.length));
    expect(slopes.reduce((a, b) => a + b, 0) / edges).to.be.closeTo(0, (4 * bound) / Math.sqrt(3 * edges));
    const variance = slopes.reduce((sum, slope) => sum + slope * slope, 0) / edges;
    expect(variance).to.be.closeTo(bound ** 2 / 3, (4 * bound ** 2) / Math.sqrt(11 * edges));
    const slopeNoise = (0.1 * bound) / Math.sqrt(norm);
    expect(Math.max(...slopes.map(Math.abs))).to.be.below(bound + 5 * slopeNoise);
  });
});

describe('a model that cannot be', () => {
  const refused: [string, () => unknown, string][] = [
    ['no widths', () => Kan.create(cpu, { widths: [] }), 'INVALID_ARGUMENT'],
    ['one width', () => Kan.create(cpu, { widths: [3] }), 'INVALID_ARGUMENT'],
    ['a width of zero', () => Kan.create(cpu, { widths: [2, 0, 1] }), 'INVALID_ARGUMENT'],
    ['half a width', () => Mlp.create(cpu, { widths: [2, 1.5] }), 'INVALID_ARGUMENT'],
    ['widths that are no array', () => Kan.create(cpu, { widths: 3 as never }), 'INVALID_ARGUMENT'],
    ['degree 0', () => Kan.create(cpu, { widths: [1, 1], degree: 0 }), 'DEGREE_OUT_OF_RANGE'],
    ['degree 6', () => Kan.create(cpu, { widths: [1, 1], degree: 6 }), 'DEGREE_OUT_OF_RANGE'],
    ['no interval', () => Kan.create(cpu, { widths: [1, 1], intervals: 0 }), 'INTERVALS_OUT_OF_RANGE'],
    ['hidden intervals', () => Kan.create(cpu, { widths: [1, 1, 1], hiddenIntervals: -1 }), 'INTERVALS_OUT_OF_RANGE'],
    ['a domain backwards', () => Kan.create(cpu, { widths: [1, 1], domain: [1, -1] }), 'DOMAIN_INVALID'],
    ['an infinite domain', () => Kan.create(cpu, { widths: [1, 1, 1], hiddenDomain: [0, Infinity] }), 'DOMAIN_INVALID'],
    ['a squashing', () => Kan.create(cpu, { widths: [1, 1, 1], squashing: 'relu' as never }), 'INVALID_ARGUMENT'],
    ['a linear layer', () => Kan.create(cpu, { widths: [1, 1, 1], leadingLinear: true as never }), 'INVALID_ARGUMENT'],
    ['no spline', () => Kan.create(cpu, { widths: [2, 1], leadingLinear: 'with-bias' }), 'INVALID_ARGUMENT'],
    ['a seed', () => Kan.create(cpu, { widths: [1, 1], seed: -1 }), 'INVALID_ARGUMENT'],
    [
      'an activation',
      () => Mlp.create(cpu, { widths: [1, 1, 1], activation: 'toString' as never }),
      'INVALID_ARGUMENT',
    ],
    ['a basis', () => MultichannelMlp.create(cpu, { widths: [1, 1], degree: 9 }), 'DEGREE_OUT_OF_RANGE'],
  ];
  for (const [what, create, code] of refused) {
    it(`is refused: ${what}`, async () => {
      const { bytes } = cpu.counters;
      const error = await errorOf(create);
      expect(error.code).to.equal(code);
      expect(error.fix).to.have.length.above(10);
      expect(cpu.counters.bytes, 'nothing is left behind').to.equal(bytes);
    });
  }
});
