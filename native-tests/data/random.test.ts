import { expect } from 'chai';
import fc from 'fast-check';
import { createRandom, seededState, xoshiro128StarStar } from '../../src/random.ts';

// Expected numbers: the authors' C sources (https://prng.di.unimi.it: xoshiro128starstar.c 1.1, splitmix64.c),
// compiled with gcc; those from state {1, 2, 3, 4} are also in the tests of the Rust crate rand_xoshiro.
describe('random numbers', () => {
  it('xoshiro128** follows its reference from state {1, 2, 3, 4}', () => {
    const next = xoshiro128StarStar(new Uint32Array([1, 2, 3, 4]));
    expect(Array.from({ length: 10 }, next)).to.deep.equal([
      11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597, 4258142804,
    ]);
  });

  it('seeds are spread by SplitMix64', () => {
    expect([...seededState(0)]).to.deep.equal([2065550767, 3793791033, 2713282036, 1853398634]);
    expect([...seededState(42)]).to.deep.equal([803958421, 3184996902, 2993090819, 686809907]);
    expect([...seededState(2 ** 53 - 1)]).to.deep.equal([4021704095, 616124332, 3074421144, 818148089]);
  });

  it('uniform numbers carry 53 bits, the high word first', () => {
    const random = createRandom(42);
    expect(random.uniform()).to.equal(0.41370166815658871);
    expect(random.uniform()).to.equal(0.0039839933778147429);
  });

  it('equal seeds give equal numbers, neighbouring seeds unrelated ones', () => {
    const draw = (seed: number) => Array.from({ length: 8 }, createRandom(seed).normal);
    expect(draw(5)).to.deep.equal(draw(5));
    expect(draw(5)).to.not.deep.equal(draw(6));
  });

  // The seeds are fixed, so these are statements about known numbers; the bounds are five standard errors.
  it('uniform and normal numbers have the moments of their distributions', () => {
    const count = 40_000;
    const bound = 5 / Math.sqrt(count);
    const random = createRandom(1);
    const uniforms = Array.from({ length: count }, random.uniform);
    const normals = Array.from({ length: count }, random.normal);
    const mean = (values: number[], power = 1) => values.reduce((sum, value) => sum + value ** power, 0) / count;
    expect(mean(uniforms)).to.be.closeTo(1 / 2, bound * Math.sqrt(1 / 12));
    expect(mean(uniforms, 2)).to.be.closeTo(1 / 3, bound * Math.sqrt(4 / 45));
    expect(mean(normals)).to.be.closeTo(0, bound);
    expect(mean(normals, 2)).to.be.closeTo(1, bound * Math.sqrt(2));
    expect(mean(normals, 4)).to.be.closeTo(3, bound * Math.sqrt(96));
  });

  it('integers are uniform: every one of 7 as often as the others', () => {
    const counts = new Array<number>(7).fill(0);
    const random = createRandom(2);
    for (let i = 0; i < 70_000; i++) counts[random.integer(7)]++;
    const deviation = Math.sqrt(70_000 * (1 / 7) * (6 / 7));
    for (const count of counts) expect(count).to.be.closeTo(10_000, 5 * deviation);
  });

  it('integers stay below n up to 2^32', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 32 }), fc.nat(), (n, seed) => {
        const value = createRandom(seed).integer(n);
        expect(value)
          .to.satisfy(Number.isInteger)
          .and.to.be.within(0, n - 1);
      }),
    );
  });

  it('shuffling permutes, in place', () => {
    fc.assert(
      fc.property(fc.array(fc.integer()), fc.nat(), (items, seed) => {
        const shuffled = [...items];
        expect(createRandom(seed).shuffle(shuffled)).to.equal(shuffled);
        expect([...shuffled].sort()).to.deep.equal([...items].sort());
      }),
    );
  });

  it('shuffling three elements takes all six orders equally often', () => {
    const counts = new Map<string, number>();
    const random = createRandom(3);
    for (let i = 0; i < 60_000; i++) {
      const order = random.shuffle([0, 1, 2]).join('');
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).to.equal(6);
    for (const count of counts.values()) expect(count).to.be.closeTo(10_000, 5 * Math.sqrt(60_000 * (1 / 6) * (5 / 6)));
  });

  it('refuses seeds and ranges that are no whole numbers in range', () => {
    for (const seed of [-1, 0.5, NaN, Infinity, 2 ** 53]) {
      expect(() => createRandom(seed))
        .to.throw()
        .with.property('code', 'INVALID_ARGUMENT');
    }
    for (const n of [0, -1, 1.5, NaN, 2 ** 32 + 1]) {
      expect(() => createRandom(0).integer(n))
        .to.throw()
        .with.property('code', 'INVALID_ARGUMENT');
    }
  });
});
