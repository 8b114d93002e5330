/** What all this is for: coarse to fine beats fine alone at equal work. */
import { expect } from 'chai';
import { CpuBackend } from '../../src/backend/cpu/cpu-backend.ts';
import { Kan } from '../../src/models/kan.ts';
import { regression } from '../../src/multilevel/regression.ts';
import { trainMultilevel } from '../../src/multilevel/train.ts';
import { levenbergMarquardt } from '../../src/optimizers/levenberg-marquardt.ts';
import { errorOn, sample, smooth } from './problems.ts';

describe('quality', () => {
  it('exp(sin πx + y²), [2, 5, 1]: below 1e-10 in 4 × 100 evaluations, and far below one fine level', async () => {
    const backend = new CpuBackend();
    const [data, test] = [sample(smooth, 2000, 1), sample(smooth, 2000, 2)];
    const create = (intervals: number) =>
      Kan.create(backend, { widths: [2, 5, 1], intervals, hiddenIntervals: intervals / 2, seed: 1 });
    const multi = await trainMultilevel(create(4), regression(data), { levels: 4, steps: 100 });
    const steps = Math.round(multi.history.work / 32);
    // The default would end the level before all its work is done.
    const patient = levenbergMarquardt({ gainTolerance: 0 });
    const single = await trainMultilevel(create(32), regression(data), { levels: 1, steps, optimizer: patient });
    expect(single.history.work).to.be.at.least(multi.history.work - 32);
    expect(multi.model.parameterCount).to.equal(single.model.parameterCount);
    const [ofMulti, ofSingle] = [await errorOn(multi.model, test), await errorOn(single.model, test)];
    expect(ofMulti).to.be.below(1e-10);
    expect(ofMulti).to.be.below(ofSingle / 10);
  });
});
