/** Spline and power-ReLU networks are one function in two bases. */
import { expect } from 'chai';
import { Kan } from '../../src/models/kan.ts';
import { kanToMultichannelMlp, MultichannelMlp, multichannelMlpToKan } from '../../src/models/multichannel-mlp.ts';
import { forEachBackend } from '../backends.ts';
import {
  coxDeBoor,
  outputsOf,
  powerReluChannels,
  randomRows,
  relativeDifference,
  roundoff,
  scaleParameters,
} from './model-tools.ts';

const ROWS = 100;

/** Edges of one layer summed: y_q = Σ_p Σ_k weights[p,k,q] basis(x_p)_k. */
function layer(
  x: readonly number[],
  weights: Float64Array,
  outputs: number,
  basis: (value: number) => readonly number[],
): number[] {
  const y = new Array<number>(outputs).fill(0);
  const coefficients = weights.length / (x.length * outputs);
  x.forEach((value, p) => {
    basis(value).forEach((b, k) => {
      for (let q = 0; q < outputs; q++) y[q] += weights[(p * coefficients + k) * outputs + q] * b;
    });
  });
  return y;
}

forEachBackend('models and their formulas', (open) => {
  it('a Kan is the sum of its edges, by the Cox–de Boor recursion', async () => {
    const backend = await open();
    const [first, hidden] = [
      { degree: 3, intervals: 5, domain: [-1, 1] as const },
      { degree: 3, intervals: 3, domain: [-4, 4] as const },
    ];
    const kan = Kan.create(backend, { widths: [2, 4, 2], intervals: 5, hiddenIntervals: 3, seed: 1 });
    const parameters = await kan.parameters.read();
    const rows = randomRows(1, ROWS, 2);
    const expected = rows.flatMap((row) => {
      const middle = layer(row, parameters['layer0.weights'], 4, (x) => coxDeBoor(x, first));
      return layer(middle, parameters['layer1.weights'], 2, (x) => coxDeBoor(x, hidden));
    });
    expect(relativeDifference(await outputsOf(kan, rows), expected)).to.be.below(64 * roundoff(backend));
  });

  it('a MultichannelMlp is the sum of its channels, inside the domain and outside', async () => {
    const backend = await open();
    const grid = { degree: 2, intervals: 4, domain: [-1, 1] as const };
    const mlp = await MultichannelMlp.create(backend, { widths: [2, 3], ...grid, seed: 1 });
    const weights = (await mlp.parameters.read())['layer0.weights'];
    const rows = randomRows(2, ROWS, 2, 2);
    const expected = rows.flatMap((row) => layer(row, weights, 3, (x) => powerReluChannels(x, grid)));
    // Terms are a few hundred times their sum.
    expect(relativeDifference(await outputsOf(mlp, rows), expected)).to.be.below(1000 * roundoff(backend));
  });

  it('a leading linear layer and a squashing are what they are called', async () => {
    const backend = await open();
    const kan = Kan.create(backend, {
      widths: [2, 3, 1],
      degree: 2,
      intervals: 4,
      leadingLinear: 'with-bias',
      squashing: 'sigmoid',
      seed: 4,
    });
    const { 'layer0.weights': w, 'layer0.bias': bias, 'layer2.weights': splines } = await kan.parameters.read();
    const rows = randomRows(3, ROWS, 2);
    const expected = rows.flatMap(([x, y]) => {
      const sigmoid = (t: number) => 1 / (1 + Math.exp(-t));
      const hidden = [0, 1, 2].map((q) => sigmoid(x * w[q] + y * w[3 + q] + bias[q]));
      return layer(hidden, splines, 1, (t) => coxDeBoor(t, { degree: 2, intervals: 4, domain: [0, 1] }));
    });
    expect(relativeDifference(await outputsOf(kan, rows), expected)).to.be.below(64 * roundoff(backend));
  });
});

forEachBackend('conversion between the bases', (open) => {
  for (const degree of [1, 2, 3, 4, 5]) {
    it(`keeps the function and gives the parameters back: degree ${degree}`, async () => {
      const backend = await open();
      const intervals = 6;
      // Every layer is compiled on a device.
      const widths = backend.name === 'cpu' ? [2, 4, 1] : [2, 4];
      const kan = Kan.create(backend, { widths, degree, intervals, hiddenDomain: [-1, 1], seed: degree });
      await scaleParameters(kan, 2);
      const mlp = await kanToMultichannelMlp(kan);
      const back = await multichannelMlpToKan(mlp);
      expect(mlp.kind).to.equal('multichannel-mlp');
      expect(mlp.parameterCount).to.equal(kan.parameterCount);
      expect(mlp.intervals).to.deep.equal(kan.intervals);
      expect(back.layers).to.deep.equal(kan.layers);
      // A's condition number grows like intervals^order; both directions and a dense sum meet it.
      const condition = intervals ** (degree + 1);
      const bound = 4 * condition * roundoff(backend);
      const rows = randomRows(degree, ROWS, 2, 1.7);
      const [before, after] = [await kan.parameters.read(), await back.parameters.read()];
      for (const name of Object.keys(before)) {
        expect(relativeDifference(after[name], before[name]), name).to.be.below(bound);
      }
      const expected = await outputsOf(kan, rows);
      expect(relativeDifference(await outputsOf(back, rows), expected)).to.be.below(bound);
      // Two dense layers, the second on what the first got wrong.
      expect(relativeDifference(await outputsOf(mlp, rows), expected)).to.be.below(8 * bound);
    });
  }

  it('takes along what has no basis: linear layer, bias, squashing', async () => {
    const backend = await open();
    const options = { widths: [2, 3, 3, 1], intervals: 3, degree: 2, squashing: 'tanh', seed: 5 } as const;
    const kan = Kan.create(backend, { ...options, leadingLinear: 'with-bias' });
    const mlp = await kanToMultichannelMlp(kan);
    const [ofKan, ofMlp] = [await kan.parameters.read(), await mlp.parameters.read()];
    expect(Object.keys(ofMlp)).to.deep.equal(Object.keys(ofKan));
    for (const name of ['layer0.weights', 'layer0.bias']) expect(ofMlp[name]).to.deep.equal(ofKan[name]);
    const rows = randomRows(6, ROWS, 2);
    const bound = 100 * roundoff(backend) * 3 ** 3;
    expect(relativeDifference(await outputsOf(mlp, rows), await outputsOf(kan, rows))).to.be.below(bound);
  });
});
