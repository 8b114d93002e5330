import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import { decodeModel } from '../../src/data/model-file.ts';
import { CpuBackend } from '../../src/index.ts';
import type { Network } from '../../src/models/network.ts';
import { builtInProblems, evaluateSolution, grid, PdeProblem } from '../../src/physics.ts';
import { createRandom } from '../../src/random.ts';
import { nestkan, scratchFolder, watched } from './nestkan.ts';

const HEAD = "import { definePde, face, faces, grid, interior, points } from 'nestkan/physics';";

/** u″ = 2 on [0, 2], u(0) = 0, u(2) = 4: u = x² is a spline of degree 2. */
const PARABOLA = `
  definePde({
    inputs: { x: [0, 2] },
    terms: {
      equation: { on: interior(20), residual: ({ u }) => u.xx.sub(2) },
      ends: { on: faces(2), residual: ({ u, x }) => u.sub(x.mul(2)) },
    },
    exact: (x) => x * x,
  })`;
/** One spline and no more: the equations are linear in its coefficients. */
const ONE_SPLINE = 'export const network = { hidden: [], degree: 2, levels: 2, steps: 60 };';
const ON_CPU = ['--device', 'cpu', '--quiet', '--json'];

describe('nestkan solve (dist/cli.js)', () => {
  const { path, write } = scratchFolder();

  async function solveJson(...args: string[]) {
    const { code, stdout, stderr } = await nestkan('solve', ...args, ...ON_CPU);
    expect(code, stderr).to.equal(0);
    return JSON.parse(stdout);
  }

  const module = (text: string, name = 'problem.mjs') => write(name, `${HEAD}\n${text}\n`);

  it('knows the built-in problems, and their settings', async () => {
    expect((await nestkan('solve', '--help')).stdout.replace(/\s+/g, ' ')).to.contain(
      Object.keys(builtInProblems).join(', '),
    );
    const result = await solveJson('boundary-value-1d', '--steps', '2', '--levels', '1', '--threads', '1');
    const { title, network } = builtInProblems['boundary-value-1d'];
    expect(result).to.deep.include({ command: 'solve', interrupted: false, problem: 'boundary-value-1d' });
    expect(result.description).to.contain(title);
    expect(result.device).to.deep.equal({ backend: 'cpu', adapter: 'JavaScript, float64', precision: 'float64' });
    expect(result.model.widths).to.deep.equal([1, ...network.hidden!, 1]);
    expect(result.model).to.include({ degree: network.degree, basis: 'spline' });
    expect(result).to.include({ out: null, report: null });
  });

  it('solves the problem of a module that lies anywhere, to all digits where it is linear', async () => {
    const result = await solveJson(module(`${ONE_SPLINE}\nexport default ${PARABOLA};`));
    expect(result).to.include({ problem: 'problem.mjs', description: 'u of x in [0, 2]' });
    expect(result.model).to.deep.equal({ widths: [1, 1], degree: 2, basis: 'spline', intervals: [8] });
    // Largest value 4: the square root of float64's rounding is what a minimum of squares is known to.
    expect(result.relativeL2).to.be.below(1e-6);
    expect(result.maxError).to.be.below(4e-6);
    expect(result.scalars).to.deep.equal({});
  });

  it('races several starts, and tells the seed of the winner', async () => {
    const settings = ['--optimizer', 'adam', '--steps', '8', '--levels', '2', '--intervals', '2', '--hidden', '2'];
    const race = await solveJson(module(`export default ${PARABOLA};`), ...settings, '--seed', '4', '--restarts', '3');
    expect(race.seed).to.be.within(4, 6);
    // Three networks on 2 intervals, of which two go on to 4.
    expect(race.work).to.equal(3 * 8 * 2 + 2 * 8 * 4);
    expect(race.levels).to.have.length(2);
  });

  it('counts parameters, steps and work, and measures every term on every level', async () => {
    const settings = ['--optimizer', 'adam', '--steps', '10', '--levels', '3', '--intervals', '2', '--degree', '3'];
    const result = await solveJson(module(`export default ${PARABOLA};`), '--hidden', '2', ...settings);
    // [1, 2, 1] has 4 edges of intervals + 3 coefficients; 10 epochs on n intervals cost 10 n.
    const column = (name: string) => result.levels.map((level: Record<string, number>) => level[name]);
    expect(column('intervals')).to.deep.equal([2, 4, 8]);
    expect(column('parameters')).to.deep.equal([20, 28, 44]);
    expect(column('steps')).to.deep.equal([10, 10, 10]);
    expect(column('work')).to.deep.equal([20, 40, 80]);
    expect(result).to.include({ parameters: 44, work: 140 });
    for (const { loss, terms } of result.levels) {
      expect(Object.keys(terms)).to.deep.equal(['equation', 'ends']);
      // Weights are one.
      expect(terms.equation + terms.ends).to.be.closeTo(loss, 1e-12 * loss);
    }
    const last = result.levels[2];
    expect([last.relativeL2, last.maxError]).to.deep.equal([result.relativeL2, result.maxError]);
  });

  it('says which optimizer every level took, and why', async () => {
    const file = module(`export default ${PARABOLA};`);
    const small = ['--hidden', '2', '--steps', '5', '--levels', '2'];
    const chosen = await solveJson(file, ...small);
    for (const { optimizer, reason } of chosen.levels) {
      expect(optimizer).to.equal('lm');
      expect(reason).to.equal('a sum of squares');
    }
    const asked = await solveJson(file, ...small, '--optimizer', 'lbfgs');
    for (const { optimizer, reason } of asked.levels) expect([optimizer, reason]).to.deep.equal(['lbfgs', null]);
    const { stderr } = await nestkan('solve', file, ...small, '--device', 'cpu');
    expect(stderr)
      .to.match(/optimizer +lm \(a sum of squares\)/)
      .and.to.contain('held-out loss');
  });

  it('warns where the points are fitted, and nothing between them', async () => {
    const poisson = (points: number) => `export default definePde({
      inputs: { x: [-1, 1] },
      terms: {
        equation: {
          on: interior(${points}),
          residual: ({ u, at }) => u.xx.add(at((x) => Math.PI ** 2 * Math.sin(Math.PI * x))),
        },
        ends: { on: faces(2), residual: ({ u }) => u },
      },
    });`;
    const settings = ['--hidden', '3', '--levels', '2', '--steps', '40'];
    const few = await solveJson(module(poisson(10)), ...settings);
    expect(few.warnings).to.have.length(1);
    expect(few.warnings[0]).to.contain('Use more points');
    const { loss, heldOutLoss } = few.levels[1];
    expect(heldOutLoss).to.be.greaterThan(10 * loss);
    const many = await solveJson(module(poisson(400)), ...settings);
    expect(many.warnings).to.deep.equal([]);
    expect(many.levels[1].heldOutLoss).to.be.below(2 * many.levels[1].loss);
    const report = path('few.html');
    const { stderr } = await nestkan('solve', module(poisson(10)), ...settings, '--device', 'cpu', '--report', report);
    expect(stderr).to.match(/warning +Between its points/);
    expect(readFileSync(report, 'utf8')).to.contain('Between its points');
  });

  it('two unknowns, first derivatives, coefficients that vary, a function that gives the problem', async () => {
    // u = x t, v = x + t² on [-1, 3] × [0, 2] solve: (1 + x²) u_x − v_t = (1 + x²) t − 2 t, u_t + x v_x = 2 x.
    const system = `
      export const network = { hidden: [4], degree: 3, levels: 2, steps: 150 };
      export default async () => definePde({
        inputs: { x: [-1, 3], t: [0, 2] },
        unknowns: ['u', 'v'],
        terms: {
          system: {
            on: interior(200),
            residual: ({ unknowns: { u, v }, x, t, at }) => [
              u.x.mul(x.mul(x).add(1)).sub(v.t).sub(at((x, t) => (1 + x * x) * t - 2 * t)),
              u.t.add(x.mul(v.x)).sub(x.mul(2)),
            ],
          },
          walls: {
            on: faces(60),
            residual: ({ unknowns: { u, v }, x, t }) => [u.sub(x.mul(t)), v.sub(x.add(t.mul(t)))],
          },
        },
        exact: { u: (x, t) => x * t, v: (x, t) => x + t * t },
      });`;
    const result = await solveJson(module(system));
    expect(result.model.widths).to.deep.equal([2, 4, 2]);
    const errors = result.levels.map(({ relativeL2 }: { relativeL2: number }) => relativeL2);
    // What 300 evaluations leave, a few thousandths; a network that does nothing has an error of 1.
    expect(errors[1]).to.be.below(0.05);
    expect(errors[1]).to.be.below(errors[0]);
  });

  it('recovers a coefficient; errors are null where no solution is known', async () => {
    // u' = k on [0, 1] with u = 3 x measured.
    const inverse = `
      export const network = { hidden: [], degree: 2, levels: 1, steps: 80, optimizer: undefined };
      export default definePde({
        inputs: { x: [0, 1] },
        scalars: { slope: 1 },
        terms: {
          equation: { on: interior(10), residual: ({ u, scalars }) => u.x.sub(scalars.slope) },
          measured: { on: points([[0.1], [0.4], [0.9]]), residual: ({ u, x }) => u.sub(x.mul(3)) },
        },
      });`;
    const result = await solveJson(module(inverse));
    expect(result.scalars.slope).to.be.closeTo(3, 1e-5);
    expect(result).to.include({ relativeL2: null, maxError: null });
    expect(result.levels[0]).to.include({ relativeL2: null, maxError: null });
  });

  it('what is asked for goes before what the problem says', async () => {
    const own = 'export const network = { hidden: [], degree: 2, stepsPerLevel: [5, 7], hiddenIntervals: 3 };';
    const file = module(`${own}\nexport default ${PARABOLA};`);
    const asked = ['--optimizer', 'adam'];
    const steps = ({ levels }: { levels: { steps: number }[] }) => levels.map((level) => level.steps);
    expect(steps(await solveJson(file, ...asked))).to.deep.equal([5, 7]);
    expect(steps(await solveJson(file, ...asked, '--levels', '3'))).to.deep.equal([5, 7, 7]);
    expect(steps(await solveJson(file, ...asked, '--steps', '4'))).to.deep.equal([4, 4]);
    const { model } = await solveJson(file, ...asked, '--hidden', '2', '--degree', '4', '--levels', '1');
    expect(model).to.deep.include({ widths: [1, 2, 1], degree: 4, intervals: [4, 3] });
  });

  it('--seed, --resample, --learning-rate and --schedule change the run, and nothing else does', async () => {
    const file = module(`export default ${PARABOLA};`);
    const losses = async (...args: string[]) => {
      const { levels } = await solveJson(file, '--levels', '2', '--steps', '5', '--optimizer', 'adam', ...args);
      return levels.map(({ loss }: { loss: number }) => loss);
    };
    const once = await losses('--seed', '1');
    expect(await losses('--seed', '1')).to.deep.equal(once);
    const others = [
      await losses('--seed', '2'),
      await losses('--seed', '1', '--resample'),
      await losses('--seed', '1', '--resample', 'residual'),
      await losses('--seed', '1', '--learning-rate', '0.1'),
      await losses('--seed', '1', '--schedule', 'ramp'),
      await losses('--seed', '1', '--schedule', 'constant'),
    ];
    expect(new Set([once, ...others].map(String)).size).to.equal(7);
    // The first level has no residual before it to go by.
    expect(others[2][0]).to.equal(once[0]);
    expect(await losses('--seed', '1', '--schedule', 'cosine')).to.deep.equal(once);
  });

  it('--schedule ramp: a hundredth of the rate at first, all of it from the eleventh step on', async () => {
    // Far from its goal, Adam moves a number by the learning rate in every step: c adds them up.
    const text = `
      export const network = { hidden: [], degree: 1, intervals: 1, levels: 1 };
      export default definePde({
        inputs: { t: [0, 1] },
        scalars: { c: 0 },
        terms: { only: { on: points([[0.5]]), residual: ({ u, scalars }) => scalars.c.sub(1e6) } },
      });`;
    const file = module(text);
    const moved = async (steps: number, ...args: string[]) => {
      const options = ['--optimizer', 'adam', '--learning-rate', '0.5', '--steps', String(steps), ...args];
      return (await solveJson(file, ...options)).scalars.c;
    };
    expect(await moved(1, '--schedule', 'constant')).to.be.closeTo(0.5, 1e-6);
    expect(await moved(1, '--schedule', 'ramp')).to.be.closeTo(0.005, 1e-8);
    const [ten, thirty] = [await moved(10, '--schedule', 'ramp'), await moved(30, '--schedule', 'ramp')];
    expect(ten).to.be.closeTo(0.5 * (10 * 0.01 + 0.99 * 4.5), 1e-5);
    expect(thirty - ten).to.be.closeTo(0.5 * 20, 1e-4);
  });

  it('values at measured points, given as an array', async () => {
    const fitted = `
      const places = [0, 0.3, 0.7, 1, 1.5, 2].map((x) => [x]);
      export const network = { hidden: [], degree: 2, levels: 2, steps: 60 };
      export default definePde({
        inputs: { x: [0, 2] },
        terms: {
          smooth: { on: interior(20), residual: ({ u }) => u.xx.sub(2) },
          measured: { on: points(places), residual: ({ u, at }) => u.sub(at(places.map(([x]) => x * x))) },
        },
        exact: (x) => x * x,
      });`;
    const report = path('report.html');
    const result = await solveJson(module(fitted), '--resample', '--report', report);
    expect(result.relativeL2).to.be.below(1e-6);
    const page = readFileSync(report, 'utf8');
    expect(page).to.contain('|residual of smooth|').and.not.to.contain('residual of measured');
  });

  it('a function that is known at the points of its term alone: no picture of its residual, and no error', async () => {
    const lookup = `
      const measured = new Map([[0.5, 0.25], [1, 1], [1.5, 2.25]]);
      export const network = { hidden: [], degree: 2, levels: 1, steps: 5 };
      export default definePde({
        inputs: { x: [0, 2] },
        terms: {
          smooth: { on: interior(20), residual: ({ u }) => u.xx.sub(2) },
          measured: { on: points([[0.5], [1], [1.5]]), residual: ({ u, at }) => u.sub(at((x) => measured.get(x))) },
        },
      });`;
    const report = path('report.html');
    await solveJson(module(lookup), '--report', report);
    expect(readFileSync(report, 'utf8')).to.contain('residual of smooth').and.not.to.contain('residual of measured');
  });

  it('writes the network: read back, it has the errors that were reported', async () => {
    const out = path('network.safetensors');
    const result = await solveJson('boundary-value-1d', '--levels', '2', '--steps', '30', '--out', out);
    expect(result.out).to.equal(out);
    const backend = new CpuBackend();
    const model = (await decodeModel(new Uint8Array(readFileSync(out)), backend)) as Network;
    const pde = builtInProblems['boundary-value-1d'].pde();
    const points = grid({ x: 10_000 })({ box: pde.box, random: createRandom(0) });
    const { data } = await evaluateSolution(new PdeProblem(pde), model, points);
    const exact = points.data.map((x) => pde.exactSolutions[0]!(x));
    const norm = (values: Float64Array) => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
    const error = norm(data.map((value, row) => value - exact[row])) / norm(exact);
    expect(error / result.relativeL2).to.be.closeTo(1, 1e-9);
  });

  it('says it to people, and draws it', async () => {
    const report = path('report.html');
    const args = ['--levels', '2', '--steps', '20', '--device', 'cpu', '--report', report];
    const { code, stdout, stderr } = await nestkan('solve', 'poisson-smooth', ...args);
    expect(code, stderr).to.equal(0);
    expect(stdout).to.equal('');
    for (const words of ['poisson-smooth', 'volume', 'boundary', 'relative L2', 'max error', report]) {
      expect(stderr).to.contain(words);
    }
    const page = readFileSync(report, 'utf8');
    for (const words of ['|u − exact|, n = 8', '|residual of volume|, n = 8', 'Loss terms against work']) {
      expect(page).to.contain(words);
    }
    expect(page).not.to.contain('residual of boundary');
  });

  it('Ctrl-C: exit code 130, the best solution so far is written', async () => {
    const [out, report] = [path('network'), path('report.html')];
    const endless = ['--steps', '1000000', '--levels', '1', '--optimizer', 'adam', '--device', 'cpu', '--json'];
    let pressed = false;
    const { code, stdout, stderr } = await watched(
      ['solve', 'boundary-value-1d', ...endless, '--out', out, '--report', report],
      (text, child) => {
        if (pressed || !text.includes('device')) return;
        pressed = true;
        child.kill('SIGINT');
      },
    );
    expect(code, stderr).to.equal(130);
    const result = JSON.parse(stdout);
    expect(result).to.include({ interrupted: true, out, report });
    expect(result.levels).to.have.length(1);
    expect(result.relativeL2).to.be.a('number');
    expect((await decodeModel(new Uint8Array(readFileSync(out)), new CpuBackend())) as Network).to.include({
      inputs: 1,
    });
    expect(readFileSync(report, 'utf8')).to.contain('interrupted');
  });

  describe('modules that import nestkan', () => {
    it('get the copy that is installed beside them, whose problems are solved all the same', async () => {
      const folder = path('project');
      mkdirSync(`${folder}/node_modules/nestkan`, { recursive: true });
      const library = pathToFileURL(resolve('dist/physics.js')).href;
      const copy = `
        import * as library from ${JSON.stringify(library)};
        export const { faces, interior } = library;
        export const definePde = (definition) => library.definePde({ ...definition, unknowns: ['installed'] });`;
      const settings = { name: 'nestkan', type: 'module', exports: { './physics': './physics.js' } };
      writeFileSync(`${folder}/node_modules/nestkan/package.json`, JSON.stringify(settings));
      writeFileSync(`${folder}/node_modules/nestkan/physics.js`, copy);
      const head = "import { definePde, faces, interior } from 'nestkan/physics';";
      writeFileSync(`${folder}/problem.mjs`, `${head}\n${ONE_SPLINE}\nexport default ${PARABOLA};`);
      const result = await solveJson(`${folder}/problem.mjs`, '--steps', '2');
      expect(result.description).to.contain('installed of x');
    });

    it('may leave definePde out', async () => {
      const plain = `export default { ${PARABOLA.trim().replace(/^definePde\(\{|\}\)$/g, '')} };`;
      expect((await solveJson(module(plain), '--steps', '2')).model.widths).to.deep.equal([1, 5, 1]);
    });
  });

  const problem = (terms: string, more = '') =>
    `export default definePde({ inputs: { x: [0, 1], y: [0, 1] }, terms: { volume: ${terms} }, ${more} });`;
  const residual = (body: string, more = '') =>
    problem(`{ on: interior(10), residual: ({ u, x, at, unknowns, scalars }) => ${body} }`, more);
  const settings = (text: string) => `export const network = { ${text} };\n${residual('u')}`;
  const broken: [what: string, text: string, code: string, words: RegExp, args?: string[]][] = [
    ['a syntax error', 'export default definePde({', 'PROBLEM_INVALID', /SyntaxError[\s\S]*node --check problem.mjs/],
    ['an import of nothing', "import 'nothing-of-this-name';", 'PROBLEM_INVALID', /Cannot find package/],
    [
      'an exception',
      "\n\nthrow new RangeError('on line four');",
      'PROBLEM_INVALID',
      /line 4: RangeError: on line four/,
    ],
    ['a text thrown', "throw 'text';", 'PROBLEM_INVALID', /text/],
    ['no default export', 'export const pde = 3;', 'PROBLEM_INVALID', /default export is missing/],
    ['a number as default export', 'export default 3;', 'PROBLEM_INVALID', /default export is a number/],
    ['an empty object', 'export default {};', 'PROBLEM_INVALID', /without inputs and terms/],
    ['a function that throws', "export default () => { throw new Error('inside'); };", 'PROBLEM_INVALID', /inside/],
    ['settings that are none', `export const network = 3; ${residual('u')}`, 'PROBLEM_INVALID', /"network"/],
    ['no terms', 'export default definePde({ inputs: { x: [0, 1] }, terms: {} });', 'INVALID_ARGUMENT', /terms/],
    ['a function that is a class', 'export default class Problem {}', 'PROBLEM_INVALID', /Class constructor Problem/],
    ['a misspelt setting', settings('hiden: [8]'), 'PROBLEM_INVALID', /no setting is called hiden[\s\S]*hidden/],
    ['a width for widths', settings('hidden: 8'), 'PROBLEM_INVALID', /hidden is not an array of numbers/],
    [
      'an optimizer by its name',
      settings("optimizer: 'adam'"),
      'PROBLEM_INVALID',
      /optimizer is not an optimizer, as adam\(/,
    ],
    ['a text for a number', settings("degree: '3'"), 'PROBLEM_INVALID', /degree is not a number/],
    ['a way of resampling', settings("resample: 'often'"), 'INVALID_ARGUMENT', /resample is the text "often"/],
    ['a misspelt part', residual('u', 'exakt: () => 0'), 'INVALID_ARGUMENT', /line 2: a problem has no "exakt"/],
    ['a coordinate that is none', residual('u.zz'), 'INVALID_ARGUMENT', /volume: there is no u\.zz[\s\S]*u\.xy/],
    ['a third derivative', residual('u.xxy'), 'INVALID_ARGUMENT', /line 2: .*volume: u\.xxy is beyond the second/],
    ['a third derivative in steps', residual('u.xx.y'), 'INVALID_ARGUMENT', /volume: u\.xx\.y is beyond the second/],
    ['a second derivative in steps', residual('u.x.x'), 'INVALID_ARGUMENT', /volume: there is no u\.x\.x[\s\S]*u\.xx/],
    ['a misspelt name', problem('{ on: interior(9), residual: ({ v }) => v }'), 'INVALID_ARGUMENT', /volume: .* no v/],
    ['an unknown that is none', residual('unknowns.v.x'), 'INVALID_ARGUMENT', /volume: there is no unknown v/],
    ['a scalar that is none', residual('u.mul(scalars.k)'), 'INVALID_ARGUMENT', /volume: there is no scalar k/],
    ['a constant beyond float32', residual('u.mul(1e39)'), 'INVALID_ARGUMENT', /volume has the constant 1e\+39/],
    [
      'a term called as errors are',
      residual('u').replace('volume', 'relativeL2'),
      'INVALID_ARGUMENT',
      /cannot be called relativeL2/,
    ],
    [
      'values that are too few',
      problem('{ on: grid({ x: 3, y: 3 }), residual: ({ u, at }) => u.sub(at([1, 2])) }'),
      'SHAPE_MISMATCH',
      /volume: it has 9 points, at was given 2 values/,
    ],
    [
      'values of which one is none',
      problem('{ on: points([[0, 1], [1, 0]]), residual: ({ u, at }) => u.sub(at([1, NaN])) }'),
      'NON_FINITE_INPUT',
      /volume is NaN at x = 1, y = 0/,
    ],
    ['values at random points', residual('u.sub(at([1, 2]))'), 'INVALID_ARGUMENT', /volume .*drawn at random/],
    ['a number given as a function', residual('u.sub(at(3))'), 'INVALID_ARGUMENT', /volume: at was given 3/],
    [
      'a residual that is not finite',
      residual('u.sub(9).log()'),
      'NON_FINITE_INPUT',
      /residual of volume is NaN at x = /,
    ],
    ['an operator', residual('u.sub(2 * x)'), 'INVALID_ARGUMENT', /volume: .*as a number[\s\S]*u\.mul\(2\)/],
    ['a function of numbers', residual('u.sub(Math.sin(x))'), 'INVALID_ARGUMENT', /x\.sin\(\)/],
    ['a residual that throws', residual('x.foo()'), 'PROBLEM_INVALID', /line 2: .*volume: TypeError: x\.foo is not/],
    ['a residual that is a number', residual('3'), 'INVALID_ARGUMENT', /residual of volume is 3/],
    ['a residual that is nothing', residual('{}'), 'INVALID_ARGUMENT', /residual of volume is undefined/],
    ['a residual that comes later', residual('Promise.resolve(u)'), 'INVALID_ARGUMENT', /volume is an object/],
    ['a term without points', problem('{ residual: ({ u }) => u }'), 'INVALID_ARGUMENT', /volume lacks points/],
    [
      'points beyond the box',
      problem('{ on: face({ x: 2 }, 3), residual: ({ u }) => u }'),
      'DOMAIN_INVALID',
      /x = 2, y/,
    ],
    [
      'a grid without inside',
      problem("{ on: grid({ x: 2, y: 2 }, { part: 'inside' }), residual: ({ u }) => u }"),
      'SHAPE_MISMATCH',
      /points of volume: there are none/,
    ],
    ['no points', problem('{ on: points([]), residual: ({ u }) => u }'), 'SHAPE_MISMATCH', /points of volume/],
    ['points outside', problem('{ on: points([[0, 2]]), residual: ({ u }) => u }'), 'DOMAIN_INVALID', /x = 0, y = 2/],
    ['NaN given', residual('u.sub(at((x) => Math.sqrt(-1 - x)))'), 'NON_FINITE_INPUT', /volume is NaN at x = /],
    [
      'a given function that throws',
      residual('u.sub(at((x) => x.a.b))'),
      'PROBLEM_INVALID',
      /line 2: the term volume: .* at x = .*, y = .*: TypeError/,
    ],
    [
      'an exact solution that throws',
      residual('u', 'exact: (x) => x.a.b'),
      'PROBLEM_INVALID',
      /line 2: .*exact solution/,
    ],
    ['an exact solution of nothing', residual('u', 'exact: { v: (x) => x }'), 'INVALID_ARGUMENT', /no unknown v/],
    [
      'features that are none',
      problem('{ on: interior(9), residual: ({ u }) => u }', 'features: () => 3'),
      'INVALID_ARGUMENT',
      /features/,
    ],
    ['a degree too low', residual('u.xx'), 'DEGREE_OUT_OF_RANGE', /volume takes second derivatives/, ['--degree', '1']],
    [
      'a learning rate for L-BFGS',
      residual('u'),
      'INVALID_ARGUMENT',
      /Leave --learning-rate out/,
      ['--optimizer', 'lbfgs', '--learning-rate', '1'],
    ],
    [
      'a schedule for L-BFGS',
      residual('u'),
      'INVALID_ARGUMENT',
      /Leave --schedule out/,
      ['--optimizer', 'lbfgs', '--schedule', 'ramp'],
    ],
    ['a schedule that is none', residual('u'), 'INVALID_ARGUMENT', /cosine, ramp, constant/, ['--schedule', 'steep']],
    [
      'a way of resampling that is none',
      residual('u'),
      'INVALID_ARGUMENT',
      /"residual" or nothing/,
      ['--resample', 'often'],
    ],
  ];
  for (const [what, text, code, words, args = []] of broken) {
    it(`${what}: ${code}, exit code 2`, async () => {
      const outcome = await nestkan('solve', module(text), '--levels', '1', '--steps', '1', ...args, ...ON_CPU);
      const { error } = JSON.parse(outcome.stdout);
      expect(error.code).to.equal(code);
      expect(`${error.message} ${error.fix}`).to.match(words);
      expect(outcome.code).to.equal(2);
    });
  }

  it('what is no module: the built-in problems are named', async () => {
    const cases: [string, string, RegExp][] = [
      ['poison-smooth', 'FILE_NOT_FOUND', /poisson-smooth/],
      [path('nowhere.mjs'), 'FILE_NOT_FOUND', /poisson-smooth/],
      [path('.'), 'FILE_NOT_READABLE', /folder/],
      [write('data.csv', 'a,b\n'), 'PROBLEM_INVALID', /no JavaScript module/],
    ];
    for (const [problem, code, words] of cases) {
      const outcome = await nestkan('solve', problem, ...ON_CPU);
      const { error } = JSON.parse(outcome.stdout);
      expect(error.code).to.equal(code);
      expect(`${error.message} ${error.fix}`).to.match(words);
      expect(outcome.code).to.equal(2);
    }
  });

  it('--out does not overwrite the problem', async () => {
    const file = module(`export default ${PARABOLA};`);
    const outcome = await nestkan('solve', file, '--out', file, ...ON_CPU);
    expect(outcome.code).to.equal(2);
    expect(JSON.parse(outcome.stdout).error.message).to.contain('same file as the problem');
  });
});
