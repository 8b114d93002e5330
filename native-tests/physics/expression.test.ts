/** Formulas: derivatives against finite differences, compiled code against direct evaluation. */
import { expect } from 'chai';
import fc from 'fast-check';
import { constant, type Expression, evaluate, type Operand, symbol, symbolsOf } from '../../src/physics/expression.ts';
import { compile, execute } from '../../src/physics/program.ts';
import { errorOf } from '../backends.ts';
import { formulas, valuesOf } from './formulas.ts';

const KEYS = ['x', 'y'];

/** Central differences of order four and what they may be off by: twice their change from h to 2h, and rounding. */
function finiteDifference(f: Expression, values: Map<string, number>, key: string) {
  const at = (shift: number) => evaluate(f, new Map(values).set(key, values.get(key)! + shift));
  const slope = (h: number) => (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h);
  const h = 2 ** -12;
  const size = Math.max(1, ...[-2, -1, 0, 1, 2].map((n) => Math.abs(at(n * h))));
  // Some fifty operations per formula, each of which rounds numbers of up to a few thousand.
  return { slope: slope(h), bound: 2 * Math.abs(slope(2 * h) - slope(h)) + (2 ** -40 * size) / h };
}

describe('expressions', () => {
  it('first and second derivatives of random formulas are what finite differences say', () => {
    fc.assert(
      fc.property(formulas(KEYS), valuesOf(KEYS), fc.constantFrom(...KEYS), fc.constantFrom(...KEYS), (f, at, a, b) => {
        const derivative = f.derivative(a);
        for (const [g, dg, key] of [
          [f, derivative, a],
          [derivative, derivative.derivative(b), b],
        ] as const) {
          const { slope, bound } = finiteDifference(g, at, key);
          expect(evaluate(dg, at)).to.be.closeTo(slope, bound);
        }
      }),
      { numRuns: 500, seed: 1 },
    );
  });

  it('mixed derivatives do not depend on their order', () => {
    fc.assert(
      fc.property(formulas(KEYS), valuesOf(KEYS), (f, at) => {
        const [xy, yx] = [f.derivative('x').derivative('y'), f.derivative('y').derivative('x')].map((d) =>
          evaluate(d, at),
        );
        expect(xy).to.be.closeTo(yx, 1e-9 * Math.max(1, Math.abs(xy)));
      }),
      { seed: 2 },
    );
  });

  it('compiled code gives what evaluation gives, bit by bit, for any number of samples', () => {
    const cases = fc.tuple(
      fc.array(formulas(KEYS), { minLength: 1, maxLength: 3 }),
      fc.array(valuesOf(KEYS), { minLength: 1, maxLength: 9 }),
    );
    fc.assert(
      fc.property(cases, ([roots, samples]) => {
        const program = compile(roots);
        const count = samples.length;
        const registers = program.instructions.map(() => new Float64Array(count + 1).fill(77));
        // Two columns, interleaved: steps and offsets matter.
        const from = Float64Array.from(samples.flatMap((values) => KEYS.map((key) => values.get(key)!)));
        execute(program, count, registers, (key) => ({ from, at: KEYS.indexOf(key), step: KEYS.length }));
        roots.forEach((root, index) => {
          const register = registers[program.results[index]];
          const expected = samples.map((values) => evaluate(root, values));
          expect([...register.subarray(0, count)]).to.deep.equal(expected);
          expect(register[count]).to.equal(77);
        });
      }),
      { seed: 3 },
    );
  });

  it('compiled code computes nothing twice', () => {
    const [x, y] = KEYS.map(symbol);
    const product = () => x.mul(y).sin();
    const { instructions } = compile([product().add(product()), product().mul(2), constant(-0).add(product())]);
    const texts = instructions.map(({ node, operands }) => JSON.stringify([{ ...node, a: 0, b: 0 }, operands]));
    expect(new Set(texts).size).to.equal(texts.length);
    expect(instructions.filter(({ node }) => node.type === 'unary').length).to.equal(1);
  });

  it('knows one-sided derivatives of the kink: |x| has the slope −1 at −0 and 1 at +0', () => {
    const slope = symbol('x').abs().derivative('x');
    const at = (x: number) => evaluate(slope, new Map([['x', x]]));
    expect([-2, -0, 0, 2].map(at)).to.deep.equal([-1, -1, 1, 1]);
    expect(evaluate(slope.derivative('x'), new Map([['x', 0]]))).to.equal(0);
  });

  it('keeps what simplification must keep', () => {
    const x = symbol('x');
    const simplified: readonly (readonly [Expression, Operand, string])[] = [
      [x.add(0), x, 'x + 0'],
      [x.mul(1), x, 'x · 1'],
      [constant(0).mul(x), constant(0), '0 · x'],
      [constant(2).mul(3), constant(6), '2 · 3'],
      [x.pow(1), x, 'x¹'],
      [x.pow(0), constant(1), 'x⁰'],
    ];
    for (const [actual, expected, label] of simplified) {
      expect(actual, label).to.deep.equal(expected);
    }
    const at = new Map([['x', 3]]);
    expect(evaluate(constant(0).sub(x), at)).to.equal(-3);
    expect([-3, -1, 2, 5].map((n) => evaluate(x.pow(n), at))).to.deep.equal([1 / 27, 1 / 3, 9, 243]);
  });

  it('names the symbols of a formula', () => {
    const [x, y] = KEYS.map(symbol);
    expect([...symbolsOf([x.mul(2).add(y), x])].sort()).to.deep.equal(['x', 'y']);
  });

  it('refuses fractional powers and symbols without a value', async () => {
    const fractional = await errorOf(() => symbol('x').pow(0.5));
    expect(fractional.code).to.equal('INVALID_ARGUMENT');
    const unknown = await errorOf(() => evaluate(symbol('q'), new Map([['x', 1]])));
    expect(unknown.message).to.contain('q');
    expect(unknown.fix).to.contain('x');
  });
});
