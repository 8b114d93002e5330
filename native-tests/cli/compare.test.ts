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

  it('takes a differential equation: by relative L2 error, in the problem’s own network', async () => {
    const report = path('report.html');
    const args = ['--levels', '2', '--steps', '20', '--optimizer', 'adam', '--device', 'cpu', '--json'];
    const { code, stdout, stderr } = await nestkan('compare', 'boundary-value-1d', ...args, '--report', report);
    expect(code, stderr).to.equal(0);
    const result = JSON.parse(stdout);
    expect(result).to.deep.include({ problem: 'boundary-value-1d', interrupted: false });
    expect(result.model).to.deep.equal({ widths: [1, 3, 1], degree: 4, intervals: 4 });
    expect(result.errors).to.contain('exact solution');
    expect(result.methods).to.have.length(4);
    const least = Math.min(...result.methods.map(({ relativeL2 }: { relativeL2: number }) => relativeL2));
    for (const { work, loss, relativeL2, maxError, ratio, levels } of result.methods) {
      // 20 epochs on 4 intervals and 20 on 8.
      expect(work).to.equal(240);
      expect(ratio).to.be.closeTo(relativeL2 / least, 1e-12 * ratio);
      expect(levels[levels.length - 1]).to.deep.include({ loss, relativeL2, maxError });
    }
    for (const text of [stderr, readFileSync(report, 'utf8')]) {
      expect(text).to.contain('relative L2').and.to.contain('tanh MLP').and.not.to.contain('MSE');
    }
  });

  it('takes a module; without an exact solution losses are compared', async () => {
    const text = `
      import { definePde, faces, interior } from 'nestkan/physics';
      export const network = { hidden: [2], levels: 2, steps: 5 };
      export default definePde({
        inputs: { x: [0, 1] },
        features: ({ x }) => [x, x.mul(x)],
        terms: {
          equation: { on: interior(10), residual: ({ u }) => u.xx.sub(u) },
          ends: { on: faces(2), residual: ({ u }) => u.sub(1) },
        },
      });`;
    const args = ['--device', 'cpu', '--json'];
    const { code, stdout, stderr } = await nestkan('compare', write('problem.mjs', text), ...args);
    expect(code, stderr).to.equal(0);
    const result = JSON.parse(stdout);
    expect(result.model.widths).to.deep.equal([2, 2, 1]);
    expect(result.methods[0]).to.deep.include({ relativeL2: null, maxError: null });
    const losses = result.methods.map(({ loss }: { loss: number }) => loss);
    expect(result.methods[0].ratio).to.be.closeTo(losses[0] / Math.min(...losses), 1e-9);
  });

  const cases: [args: string[], code: string, words: RegExp][] = [
    [['papr'], 'FILE_NOT_FOUND', /paper, sine-rings, exp-sine/],
    [['paper', '--target', 'y'], 'INVALID_ARGUMENT', /--target is for tables/],
    [['paper', '--test-fraction', '0.5'], 'INVALID_ARGUMENT', /--test-fraction is for tables/],
    [['paper', '--points', '1'], 'INVALID_ARGUMENT', /--points/],
    [['heat', '--points', '10'], 'INVALID_ARGUMENT', /brings its own points/],
    [['heat', '--target', 'u'], 'INVALID_ARGUMENT', /--target is for tables/],
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
