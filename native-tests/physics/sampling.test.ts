/** Where points fall. */
import { expect } from 'chai';
import type { Matrix } from '../../src/arrays.ts';
import { type Box, face, faces, grid, interior, points, type Sampler } from '../../src/physics/sampling.ts';
import { createRandom } from '../../src/random.ts';
import { errorOf } from '../backends.ts';

const box: Box = [
  ['x', -1, 1],
  ['y', 0, 3],
];
const square: Box = [
  ['x', 0, 1],
  ['y', 0, 1],
];

function rowsOf({ rows, columns, data }: Matrix): number[][] {
  return Array.from({ length: rows }, (_, row) => [...data.subarray(row * columns, (row + 1) * columns)]);
}

function draw(sampler: Sampler, seed = 0, where = box): number[][] {
  return rowsOf(sampler({ box: where, random: createRandom(seed) }));
}

const isInside = ([x, y]: number[]) => x >= -1 && x <= 1 && y >= 0 && y <= 3;

/** The largest difference between the share of points in a box [0, a) × [0, b) and its area, over a grid of boxes. */
function discrepancy(rows: number[][]): number {
  let worst = 0;
  for (let a = 1 / 16; a <= 1; a += 1 / 16) {
    for (let b = 1 / 16; b <= 1; b += 1 / 16) {
      const share = rows.filter(([x, y]) => x < a && y < b).length / rows.length;
      worst = Math.max(worst, Math.abs(share - a * b));
    }
  }
  return worst;
}

describe('sampling', () => {
  for (const method of ['quasi-random', 'uniform'] as const) {
    it(`${method} points lie inside, differ, and follow their seed`, () => {
      const rows = draw(interior(500, { method }), 4);
      expect(rows.length).to.equal(500);
      expect(rows.every(isInside)).to.equal(true);
      expect(new Set(rows.map(String)).size).to.equal(500);
      expect(draw(interior(500, { method }), 4)).to.deep.equal(rows);
      expect(draw(interior(500, { method }), 5)).not.to.deep.equal(rows);
    });

    it(`${method} points fill every part of the box`, () => {
      const rows = draw(interior(4000, { method }), 1);
      const [meanX, meanY] = [0, 1].map((column) => rows.reduce((sum, row) => sum + row[column], 0) / rows.length);
      // Five standard deviations of a mean of independent points.
      expect(meanX).to.be.closeTo(0, (5 * 2) / Math.sqrt(12 * 4000));
      expect(meanY).to.be.closeTo(1.5, (5 * 3) / Math.sqrt(12 * 4000));
    });
  }

  it('quasi-random points spread more evenly than random ones, and ever more so', () => {
    for (const count of [100, 1000]) {
      const [quasi, uniform] = (['quasi-random', 'uniform'] as const).map((method) =>
        [0, 1, 2].map((seed) => discrepancy(draw(interior(count, { method }), seed, square))),
      );
      expect(Math.max(...quasi)).to.be.below(Math.min(...uniform));
      // (log n)²/n against 1/√n.
      expect(Math.max(...quasi)).to.be.below(Math.log(count) ** 2 / count / 2);
    }
  });

  it('the grid of the interface problem: 2401 nodes inside, 200 on the boundary, 49 on the interface', () => {
    const counts = { x: 51, y: 51 };
    const inside = draw(grid(counts, { part: 'inside' }));
    const boundary = draw(grid(counts, { part: 'boundary' }));
    const line = draw(grid({ y: 51 }, { part: 'inside', fixed: { x: 0 } }));
    expect([inside.length, boundary.length, line.length]).to.deep.equal([2401, 200, 49]);
    expect(inside.every(([x, y]) => x > -1 && x < 1 && y > 0 && y < 3)).to.equal(true);
    expect(boundary.every(([x, y]) => Math.abs(x) === 1 || y === 0 || y === 3)).to.equal(true);
    expect(line.every(([x]) => x === 0)).to.equal(true);
    expect([...inside, ...boundary].map(String).sort()).to.deep.equal(draw(grid(counts)).map(String).sort());
    expect(inside.filter(([x]) => x === 0).length).to.equal(49);
  });

  it('the left side of an interface keeps its sign: −0', () => {
    for (const sampler of [grid({ y: 5 }, { fixed: { x: -0 } }), face({ x: -0 }, 5), points([[-0, 1]])]) {
      expect(draw(sampler).every(([x]) => Object.is(x, -0))).to.equal(true);
    }
  });

  it('a grid is equispaced and ends at the ends', () => {
    const rows = draw(grid({ x: 5, y: 2 }));
    expect([...new Set(rows.map(([x]) => x))]).to.deep.equal([-1, -0.5, 0, 0.5, 1]);
    expect([...new Set(rows.map(([, y]) => y))]).to.deep.equal([0, 3]);
  });

  it('faces: on the boundary, in proportion to their lengths, as many as asked for', () => {
    for (const count of [400, 401, 7, 4]) {
      const rows = draw(faces(count));
      expect(rows.length, `${count} points`).to.equal(count);
      expect(rows.every((row) => isInside(row) && (Math.abs(row[0]) === 1 || row[1] === 0 || row[1] === 3))).to.equal(
        true,
      );
    }
    const rows = draw(faces(500));
    expect(rows.filter(([x]) => x === -1).length).to.equal(150);
    expect(rows.filter(([, y]) => y === 3).length).to.equal(100);
  });

  it('faces of some coordinates', () => {
    const rows = draw(faces(10, { coordinates: ['y'] }));
    expect(rows.map(([, y]) => y)).to.deep.equal([0, 0, 0, 0, 0, 3, 3, 3, 3, 3]);
  });

  it('a face of a three-dimensional box', () => {
    const cube: Box = [...box, ['z', 5, 6]];
    const rows = draw(face({ y: 3 }, 50), 0, cube);
    expect(rows.every(([x, y, z]) => Math.abs(x) <= 1 && y === 3 && z >= 5 && z <= 6)).to.equal(true);
    expect(draw(faces(600), 0, cube).length).to.equal(600);
  });

  it('ends of an interval', () => {
    expect(draw(faces(2), 0, [['x', 2, 5]])).to.deep.equal([[2], [5]]);
  });

  it('refuses counts and coordinates that make no sense, and names the coordinates there are', async () => {
    for (const make of [
      () => interior(0),
      () => interior(1.5),
      () => faces(-1),
      () => grid({ x: 0 }),
      () => face({ x: 0 }, Number.NaN),
    ]) {
      expect((await errorOf(make)).code).to.equal('INVALID_ARGUMENT');
    }
    for (const sampler of [
      faces(4, { coordinates: ['z'] }),
      face({ z: 1 }, 3),
      grid({ z: 3 }),
      grid({ x: 3 }, { fixed: { z: 1 } }),
    ]) {
      const error = await errorOf(() => draw(sampler));
      expect(error.code).to.equal('INVALID_ARGUMENT');
      expect(error.fix).to.contain('x, y');
    }
  });

  it('refuses points of the wrong width, not finite, or none', async () => {
    for (const rows of [[[1]], [[1, 2, 3]], [[0, Number.NaN]], []]) {
      expect((await errorOf(() => draw(points(rows)))).code).to.equal('SHAPE_MISMATCH');
    }
  });
});
