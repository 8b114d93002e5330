/** The P-spline penalty stands for ∫ φ''², whatever the grid. */
import { expect } from 'chai';
import { CpuBackend } from '../../src/backend/cpu/cpu-backend.ts';
import { Kan } from '../../src/models/kan.ts';
import { regression } from '../../src/multilevel/regression.ts';
import { trainMultilevel } from '../../src/multilevel/train.ts';
import { errorOn, figureOf, sample, smooth } from './problems.ts';

const backend = new CpuBackend();
const WEIGHT = 0.3;

/** Penalty alone: the loss on data that the model fits exactly, its own predictions. */
async function penaltyOf(kan: Kan): Promise<number> {
  const inputs = [new Array<number>(kan.inputs).fill(0)];
  const prediction = await kan.predict(inputs);
  const targets = [Array.from(prediction.data)];
  const objective = regression({ inputs, targets, roughness: WEIGHT }).bind(kan);
  backend.run(await backend.record(objective.evaluate));
  const [[loss]] = await backend.read([objective.loss]);
  objective.dispose();
  return loss;
}

/** A single edge whose coefficients are samples of f at the means of their knots. */
function edge(f: (x: number) => number, degree: number, intervals: number, [a, b]: readonly [number, number]): Kan {
  const kan = Kan.create(backend, { widths: [1, 1], degree, intervals, domain: [a, b] });
  const h = (b - a) / intervals;
  const points = Array.from({ length: intervals + degree }, (_, k) => a + (k + (1 - degree) / 2) * h);
  kan.parameters.write({ 'layer0.weights': points.map(f) });
  return kan;
}

describe('roughness', () => {
  for (const domain of [
    [-1, 1],
    [-4, 4],
    [0, 10],
  ] as const) {
    const half = (domain[1] - domain[0]) / 2;
    const middle = (domain[1] + domain[0]) / 2;
    // φ(x) = sin 2s with s = (x − middle)/half in half-widths: ∫ (4 sin 2s)² ds over [-1, 1] = 16 (1 − sin 4 / 4).
    const exact = WEIGHT * 16 * (1 - Math.sin(4) / 4);
    for (const degree of [1, 2, 3, 5]) {
      it(`is ∫ φ''² on [${domain}], degree ${degree}, up to the order of a cell`, async () => {
        const errors = [];
        for (const intervals of [16, 32, 64, 128]) {
          const kan = edge((x) => Math.sin((2 * (x - middle)) / half), degree, intervals, domain);
          errors.push(Math.abs((await penaltyOf(kan)) - exact) / exact);
        }
        // Boundary terms: |degree − 2| cells more or less than the integral has.
        expect(errors[0]).to.be.below(0.4);
        expect(errors[3]).to.be.below(0.05);
        expect(errors[3]).to.be.below(errors[0] / 6);
      });
    }
  }

  it('does not change its meaning at a refinement', async () => {
    const coarse = edge((x) => Math.cos(3 * x), 3, 64, [-1, 1]);
    const fine = await coarse.refine();
    const [before, after] = [await penaltyOf(coarse), await penaltyOf(fine)];
    expect(after).to.be.closeTo(before, 0.04 * before);
  });

  it('is a mean over the edges of a layer and a sum over layers', async () => {
    const single = edge((x) => x * x, 3, 8, [-1, 1]);
    const alone = await penaltyOf(single);
    const [weights] = Object.values(await single.parameters.read());
    const kan = Kan.create(backend, { widths: [2, 3, 1], intervals: 8, hiddenDomain: [-1, 1] });
    for (const { name, shape } of kan.parameters.entries) {
      const [inputs, coefficients, outputs] = shape;
      const values = Float64Array.from({ length: inputs * coefficients * outputs }, (_, i) => {
        return weights[Math.floor(i / outputs) % coefficients];
      });
      kan.parameters.write({ [name]: values });
    }
    expect(await penaltyOf(kan)).to.be.closeTo(2 * alone, 1e-12 * alone);
  });

  it('vanishes for straight lines', async () => {
    expect(await penaltyOf(edge((x) => 3 * x - 1, 3, 8, [-1, 1]))).to.be.below(1e-24);
    expect(await penaltyOf(edge((x) => x, 1, 1, [-1, 1]))).to.equal(0);
  });

  it('keeps noise out of a fit: a smoother network, a better one on new data', async () => {
    const noisy = sample(smooth, 60, 1, 0.4);
    const test = sample(smooth, 500, 2);
    const kan = Kan.create(backend, { widths: [2, 3, 1], intervals: 16, seed: 1 });
    const options = { levels: 1, steps: 300 };
    const rough = await trainMultilevel(kan, regression(noisy), options);
    const smoothed = await trainMultilevel(kan, regression({ ...noisy, roughness: 1e-3 }), options);
    const problem = regression(noisy);
    expect(await figureOf(problem, smoothed.model)).to.be.above(await figureOf(problem, rough.model));
    expect(await errorOn(smoothed.model, test)).to.be.below(0.5 * (await errorOn(rough.model, test)));
    // The table of levels shows the error, the curve the objective with its penalty.
    const { levels, curve } = smoothed.history;
    expect(levels[0].trainLoss).to.be.closeTo(await figureOf(problem, smoothed.model), 1e-12);
    expect(curve[curve.length - 1].loss).to.be.above(levels[0].trainLoss);
  });
});
