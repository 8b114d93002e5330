import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect } from 'chai';
import { cellsOf, nestkan, scratchFolder, tableOf } from './nestkan.ts';

/** Small enough for a second, on the backend that is the same everywhere. */
const SMALL = ['--device', 'cpu', '--hidden', '2', '--levels', '2', '--steps', '20'];
const FIXED = [...SMALL, '--roughness', '1e-4'];

const line = tableOf({ x: [10, 20] }, { y: ({ x }) => 3 * x + 2 }, 60);
const plane = tableOf(
  { x: [0, 1], z: [-5, 5] },
  { small: ({ x, z }) => 1e-3 * (x + 0.1 * z), large: ({ x, z }) => 1e4 * (x * x - 0.1 * z) },
  80,
);

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

describe('nestkan fit (dist/cli.js)', () => {
  const { path, write } = scratchFolder();

  async function fitJson(...args: string[]) {
    const { code, stdout, stderr } = await nestkan('fit', '--json', '--quiet', ...args);
    expect(code, stderr).to.equal(0);
    return JSON.parse(stdout);
  }

  it('finds a straight line and says so in the documented form', async () => {
    const result = await fitJson(write('line.csv', line), '--target', 'y', ...FIXED, '--seed', '3', '--threads', '1');
    expect(result).to.deep.include({ command: 'fit', interrupted: false, inputs: ['x'], targets: ['y'] });
    expect(result.device).to.deep.equal({ backend: 'cpu', adapter: 'JavaScript, float64', precision: 'float64' });
    expect(result.model).to.deep.equal({ widths: [1, 2, 1], degree: 3, basis: 'spline', intervals: [8, 8] });
    expect(result).to.include({ roughness: 1e-4, skippedRows: 0, out: null, report: null });
    expect(result.candidates).to.deep.equal([]);
    expect(result.train.rows).to.equal(48);
    expect(result.test.rows).to.equal(12);
    // Straight lines are in the space and free of roughness: what is left is what 40 evaluations leave.
    expect(result.levels[0].optimizer).to.equal('lm');
    expect(result.levels[0].reason).to.contain('sum of squares');
    expect(result.train.r2).to.be.greaterThan(0.99);
    expect(result.test.r2).to.be.greaterThan(0.99);
    expect(result.seconds).to.be.a('number');
  });

  it('counts parameters, steps and work as the documentation does', async () => {
    const result = await fitJson(write('line.csv', line), '--target', 'y', ...FIXED, '--optimizer', 'adam');
    // [1, 2, 1] has 4 edges of intervals + 3 coefficients; 20 epochs on n intervals cost 20 n.
    expect(result.levels.map(({ intervals }: { intervals: number }) => intervals)).to.deep.equal([4, 8]);
    expect(result.levels.map(({ parameters }: { parameters: number }) => parameters)).to.deep.equal([28, 44]);
    expect(result.levels.map(({ steps }: { steps: number }) => steps)).to.deep.equal([20, 20]);
    expect(result.levels.map(({ work }: { work: number }) => work)).to.deep.equal([80, 160]);
    expect(result).to.include({ parameters: 44, work: 240 });
  });

  it('gives errors in the targets’ own units: predictions of the saved model say the same', async () => {
    const [data, model, out] = [write('plane.csv', plane), path('plane.model'), path('plane.out.csv')];
    const result = await fitJson(data, '--target', 'small,large', ...FIXED, '--out', model);
    expect(result.out).to.equal(model);
    const { code } = await nestkan('predict', model, data, '--out', out, '--device', 'cpu');
    expect(code).to.equal(0);
    const [header, ...rows] = cellsOf(readFileSync(out, 'utf8'));
    expect(header).to.deep.equal(['x', 'z', 'small', 'large', 'small_predicted', 'large_predicted']);
    for (const [index, target] of ['small', 'large'].entries()) {
      const squares = rows.map((row) => (Number(row[2 + index]) - Number(row[4 + index])) ** 2);
      const { train, test } = result;
      const reported = train.rows * train.targets[target].mse + test.rows * test.targets[target].mse;
      // Sums of 80 squares in another order, of predictions printed in full.
      expect(reported / sum(squares)).to.be.closeTo(1, 1e-9);
    }
    for (const set of [result.train, result.test]) {
      expect(set.mse).to.be.closeTo((set.targets.small.mse + set.targets.large.mse) / 2, 1e-12 * set.mse);
      expect(set.rmse).to.be.closeTo(Math.sqrt(set.mse), 1e-12 * set.rmse);
    }
    const last = result.levels[result.levels.length - 1];
    expect(last.trainMse / result.train.mse).to.be.closeTo(1, 1e-9);
    expect(last.testMse / result.test.mse).to.be.closeTo(1, 1e-9);
  });

  it('chooses roughness and levels on held-back rows, and says what it tried', async () => {
    const result = await fitJson(write('line.csv', line), '--target', 'y', ...SMALL);
    expect(result.candidates).to.have.length.greaterThan(1);
    const losses = result.candidates.map(({ validationLoss }: { validationLoss: number }) => validationLoss);
    const best = result.candidates[losses.indexOf(Math.min(...losses))];
    // The penalty's weight goes with 1/rows: a fifth of the 48 training rows, rounded, was held back.
    expect(result.roughness).to.be.closeTo((best.roughness * 38) / 48, 1e-12);
    expect(result.levels).to.have.length(best.levels);
    const spent = [...result.candidates, ...result.levels].map(({ work }: { work: number }) => work);
    expect(result.work).to.equal(sum(spent));
  });

  it('gives the same result for the same seed, and another for another', async () => {
    const data = write('line.csv', line);
    const run = async (seed: string) => {
      const { train, test } = await fitJson(data, '--target', 'y', ...FIXED, '--seed', seed);
      return { train, test };
    };
    const first = await run('1');
    expect(await run('1')).to.deep.equal(first);
    expect(await run('2')).not.to.deep.equal(first);
  });

  it('races several starts, and tells the seed of the winner', async () => {
    const data = write('plane.csv', plane);
    const race = await fitJson(data, '--target', 'large', ...FIXED, '--seed', '4', '--restarts', '3');
    expect(race.seed).to.be.within(4, 6);
    const alone = await fitJson(data, '--target', 'large', ...FIXED, '--seed', String(race.seed));
    expect(race.model).to.deep.equal(alone.model);
    expect(race.work).to.be.above(alone.work);
    const { code, stdout } = await nestkan('fit', data, '--target', 'large', '--restarts', '0', '--json');
    expect(code).to.equal(2);
    expect(JSON.parse(stdout).error.message).to.contain('--restarts');
  });

  it('runs on WebGPU in float32', async () => {
    const args = ['--target', 'y', '--hidden', '2', '--levels', '1', '--steps', '5', '--roughness', '0'];
    const result = await fitJson(write('line.csv', line), ...args, '--device', 'webgpu');
    expect(result.device).to.include({ backend: 'webgpu', precision: 'float32' });
    // Relative rounding of a float32 mean over 48 squares of differences of order 1: far below 1e-4.
    expect(result.levels[0].trainMse / result.train.mse).to.be.closeTo(1, 1e-4);
  });

  it('tests on no rows where none are kept for it', async () => {
    const result = await fitJson(write('line.csv', line), '--target', 'y', ...FIXED, '--test-fraction', '0');
    expect(result.test).to.equal(null);
    expect(result.train.rows).to.equal(60);
    expect(result.levels[0].testMse).to.equal(null);
    const two = await fitJson(write('two.csv', 'x,y\n1,2\n3,5\n'), '--target', 'y', ...FIXED, '--test-fraction', '0');
    expect(two.train.rows).to.equal(2);
  });

  it('drops bad rows only when asked to', async () => {
    const data = write('gaps.csv', `${line}12,\nNA,4\n`);
    const refused = await nestkan('fit', data, '--target', 'y', ...FIXED);
    expect(refused.code).to.equal(2);
    expect(refused.stderr).to.contain('DATA_BAD_ROWS').and.to.contain('62, 63').and.to.contain('--skip-bad-rows');
    const result = await fitJson(data, '--target', 'y', ...FIXED, '--skip-bad-rows');
    expect(result.skippedRows).to.equal(2);
    expect(result.train.rows + result.test.rows).to.equal(60);
  });

  it('tells people about levels, errors, the choice and the files on standard error', async () => {
    const { code, stdout, stderr } = await nestkan(
      ...['fit', write('line.csv', line), '--target', 'y', ...SMALL, '--out', path('m')],
    );
    expect(code).to.equal(0);
    expect(stdout).to.equal('');
    expect(stderr).to.match(/level +intervals +parameters +optimizer +steps +work +training MSE +test MSE +time/);
    expect(stderr).to.match(/test +RMSE .*, R² .* \(12 rows\)/);
    expect(stderr).to.contain('roughness').and.to.contain('validation error');
    expect(stderr).to.contain(path('m'));
    expect(stderr).not.to.contain('\x1b');
  });

  it('says nothing with --quiet', async () => {
    const { stderr } = await nestkan('fit', write('line.csv', line), '--target', 'y', ...FIXED, '--quiet');
    expect(stderr).to.equal('');
  });

  it('writes a report that needs no network, with all its sections', async () => {
    const report = path('report.html');
    const data = write('plane.csv', plane);
    await fitJson(data, '--target', 'small,large', ...SMALL, '--report', report);
    const page = readFileSync(report, 'utf8');
    for (const heading of [
      'Result',
      'Training',
      'Levels',
      'Choice of roughness and finest level',
      'Predicted against actual',
      'The fitted function',
      'Learned edge functions',
    ]) {
      expect(page).to.contain(`<h2>${heading}</h2>`);
    }
    // 4 edges into the hidden layer, 4 out of it; one heat map and one scatter plot per target.
    expect(page.match(/class="edge"/g)).to.have.length(8);
    expect(page.match(/over x and z/g)).to.have.length.of.at.least(2);
    expect(page).to.contain('n = 8').and.to.contain('nestkan fit').and.to.contain('test rows');
    const addresses = page.match(/https?:\/\/[^"'\s<)]+/g) ?? [];
    expect(addresses.filter((address) => !address.startsWith('http://www.w3.org/'))).to.deep.equal([]);
  });

  it('escapes names from the table in the report', async () => {
    const report = path('report.html');
    await fitJson(
      write('odd.csv', line.replace('x,y', '<b>x</b>,y&z')),
      '--target',
      'y&z',
      ...FIXED,
      '--report',
      report,
    );
    expect(readFileSync(report, 'utf8')).to.contain('&lt;b&gt;').and.not.to.contain('<b>x</b>');
  });

  describe('refuses', () => {
    const words = tableOf({ x: [0, 1] }, { y: ({ x }) => (x > 0.5 ? 'red' : 'blue') }, 40);
    const constant = tableOf({ x: [0, 1] }, { y: () => 7 }, 40);
    const flat = tableOf({ x: [0, 1], c: [4, 4] }, { y: ({ x }) => x }, 40);
    const cases: [what: string, table: string, args: string[], code: string, words: RegExp][] = [
      ['a target of words', words, ['--target', 'y'], 'DATA_CATEGORICAL_COLUMN', /"y".*red/],
      ['a constant target', constant, ['--target', 'y'], 'DATA_CONSTANT_COLUMN', /"y" is 7/],
      ['a constant input', flat, ['--target', 'y'], 'DATA_CONSTANT_COLUMN', /"c" is 4.*\n.*--inputs x/],
      ['one row', 'x,y\n1,2\n', ['--target', 'y'], 'DATA_TOO_FEW_ROWS', /1 row/],
      ['two rows of which one is for testing', 'x,y\n1,2\n3,5\n', ['--target', 'y'], 'DATA_TOO_FEW_ROWS', /2 rows/],
      ['only bad rows', 'x,y\n1,\n,2\n', ['--target', 'y', '--skip-bad-rows'], 'DATA_TOO_FEW_ROWS', /None of the 2/],
      ['an empty column', 'x,y\n1,\n2,\n', ['--target', 'y'], 'DATA_BAD_ROWS', /"y" holds no value/],
      ['an unknown target', line, ['--target', 'yy'], 'DATA_UNKNOWN_COLUMN', /"yy".*\n.*x, y/],
      ['an unknown input', line, ['--target', 'y', '--inputs', 'q'], 'DATA_UNKNOWN_COLUMN', /"q"/],
      ['no target', line, [], 'INVALID_ARGUMENT', /--target with one of: x, y/],
      [
        'a target that is an input too',
        line,
        ['--target', 'y', '--inputs', 'x,y'],
        'INVALID_ARGUMENT',
        /as input and as/,
      ],
      ['no inputs', line, ['--target', 'y', '--inputs', ''], 'INVALID_ARGUMENT', /--inputs was given ""/],
      ['nothing but targets', line, ['--target', 'x,y'], 'INVALID_ARGUMENT', /No input column is left/],
      ['an empty file', '', ['--target', 'y'], 'DATA_EMPTY', /no columns/],
      ['a header alone', 'x,y\n', ['--target', 'y'], 'DATA_EMPTY', /no rows/],
      [
        'values whose variance overflows',
        'x,y\n1,1e308\n2,-1e308\n3,0\n',
        ['--target', 'y'],
        'NON_FINITE_INPUT',
        /"y"/,
      ],
      ['--hidden 0', line, ['--target', 'y', '--hidden', '0'], 'INVALID_ARGUMENT', /--hidden was given "0"/],
      ['--levels 0', line, ['--target', 'y', '--levels', '0'], 'INVALID_ARGUMENT', /--levels/],
      ['--levels 99', line, ['--target', 'y', '--levels', '99'], 'INVALID_ARGUMENT', /--levels/],
      ['too many levels for a grid', line, ['--target', 'y', '--levels', '12'], 'INTERVALS_OUT_OF_RANGE', /at most 11/],
      ['--degree 9', line, ['--target', 'y', '--degree', '9'], 'INVALID_ARGUMENT', /from 1 to 5/],
      ['--intervals 0', line, ['--target', 'y', '--intervals', '0'], 'INVALID_ARGUMENT', /--intervals/],
      ['--steps 0', line, ['--target', 'y', '--steps', '0'], 'INVALID_ARGUMENT', /--steps/],
      ['--roughness -1', line, ['--target', 'y', '--roughness', '-1'], 'INVALID_ARGUMENT', /auto, or a number/],
      ['--test-fraction 1', line, ['--target', 'y', '--test-fraction', '1'], 'INVALID_ARGUMENT', /below 1/],
      ['an unknown optimizer', line, ['--target', 'y', '--optimizer', 'sgd'], 'INVALID_ARGUMENT', /adam-lbfgs/],
    ];
    for (const [what, table, args, code, words] of cases) {
      it(`${what}: ${code}, exit code 2`, async () => {
        const outcome = await nestkan('fit', write('data.csv', table), ...args, '--device', 'cpu', '--json');
        expect(outcome.code).to.equal(2);
        const { error } = JSON.parse(outcome.stdout);
        expect(error.code).to.equal(code);
        expect(`${error.message}\n${error.fix}`).to.match(words);
        expect(outcome.stderr).not.to.contain('    at ');
      });
    }

    const files: [what: string, args: (data: string) => string[], code: string][] = [
      ['a missing file', () => [path('none.csv')], 'FILE_NOT_FOUND'],
      ['a folder for a file', (data) => [dirname(data)], 'FILE_NOT_READABLE'],
      ['an output in a missing folder', (data) => [data, '--out', path('none/model')], 'FILE_NOT_WRITABLE'],
      ['a folder for an output', (data) => [data, '--out', dirname(data)], 'FILE_NOT_WRITABLE'],
      ['an output without a name', (data) => [data, '--out', ''], 'FILE_NOT_WRITABLE'],
      ['a report in a missing folder', (data) => [data, '--report', path('none/r.html')], 'FILE_NOT_WRITABLE'],
      ['the table as output', (data) => [data, '--out', data], 'INVALID_ARGUMENT'],
      [
        'the table by another path as report',
        (data) => [data, '--report', `${dirname(data)}/./data.csv`],
        'INVALID_ARGUMENT',
      ],
      [
        'one file for model and report',
        (data) => [data, '--out', path('m'), '--report', path('m')],
        'INVALID_ARGUMENT',
      ],
    ];
    for (const [what, args, code] of files) {
      it(`${what}: ${code}, exit code 2, nothing written`, async () => {
        const data = write('data.csv', line);
        const outcome = await nestkan('fit', ...args(data), '--target', 'y', ...FIXED, '--json');
        expect(outcome.code).to.equal(2);
        expect(JSON.parse(outcome.stdout).error.code).to.equal(code);
        expect(readFileSync(data, 'utf8')).to.equal(line);
        expect(readdirSync(dirname(data))).to.deep.equal(['data.csv']);
      });
    }

    it('training that leaves the finite numbers: NON_FINITE_TRAINING, exit code 1, no model', async () => {
      const data = write('data.csv', line);
      const outputs = ['--out', path('m'), '--report', path('r.html')];
      const args = ['--target', 'y', ...SMALL, '--roughness', '1e300', '--optimizer', 'adam-lbfgs', ...outputs];
      const { code, stdout } = await nestkan('fit', data, ...args, '--json');
      expect(code).to.equal(1);
      expect(JSON.parse(stdout).error.code).to.equal('NON_FINITE_TRAINING');
      expect(existsSync(path('m')) || existsSync(path('r.html'))).to.equal(false);
    });

    it('more memory than there can be: OUT_OF_MEMORY, exit code 1', async () => {
      const args = ['--target', 'y', '--hidden', '1000000000000000', '--device', 'cpu', '--json'];
      const { code, stdout } = await nestkan('fit', write('data.csv', line), ...args);
      expect(code).to.equal(1);
      expect(JSON.parse(stdout).error.code).to.equal('OUT_OF_MEMORY');
    });
  });
});
