import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect } from 'chai';
import { CpuBackend, encodeModel, FittedModel, Kan, type Units } from '../../src/node.ts';
import { cellsOf, nestkan, scratchFolder } from './nestkan.ts';

/**
 * A model that is known without training: a single layer of cubic splines whose coefficients lie on straight lines,
 * which B-splines reproduce (Marsden's identity), also outside the domain.
 *
 * Inputs x on [0, 10] and z on [-1, 1], targets sum = x + z and twice = 2 x + 1.
 */
async function linearModel({ bare = false } = {}): Promise<Uint8Array> {
  const kan = Kan.create(new CpuBackend(), { widths: [2, 2], degree: 3, intervals: 4 });
  // Greville points of cubic splines with 4 intervals on [-1, 1]: -1.5, -1, …, 1.5.
  const points = Array.from({ length: 7 }, (_, k) => -1.5 + 0.5 * k);
  // x = 5 + 5 u: sum = 5 + 5 u + z and, in units of 2 around 1, twice = 1 + 2 (5 + 5 u).
  const slopes = [
    [5, 5],
    [1, 0],
  ];
  const offsets = [
    [5, 5],
    [0, 0],
  ];
  const weights = slopes.flatMap((slope, input) =>
    points.flatMap((point) => slope.map((value, output) => offsets[input][output] + value * point)),
  );
  kan.parameters.write({ 'layer0.weights': Float64Array.from(weights) });
  const units: Units = {
    inputs: ['x', 'z'],
    targets: ['sum', 'twice'],
    inputScaling: { domain: [-1, 1], min: [0, -1], max: [10, 1] },
    targetScaling: { mean: [0, 1], deviation: [1, 2] },
  };
  return encodeModel(bare ? kan : new FittedModel(kan, units));
}

describe('nestkan predict (dist/cli.js)', () => {
  const { path, write } = scratchFolder();
  let model = '';

  beforeEach(async () => {
    model = path('linear.model');
    writeFileSync(model, await linearModel());
  });

  const predict = (...args: string[]) => nestkan('predict', model, ...args, '--device', 'cpu');

  it('writes the table to standard output, with one more column per target and nothing else changed', async () => {
    const data = write('data.csv', 'name,z,x,note\n"a, b",1.0,2.50,"say ""hi"""\nß,-1,1e1, outer \n');
    const { code, stdout } = await predict(data);
    expect(code).to.equal(0);
    const [header, first, second] = stdout.trimEnd().split('\n');
    expect(header).to.equal('name,z,x,note,sum_predicted,twice_predicted');
    expect(first).to.match(/^"a, b",1\.0,2\.50,"say ""hi""",/);
    expect(second).to.match(/^ß,-1,1e1,outer,/);
    // Sums of a few numbers below 100 in float64.
    const numbers = [first, second].map((line) => line.split(',').slice(-2).map(Number));
    expect(numbers[0][0]).to.be.closeTo(3.5, 1e-12);
    expect(numbers[0][1]).to.be.closeTo(6, 1e-12);
    expect(numbers[1][0]).to.be.closeTo(9, 1e-12);
    expect(numbers[1][1]).to.be.closeTo(21, 1e-12);
  });

  it('keeps the delimiter', async () => {
    const { stdout } = await predict(write('data.csv', 'x;z;note\n1;0;a,b\n'));
    expect(stdout).to.match(/^x;z;note;sum_predicted;twice_predicted\n1;0;a,b;/);
  });

  it('with --out writes the same to a file, and nothing to standard output', async () => {
    const data = write('data.csv', 'x,z\n1,0\n2,0.5\n');
    const toStdout = await predict(data);
    const toFile = await predict(data, '--out', path('out.csv'));
    expect(toFile.code).to.equal(0);
    expect(toFile.stdout).to.equal('');
    expect(readFileSync(path('out.csv'), 'utf8')).to.equal(toStdout.stdout);
  });

  it('goes on in straight lines outside the range of the training rows, and says so', async () => {
    const { stdout, stderr } = await predict(write('data.csv', 'x,z\n20,0\n-3,5\n4,0\n'));
    const sums = cellsOf(stdout)
      .slice(1)
      .map((row) => Number(row[2]));
    [20, 2, 4].forEach((expected, row) => {
      expect(sums[row]).to.be.closeTo(expected, 1e-12);
    });
    expect(stderr).to.contain('2 of them lie outside the range');
  });

  it('--json: predictions by target, and errors over the rows whose targets are known', async () => {
    // Off by 1, by -3, and unknown: the mean of the squares of sum is 5; twice is exact.
    const data = write('data.csv', 'x,z,sum,twice\n1,0,0,3\n2,0,5,5\n3,0,,7\n4,0,n/a,\n');
    const { code, stdout } = await predict(data, '--json');
    expect(code).to.equal(0);
    const result = JSON.parse(stdout);
    expect(result).to.deep.include({ command: 'predict', inputs: ['x', 'z'], targets: ['sum', 'twice'], out: null });
    expect(result).to.include({ rows: 4, skippedRows: 0, extrapolatedRows: 0, comparedRows: 2 });
    expect(result.lines).to.deep.equal([2, 3, 4, 5]);
    [1, 2, 3, 4].forEach((x, row) => {
      expect(result.predictions.sum[row]).to.be.closeTo(x, 1e-12);
      expect(result.predictions.twice[row]).to.be.closeTo(2 * x + 1, 1e-12);
    });
    expect(result.errors.sum.mse).to.be.closeTo(5, 1e-12);
    // Total sum of squares of 0 and 5 around their mean: 12.5.
    expect(result.errors.sum.r2).to.be.closeTo(1 - 10 / 12.5, 1e-12);
    expect(result.errors.twice.rmse).to.be.closeTo(0, 1e-12);
    expect(result.mse).to.be.closeTo(2.5, 1e-12);
    expect(result.rmse).to.be.closeTo(Math.sqrt(2.5), 1e-12);
  });

  it('--json with --out leaves the predictions to the file; without targets there are no errors', async () => {
    const { stdout } = await predict(write('data.csv', 'x,z\n1,0\n'), '--json', '--out', path('out.csv'));
    const result = JSON.parse(stdout);
    expect(result).to.include({ mse: null, rmse: null, r2: null, comparedRows: 0, out: path('out.csv') });
    expect(result).not.to.have.any.keys('predictions', 'lines');
  });

  it('compares with the targets that the table has', async () => {
    const { stdout } = await predict(write('data.csv', 'x,z,sum\n1,0,1\n2,0,4\n'), '--json');
    expect(JSON.parse(stdout).mse).to.be.closeTo(2, 1e-12);
  });

  it('drops rows without inputs only when asked to', async () => {
    const data = write('data.csv', 'x,z\n1,0\n,1\n2,nan\n3,0\n');
    const refused = await predict(data);
    expect(refused.code).to.equal(2);
    expect(refused.stderr).to.contain('DATA_BAD_ROWS').and.to.contain('3, 4').and.to.contain('--skip-bad-rows');
    expect(refused.stdout).to.equal('');
    const { code, stdout, stderr } = await predict(data, '--skip-bad-rows');
    expect(code).to.equal(0);
    expect(cellsOf(stdout).map((row) => row[0])).to.deep.equal(['x', '1', '3']);
    expect(stderr).to.contain('2 bad rows left out');
  });

  it('runs on WebGPU', async () => {
    const data = write('data.csv', 'x,z\n1,0.25\n');
    const { stdout } = await nestkan('predict', model, data, '--device', 'webgpu', '--json', '--quiet');
    // float32: relative rounding 6e-8 times a dozen terms.
    expect(JSON.parse(stdout).predictions.sum[0]).to.be.closeTo(1.25, 1e-5);
  });

  const good = 'x,z\n1,0\n';
  const cases: [what: string, table: string, args: string[], code: string, words: RegExp][] = [
    ['a table that lacks an input', 'x,y\n1,2\n', [], 'DATA_UNKNOWN_COLUMN', /no column "z".*takes x, z/],
    [
      'a table that has predictions',
      'x,z,sum_predicted\n1,0,1\n',
      [],
      'INVALID_ARGUMENT',
      /already has.*sum_predicted/,
    ],
    ['an input of words', 'x,z\na,0\nb,1\n', [], 'DATA_CATEGORICAL_COLUMN', /"x".*\nGive this column numbers/],
    ['an input without values', 'x,z\n,0\n,1\n', [], 'DATA_BAD_ROWS', /"x" holds no value.*\nGive this column/],
    ['a prediction that overflows', 'x,z\n1,0\n1e308,0\n', [], 'NON_FINITE_INPUT', /line 3/],
    ['a table without rows', 'x,z\n', [], 'DATA_EMPTY', /no rows/],
    ['an unknown option', good, ['--target', 'y'], 'UNKNOWN_OPTION', /--target/],
  ];
  for (const [what, table, args, code, words] of cases) {
    it(`refuses ${what}: ${code}, exit code 2`, async () => {
      const outcome = await predict(write('data.csv', table), ...args, '--json');
      expect(outcome.code).to.equal(2);
      const { error } = JSON.parse(outcome.stdout);
      expect(error.code).to.equal(code);
      expect(`${error.message}\n${error.fix}`).to.match(words);
      expect(`${error.message}\n${error.fix}`).not.to.contain('--inputs');
    });
  }

  it('refuses files that are no models: MODEL_FILE_INVALID, exit code 2', async () => {
    const data = write('data.csv', good);
    const whole = await linearModel();
    const files: Record<string, Uint8Array> = {
      empty: new Uint8Array(),
      'a table': Buffer.from(good),
      'cut in its header': whole.subarray(0, 40),
      'cut in its numbers': whole.subarray(0, whole.length - 8),
      'a network without units': await linearModel({ bare: true }),
    };
    for (const [what, bytes] of Object.entries(files)) {
      writeFileSync(model, bytes);
      const { code, stdout } = await predict(data, '--json');
      expect(code, what).to.equal(2);
      expect(JSON.parse(stdout).error.code, what).to.equal('MODEL_FILE_INVALID');
    }
  });

  it('refuses missing files, and outputs that would take the place of an input', async () => {
    const data = write('data.csv', good);
    const outcomes = [
      [await nestkan('predict', path('none'), data, '--json'), 'FILE_NOT_FOUND'],
      [await predict(path('none.csv'), '--json'), 'FILE_NOT_FOUND'],
      [await predict(data, '--json', '--out', data), 'INVALID_ARGUMENT'],
      [await predict(data, '--json', '--out', model), 'INVALID_ARGUMENT'],
      [await predict(data, '--json', '--out', path('none/out.csv')), 'FILE_NOT_WRITABLE'],
    ] as const;
    for (const [{ code, stdout }, expected] of outcomes) {
      expect(code).to.equal(2);
      expect(JSON.parse(stdout).error.code).to.equal(expected);
    }
    expect(readFileSync(data, 'utf8')).to.equal(good);
    expect(readdirSync(dirname(data)).sort()).to.deep.equal(['data.csv', 'linear.model']);
  });
});
