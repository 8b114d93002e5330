import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { nestkan, scratchFolder, tableOf } from './nestkan.ts';

const SMALL = ['--device', 'cpu', '--hidden', '2', '--levels', '2', '--steps', '10', '--optimizer', 'adam'];

describe('nestkan compare (dist/cli.js)', () => {
  const { path, write } = scratchFolder();

  it('runs four methods at equal work on a built-in problem', async () => {
    const report = path('report.html');
    const args = [...SMALL, '--points', '50', '--json', '--out', path('result.json'), '--report', report];
    const { code, stdout, stderr } = await nestkan('compare', 'sine-rings', ...args);
    expect(code, stderr).to.equal(0);
    const result = JSON.parse(stdout);
    expect(result).to.deep.include({ command: 'compare', interrupted: false, problem: 'sine-rings' });
    expect(result.rows).to.deep.equal({ train: 50, test: 50 });
    expect(result.model).to.deep.equal({ widths: [2, 2, 1], degree: 3, intervals: 4 });
    expect(result.methods.map(({ method }: { method: string }) => method)).to.deep.equal([
      'multilevel',
      'single-level',
      'power-relu',
      'mlp',
    ]);
    const errors: number[] = result.methods.map(({ testMse }: { testMse: number }) => testMse);
    for (const [index, method] of result.methods.entries()) {
      // 10 epochs on 4 intervals and 10 on 8; a single level of 8 intervals gets 15.
      expect(method.work).to.equal(120);
      expect(method.ratio).to.be.closeTo(errors[index] / Math.min(...errors), 1e-12 * method.ratio);
    }
    // 4 + 2 edges of 8 intervals + 3 coefficients.
    expect(result.methods[0]).to.include({ parameters: 66 });
    expect(result.methods[1].levels).to.have.length(1);
    expect(result.methods[1].levels[0]).to.deep.include({ intervals: [8, 8], steps: 15 });
    expect(JSON.parse(readFileSync(path('result.json'), 'utf8'))).to.deep.equal(result);
    const page = readFileSync(report, 'utf8');
    for (const words of ['spline KAN, multilevel', 'tanh MLP', 'sin 2π(x² + y²)', '× best']) {
      expect(page).to.contain(words);
      if (words !== '× best') expect(stderr).to.contain(words);
    }
    expect(page.match(/<svg/g)).to.have.length(1);
  });

  it('knows all its built-in problems', async () => {
    for (const problem of ['paper', 'exp-sine']) {
      const args = ['--points', '20', '--levels', '1', '--steps', '1', '--optimizer', 'adam', '--device', 'cpu'];
      const { code, stdout } = await nestkan('compare', problem, ...args, '--json');
      expect(code).to.equal(0);
      expect(JSON.parse(stdout).problem).to.equal(problem);
    }
  });

  it('takes a table: errors are in units of the target’s variance, whatever its unit', async () => {
    const table = (unit: number) => tableOf({ x: [0, 1], z: [0, 1] }, { y: ({ x, z }) => unit * (x * z + 1) }, 60);
    const run = async (unit: number) => {
      const args = ['--target', 'y', '--inputs', 'x,z', ...SMALL, '--json'];
      const { code, stdout } = await nestkan('compare', write('data.csv', table(unit)), ...args);
      expect(code).to.equal(0);
      return JSON.parse(stdout);
    };
    const [ones, thousands] = [await run(1), await run(1024)];
    expect(ones.problem).to.equal('data.csv');
    expect(ones.rows).to.deep.equal({ train: 48, test: 12 });
    // A unit that is a power of two changes no rounding in float64.
    const errorsOf = ({ methods }: { methods: { testMse: number }[] }) => methods.map(({ testMse }) => testMse);
    expect(errorsOf(thousands)).to.deep.equal(errorsOf(ones));
  });

  const cases: [args: string[], code: string, words: RegExp][] = [
    [['papr'], 'FILE_NOT_FOUND', /paper, sine-rings, exp-sine/],
    [['paper', '--target', 'y'], 'INVALID_ARGUMENT', /--target is for tables/],
    [['paper', '--test-fraction', '0.5'], 'INVALID_ARGUMENT', /--test-fraction is for tables/],
    [['paper', '--points', '1'], 'INVALID_ARGUMENT', /--points/],
    [['sine-rings', '--levels', '13'], 'INTERVALS_OUT_OF_RANGE', /at most 11 levels/],
    [[], 'INVALID_ARGUMENT', /Missing required argument/],
  ];
  for (const [args, code, words] of cases) {
    it(`nestkan compare ${args.join(' ')}: ${code}, exit code 2`, async () => {
      const outcome = await nestkan('compare', ...args, '--device', 'cpu', '--json');
      expect(outcome.code).to.equal(2);
      const { error } = JSON.parse(outcome.stdout);
      expect(error.code).to.equal(code);
      expect(`${error.message} ${error.fix}`).to.match(words);
    });
  }

  it('a table needs a target and rows to test on, and takes no --points', async () => {
    const data = write('data.csv', tableOf({ x: [0, 1] }, { y: ({ x }) => x }, 20));
    for (const args of [[], ['--target', 'y', '--test-fraction', '0'], ['--target', 'y', '--points', '10']]) {
      const { code, stdout } = await nestkan('compare', data, ...args, '--json');
      expect(code).to.equal(2);
      expect(JSON.parse(stdout).error.code).to.equal('INVALID_ARGUMENT');
    }
  });
});
