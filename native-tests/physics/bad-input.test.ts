/** What users may get wrong in a differential equation: every error says where, by term and point. */
import { expect } from 'chai';
import { CpuBackend } from '../../src/backend/cpu/cpu-backend.ts';
import { Kan } from '../../src/models/kan.ts';
import { adam } from '../../src/optimizers/adam.ts';
import { lbfgs } from '../../src/optimizers/lbfgs.ts';
import { definePde, type Pde, type PdeDefinition, type Term } from '../../src/physics/pde.ts';
import { PdeProblem } from '../../src/physics/pde-problem.ts';
import { face, faces, grid, interior, points } from '../../src/physics/sampling.ts';
import { solve } from '../../src/physics/solve.ts';
import { errorOf } from '../backends.ts';
import { define, u } from './definitions.ts';

describe('bad input', () => {
  const train = (pde: Pde, degree = 4) => solve(new CpuBackend(), pde, { levels: 1, steps: 1, degree });

  it('definitions', async () => {
    const term: Term<'x' | 'y'> = { on: interior(3), residual: u };
    const cases: readonly (readonly [string, string, () => unknown])[] = [
      ['DOMAIN_INVALID', 'x', () => definePde({ inputs: { x: [1, 1] }, terms: { term: term as never } })],
      ['DOMAIN_INVALID', 'x', () => definePde({ inputs: { x: [0, Number.NaN] }, terms: { term: term as never } })],
      ['DOMAIN_INVALID', 'x', () => definePde({ inputs: { x: [0] as never }, terms: { term: term as never } })],
      ['INVALID_ARGUMENT', 'terms', () => define({})],
      ['INVALID_ARGUMENT', 'unknowns', () => define({ term }, { unknowns: [] })],
      ['INVALID_ARGUMENT', 'term a', () => define({ 'term a': null as never })],
      ['INVALID_ARGUMENT', 'wieght', () => define({ term: { ...term, wieght: 2 } as never })],
      ['INVALID_ARGUMENT', 'contraints', () => define({ term }, { contraints: {} } as never)],
      ['INVALID_ARGUMENT', '"u"', () => define({ term }, { unknowns: ['u', 'u'] })],
      ['INVALID_ARGUMENT', '"u"', () => define({ term }, { unknowns: 'u' as never })],
      ['INVALID_ARGUMENT', 'scalar k starts from NaN', () => define({ term }, { scalars: { k: Number.NaN } })],
      ['INVALID_ARGUMENT', 'scalar k', () => define({ term }, { scalars: { k: 1e39 } })],
      ['INVALID_ARGUMENT', 'unknown w', () => define({ term }, { constraints: { w: { distance: ({ x }) => x } } })],
      ['INVALID_ARGUMENT', 'distance of u', () => define({ term }, { constraints: { u: { lift: () => 0 } as never } })],
      [
        'INVALID_ARGUMENT',
        'lift of u',
        () => define({ term }, { constraints: { u: { distance: ({ x }) => x, lift: 3 as never } } }),
      ],
      [
        'INVALID_ARGUMENT',
        'the constraint of u',
        () => define({ term }, { constraints: { u: { distance: () => 0, lfit: 3 } as never } }),
      ],
      ['INVALID_ARGUMENT', 'unknown w', () => define({ term }, { exact: { w: (x) => x } })],
      ['INVALID_ARGUMENT', 'exact is 3', () => define({ term }, { exact: 3 as never })],
      ['INVALID_ARGUMENT', 'exact is null', () => define({ term }, { exact: null as never })],
      ['INVALID_ARGUMENT', 'features is an array', () => define({ term }, { features: [] as never })],
      ['INVALID_ARGUMENT', 'testPoints is an array', () => define({ term }, { testPoints: [[0, 1]] as never })],
      ['INVALID_ARGUMENT', 'term', () => define({ term: { ...term, weight: -1 } })],
      ['INVALID_ARGUMENT', 'term', () => define({ term: { ...term, weight: 1e39 } })],
      ['INVALID_ARGUMENT', 'term', () => define({ term: { ...term, weight: '1' as never } })],
      ['INVALID_ARGUMENT', 'term', () => define({ term: { ...term, weight: Number.NaN } })],
      ['INVALID_ARGUMENT', 'term', () => define({ term: { ...term, attention: 1 } })],
    ];
    for (const [code, words, make] of cases) {
      const error = await errorOf(make);
      expect(error.code).to.equal(code);
      expect(error.message).to.contain(words);
      expect(error.fix).not.to.equal('');
    }
  });

  it('a definition that has been checked is taken again', () => {
    const pde = define({ term: { on: interior(3), residual: u } }, { exact: (x) => x });
    expect(definePde(pde).exactSolutions).to.deep.equal(pde.exactSolutions);
  });

  it('names of terms under which errors are reported', async () => {
    for (const name of ['relativeL2', 'maxError']) {
      const error = await errorOf(() => define({ [name]: { on: interior(3), residual: u } }));
      expect(error.code).to.equal('INVALID_ARGUMENT');
      expect(error.message).to.contain(name);
      expect(error.where).to.deep.equal({ term: name });
    }
  });

  it('names of coordinates that mean something else', async () => {
    for (const name of ['u', 'at', 'sides', 'mul', 'node']) {
      const error = await errorOf(() =>
        definePde({ inputs: { [name]: [0, 1] }, terms: { term: { on: interior(3), residual: (p) => p.u } } }),
      );
      expect(error.code).to.equal('INVALID_ARGUMENT');
      expect(error.message).to.contain(name);
    }
    const ambiguous = await errorOf(() =>
      definePde({ inputs: { x: [0, 1], xx: [0, 1] }, terms: { term: { on: interior(3), residual: (p) => p.u } } }),
    );
    expect(ambiguous.code).to.equal('INVALID_ARGUMENT');
  });

  it('residuals: each error names the term', async () => {
    const residuals: Record<string, Term<'x' | 'y'>['residual']> = {
      'beyond the second derivative': (p) => (p.u as unknown as Record<string, never>)['xxx'],
      'of a second derivative': (p) => (p.u.xx as unknown as Record<string, never>)['x'],
      'of a first derivative, twice': (p) => (p.u.x as unknown as Record<string, never>)['xy'],
      'of a scalar that there is not': (p) => p.u.mul(p.scalars['k']),
      'of an unknown that there is not': (p) => p.unknowns['v'].x,
      'of a name that there is not': (p) => p.u.add((p as unknown as Record<string, never>)['z']),
      'at a number': (p) => p.u.sub(p.at(3 as never)),
      'at a formula': (p) => p.u.sub(p.at(p.x as never)),
      'at nothing': (p) => p.u.sub(p.at(undefined as never)),
      'of a derivative': (p) => (p.u.x as unknown as Record<string, { add(n: number): never }>)['x'].add(1),
      'of a coordinate that there is not': (p) => p.u.add((p.u as unknown as Record<string, never>)['z']),
      nothing: () => [],
      'a number': () => 3 as never,
      'an arithmetic slip': (p) => (2 * (p.u as unknown as number)) as never,
      'that throws': () => {
        throw new Error('a message of its own');
      },
    };
    for (const [label, residual] of Object.entries(residuals)) {
      const error = await errorOf(() => new PdeProblem(define({ equation: { on: interior(3), residual } })));
      expect(error.code, label).to.equal('INVALID_ARGUMENT');
      expect(error.message, label).to.contain('equation');
      expect(error.where['term'], label).to.equal('equation');
    }
  });

  it('a derivative of a first derivative: the error says how it is written', async () => {
    const residual: Term<'x' | 'y'>['residual'] = (p) => (p.u.x as unknown as Record<string, never>)['y'];
    const error = await errorOf(() => new PdeProblem(define({ equation: { on: interior(3), residual } })));
    expect(error.message).to.contain('u.x.y');
    expect(error.fix).to.contain('u.xy');
  });

  it('constants beyond the range of float32, also those that derivatives bring', async () => {
    const residuals: Record<string, Term<'x' | 'y'>['residual']> = {
      'a factor': (p) => p.u.mul(3.5e38),
      'a negative one': (p) => p.u.add(-1e39),
      infinity: (p) => p.u.mul(p.x.sub(p.x).mul(0).pow(-1)),
      'a product in the derivative': (p) => p.u.mul(1e30).mul(1e30),
    };
    for (const [label, residual] of Object.entries(residuals)) {
      const error = await errorOf(() => new PdeProblem(define({ equation: { on: interior(3), residual } })));
      expect(error.code, label).to.equal('INVALID_ARGUMENT');
      expect(error.message, label).to.contain('equation').and.to.contain('float32');
      expect(error.where, label).to.deep.equal({ term: 'equation' });
    }
    // What depends on coordinates alone is computed in float64.
    new PdeProblem(define({ equation: { on: interior(3), residual: (p) => p.u.sub(p.x.mul(1e200).mul(1e-200)) } }));
  });

  it('points: none, outside, of another width, unequal on two sides', async () => {
    const cases: readonly (readonly [string, Term<'x' | 'y'>['on']])[] = [
      ['SHAPE_MISMATCH', () => ({ rows: 0, columns: 2, data: new Float64Array(0) })],
      [
        'DOMAIN_INVALID',
        points([
          [0, 1],
          [1.5, 1],
        ]),
      ],
      ['DOMAIN_INVALID', () => ({ rows: 1, columns: 2, data: Float64Array.of(0, Number.NaN) })],
      ['SHAPE_MISMATCH', () => ({ rows: 2, columns: 1, data: Float64Array.of(0, 1) })],
      ['SHAPE_MISMATCH', [interior(3), interior(4)]],
      ['SHAPE_MISMATCH', grid({ x: 2, y: 2 }, { part: 'inside' })],
      ['SHAPE_MISMATCH', () => undefined as never],
      ['SHAPE_MISMATCH', () => [[0, 1]] as never],
      ['DOMAIN_INVALID', face({ x: 7 }, 4)],
      ['INVALID_ARGUMENT', face({ t: 0 }, 4)],
      ['INVALID_ARGUMENT', interior as never],
      [
        'INVALID_ARGUMENT',
        () => {
          throw new Error('a message of its own');
        },
      ],
    ];
    for (const [code, on] of cases) {
      const error = await errorOf(() => train(define({ wall: { on, residual: u } })));
      expect(error.code).to.equal(code);
      expect(error.message).to.contain('wall');
    }
    const outside = await errorOf(() =>
      train(
        define({
          wall: {
            on: points([
              [0, 1],
              [1.5, 1],
            ]),
            residual: u,
          },
        }),
      ),
    );
    expect(outside.message).to.contain('1.5');
  });

  it('a given function that is not a number somewhere names the term and the point', async () => {
    const pde = define({
      source: {
        on: points([
          [0.5, 1],
          [0.25, 2],
        ]),
        residual: (p) => p.u.sub(p.at((x) => Math.sqrt(x - 0.3))),
      },
    });
    const error = await errorOf(() => train(pde));
    expect(error.code).to.equal('NON_FINITE_INPUT');
    expect(error.message).to.contain('source').and.to.contain('0.25');
    expect(error.where['point']).to.deep.equal([0.25, 2]);
  });

  it('a given function that throws names the term and the point, and keeps what was thrown', async () => {
    for (const thrown of [new Error('a message of its own'), 'a message of its own']) {
      const f = () => {
        throw thrown;
      };
      const error = await errorOf(() =>
        train(define({ source: { on: points([[0.25, 2]]), residual: (p) => p.u.sub(p.at(f)) } })),
      );
      expect(error.code).to.equal('INVALID_ARGUMENT');
      expect(error.message)
        .to.contain('source')
        .and.to.contain('x = 0.25, y = 2')
        .and.to.contain('a message of its own');
      expect(error.where).to.deep.equal({ term: 'source', point: [0.25, 2] });
      expect((error.cause as Error).cause).to.equal(thrown);
    }
  });

  it('a residual that is not finite from the start names the term and the point', async () => {
    const residuals: Record<string, Term<'x' | 'y'>['residual']> = {
      'a logarithm': (p) => p.u.mul(0.01).sub(1).log(),
      'a division': (p) => p.u.div(p.x.sub(p.x)),
    };
    for (const [label, residual] of Object.entries(residuals)) {
      for (const optimizer of [adam(), lbfgs(), undefined]) {
        const pde = define({ fine: { on: interior(3), residual: u }, source: { on: points([[0.25, 2]]), residual } });
        const error = await errorOf(() => solve(new CpuBackend(), pde, { levels: 1, steps: 5, optimizer }));
        expect(error.code, label).to.equal('NON_FINITE_INPUT');
        expect(error.message, label).to.contain('source').and.to.contain('x = 0.25, y = 2');
        expect(error.where, label).to.deep.equal({ term: 'source', point: [0.25, 2] });
      }
    }
  });

  it('a residual that training makes infinite: the term and the point are told beside the step', async () => {
    const pde = define({ source: { on: points([[0.25, 2]]), residual: (p) => p.u.sub(3).exp().exp().exp() } });
    const error = await errorOf(() =>
      solve(new CpuBackend(), pde, { levels: 1, steps: 50, optimizer: adam({ learningRate: 1e6 }) }),
    );
    expect(error.code).to.equal('NON_FINITE_TRAINING');
    expect(error.message).to.contain('source').and.to.contain('x = 0.25, y = 2');
    expect(error.where).to.include({ term: 'source', level: 0 });
    expect(error.where['step']).to.be.above(0);
    expect(error.where['model']).to.be.instanceOf(Kan);
  });

  it('constraints and features that are no formulas say which', async () => {
    const cases: readonly (readonly [string, Partial<PdeDefinition<'x' | 'y'>>])[] = [
      ['distance of u', { constraints: { u: { distance: () => undefined as never } } }],
      ['distance of u', { constraints: { u: { distance: ({ x }) => Math.sin(x as never) as never } } }],
      ['lift of u', { constraints: { u: { distance: ({ x }) => x, lift: () => 'x' as never } } }],
      ['no coordinate z', { constraints: { u: { distance: (p) => (p as unknown as { z: never }).z } } }],
      ['features', { features: ({ x }) => [Math.sin(x as never) as never] }],
      ['features', { features: () => 3 as never }],
      ['no coordinate z', { features: (p) => [(p as unknown as { z: never }).z] }],
    ];
    for (const [words, more] of cases) {
      const error = await errorOf(() => new PdeProblem(define({ term: { on: interior(3), residual: u } }, more)));
      expect(error.code).to.equal('INVALID_ARGUMENT');
      expect(error.message).to.contain(words);
    }
  });

  it('test points outside', async () => {
    const pde = define({ term: { on: interior(3), residual: u } }, { exact: (x) => x, testPoints: points([[3, 4]]) });
    const error = await errorOf(() => train(pde));
    expect(error.code).to.equal('DOMAIN_INVALID');
    expect(error.message).to.contain('test points').and.to.contain('x = 3, y = 4');
  });

  it('a feature whose derivative is not finite names the term and the point', async () => {
    const pde = define(
      { edge: { on: faces(8), residual: (p) => p.u.x } },
      { features: ({ x, y }) => [x.add(1).sqrt(), y] },
    );
    const error = await errorOf(() => train(pde));
    expect(error.code).to.equal('NON_FINITE_INPUT');
    expect(error.message).to.contain('x = -1').and.to.contain('edge');
    expect(error.where['term']).to.equal('edge');
  });

  it('an exact solution that is not finite', async () => {
    const pde = define({ term: { on: interior(3), residual: u } }, { exact: (x) => 1 / (x + 1) });
    const error = await errorOf(() => train(pde));
    expect(error.code).to.equal('NON_FINITE_INPUT');
    expect(error.message).to.contain('exact solution of u').and.to.contain('x = -1');
    const broken = define(
      { term: { on: interior(3), residual: u } },
      { exact: (x) => (x as never as number[])[0].valueOf() },
    );
    expect((await errorOf(() => train(broken))).message).to.contain('exact solution of u, at x = -1, y = 0');
  });

  it('a degree too low for the derivatives asked for', async () => {
    const error = await errorOf(() => train(define({ term: { on: interior(3), residual: (p) => p.u.xx } }), 1));
    expect(error.code).to.equal('DEGREE_OUT_OF_RANGE');
    expect(error.message).to.contain('term');
    await train(define({ term: { on: interior(3), residual: (p) => p.u.x } }), 1);
  });

  it('a model of other widths', async () => {
    const problem = new PdeProblem(define({ term: { on: interior(3), residual: u } }));
    const error = await errorOf(() => problem.bind(Kan.create(new CpuBackend(), { widths: [3, 1] })));
    expect(error.code).to.equal('KAN_INPUT_WIDTH');
  });
});
