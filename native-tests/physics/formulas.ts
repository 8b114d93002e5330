/** Random formulas with bounded values and derivatives, for property-based tests. */
import fc from 'fast-check';
import { constant, type Expression, symbol } from '../../src/physics/expression.ts';

/** Formulas of the given symbols that are smooth where the symbols are in [-1, 1] and away from zero. */
export function formulas(keys: readonly string[]): fc.Arbitrary<Expression> {
  const { formula } = fc.letrec<{ formula: Expression }>((tie) => {
    const inner = tie('formula');
    const pair = fc.tuple(inner, inner);
    const numbers = fc.integer({ min: -8, max: 8 }).map((value) => constant(value / 4));
    return {
      formula: fc.oneof(
        { maxDepth: 4, depthSize: 'small' },
        fc.oneof({ arbitrary: fc.constantFrom(...keys).map(symbol), weight: 3 }, { arbitrary: numbers, weight: 1 }),
        pair.map(([a, b]) => a.add(b)),
        pair.map(([a, b]) => a.sub(b)),
        pair.map(([a, b]) => a.mul(b)),
        pair.map(([a, b]) => a.div(b.sin().add(2))),
        inner.map((a) => a.neg()),
        inner.map((a) => a.sin()),
        inner.map((a) => a.cos()),
        inner.map((a) => a.tanh()),
        inner.map((a) => a.sin().exp()),
        inner.map((a) => a.sin().mul(a.sin()).add(1).sqrt()),
        inner.map((a) => a.cos().add(2).log()),
        fc.constantFrom(...keys).map((key) => symbol(key).abs()),
        fc.tuple(fc.constantFrom(...keys), fc.integer({ min: -2, max: 4 })).map(([key, n]) => symbol(key).pow(n)),
      ),
    };
  });
  return formula;
}

/** Values of the symbols, of either sign and at least ¼ away from zero. */
export function valuesOf(keys: readonly string[]): fc.Arbitrary<Map<string, number>> {
  const value = fc
    .tuple(fc.boolean(), fc.integer({ min: 256, max: 1024 }))
    .map(([negative, numerator]) => ((negative ? -1 : 1) * numerator) / 1024);
  return fc
    .array(value, { minLength: keys.length, maxLength: keys.length })
    .map((values) => new Map(keys.map((key, index) => [key, values[index]])));
}
