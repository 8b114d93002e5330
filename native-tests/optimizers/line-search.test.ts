/** Steps that strongWolfeSearch returns satisfy the strong Wolfe conditions, on functions known to be awkward. */
import { expect } from 'chai';
import { type LinePoint, type LineSearchOptions, strongWolfeSearch } from '../../src/optimizers/line-search.ts';

type Line = (step: number) => { loss: number; slope: number };

const [DECREASE, CURVATURE] = [1e-4, 0.9];

async function search(line: Line, firstStep: number, changes: Partial<LineSearchOptions> = {}) {
  const start: LinePoint = { step: 0, ...line(0) };
  const asked: LinePoint[] = [];
  const options = { decrease: DECREASE, curvature: CURVATURE, lossRounding: 1e-14, maxEvaluations: 60, ...changes };
  const found = await strongWolfeSearch(
    start,
    firstStep,
    async (step) => {
      asked.push({ step, ...line(step) });
      return asked[asked.length - 1];
    },
    options,
  );
  return { start, found, asked };
}

const shifted = (a: number) => Math.sqrt(1 + a * a) - a;

/** Moré and Thuente, ACM TOMS 20 (1994), section 5, functions 1 to 6, and some of our own. */
const lines: Readonly<Record<string, Line>> = {
  'Moré–Thuente 1': (t) => ({ loss: -t / (t * t + 2), slope: (t * t - 2) / (t * t + 2) ** 2 }),
  'Moré–Thuente 2': (t) => {
    const u = t + 0.004;
    return { loss: u ** 5 - 2 * u ** 4, slope: 5 * u ** 4 - 8 * u ** 3 };
  },
  'Moré–Thuente 3': (t) => {
    const [b, l] = [0.01, 39];
    const wave = (2 * (1 - b)) / (l * Math.PI);
    const phase = (l * Math.PI * t) / 2;
    const [kink, kinkSlope] =
      t <= 1 - b ? [1 - t, -1] : t >= 1 + b ? [t - 1, 1] : [(t - 1) ** 2 / (2 * b) + b / 2, (t - 1) / b];
    return { loss: kink + wave * Math.sin(phase), slope: kinkSlope + (1 - b) * Math.cos(phase) };
  },
  ...Object.fromEntries(
    [
      [0.001, 0.001],
      [0.01, 0.001],
      [0.001, 0.01],
    ].map(([b1, b2]): [string, Line] => [
      `Yanai–Ozawa–Kaneko ${b1}, ${b2}`,
      (t) => {
        const [left, right] = [Math.sqrt((1 - t) ** 2 + b2 * b2), Math.sqrt(t * t + b1 * b1)];
        return {
          loss: shifted(b1) * left + shifted(b2) * right,
          slope: (-shifted(b1) * (1 - t)) / left + (shifted(b2) * t) / right,
        };
      },
    ]),
  ),
  'a parabola': (t) => ({ loss: (t - 3) ** 2, slope: 2 * (t - 3) }),
  'infinite beyond 1': (t) => {
    if (t >= 1) return { loss: Number.POSITIVE_INFINITY, slope: Number.NaN };
    return { loss: -2 * t - Math.log(1 - t), slope: -2 + 1 / (1 - t) };
  },
  'NaN beyond 0.01': (t) =>
    t > 0.01 ? { loss: Number.NaN, slope: Number.NaN } : { loss: (t - 0.005) ** 2, slope: 2 * (t - 0.005) },
  'a finite loss with an infinite slope beyond 1': (t) =>
    t > 1 ? { loss: -100, slope: Number.POSITIVE_INFINITY } : { loss: (t - 0.5) ** 2, slope: 2 * (t - 0.5) },
  'many minima': (t) => ({ loss: 0.1 * t * t - 6 * t + Math.sin(5 * t), slope: 0.2 * t - 6 + 5 * Math.cos(5 * t) }),
};

describe('strong Wolfe line search', () => {
  for (const [name, line] of Object.entries(lines)) {
    it(`${name}: both conditions hold, from first steps over six orders of magnitude`, async () => {
      for (const firstStep of [1e-3, 1e-1, 1, 10, 1e3]) {
        const { start, found, asked } = await search(line, firstStep);
        const label = `from ${firstStep}, ${asked.length} evaluations`;
        expect(found, label).to.not.equal(undefined);
        expect(found!.loss, label).to.be.at.most(start.loss + DECREASE * found!.step * start.slope);
        expect(Math.abs(found!.slope), label).to.be.at.most(-CURVATURE * start.slope);
        expect(asked, label).to.deep.include(found);
        expect(asked.length, label).to.be.below(25);
      }
    });
  }

  it('a tight curvature condition finds the minimum itself', async () => {
    for (const firstStep of [1e-3, 1, 10]) {
      const { found } = await search(lines['Moré–Thuente 1'], firstStep, { curvature: 1e-3 });
      expect(found!.step).to.be.closeTo(Math.SQRT2, 0.01);
    }
  });

  it('never asks for more evaluations than allowed, and then gives the best decrease it saw', async () => {
    for (let maxEvaluations = 1; maxEvaluations <= 6; maxEvaluations++) {
      const { start, found, asked } = await search(lines['Moré–Thuente 3'], 1e-3, { maxEvaluations, curvature: 1e-9 });
      expect(asked.length).to.equal(maxEvaluations);
      const best = asked.filter(({ loss }) => loss < start.loss).sort((a, b) => a.loss - b.loss)[0];
      expect(found).to.deep.equal(best);
    }
  });

  it('gives nothing where no step decreases the loss, and asks no more than resolves', async () => {
    const { found, asked } = await search((t) => ({ loss: 1 + t, slope: -1 }), 1);
    expect(found).to.equal(undefined);
    // A tenth at least per step from 1 down to the rounding of the loss.
    expect(asked.length).to.be.below(60);
    const hopeless = await search((t) => (t === 0 ? { loss: 0, slope: -1 } : { loss: Number.NaN, slope: 0 }), 1);
    expect(hopeless.found).to.equal(undefined);
  });

  it('trusts slopes where the loss has no digits left', async () => {
    // The decrease along the line is 1e-18 of the loss; its digits are noise of some 1e-16.
    const noise = (t: number) => 1e-16 * Math.sin(1e9 * t);
    const line: Line = (t) => ({ loss: 1 + 1e-18 * ((t - 1) ** 2 - 1) + noise(t), slope: 2e-18 * (t - 1) });
    const { start, found } = await search(line, 1.3);
    expect(found?.step).to.equal(1.3);
    expect(Math.abs(found!.slope)).to.be.at.most(-CURVATURE * start.slope);
  });

  it('trusts slopes wherever losses differ by no more than their rounding', async () => {
    // A parabola with its minimum at 1, deep as a tenth of the rounding.
    const [lossRounding, depth] = [1e-2, 1e-3];
    const blurred = (seed: number): Line => {
      const noise = (t: number) => (t === 0 ? 0 : 0.3 * lossRounding * Math.sin(1e9 * t + seed));
      return (t) => ({ loss: 1 + depth * ((t - 1) ** 2 - 1) + noise(t), slope: 2 * depth * (t - 1) });
    };
    let missed = 0;
    for (const firstStep of [0.01, 0.5, 1, 1.95, 4, 100]) {
      for (let seed = 0; seed < 10; seed++) {
        const { start, found, asked } = await search(blurred(seed), firstStep, { lossRounding, maxEvaluations: 20 });
        expect(Math.abs(found!.slope)).to.be.at.most(-CURVATURE * start.slope);
        expect(asked.length).to.be.below(12);
        const exact = await search(blurred(seed), firstStep, { maxEvaluations: 20 });
        if (!(Math.abs(exact.found?.slope ?? Number.NaN) <= -CURVATURE * start.slope)) missed++;
      }
    }
    expect(missed, 'searches that believe every digit').to.be.above(10);
  });
});
