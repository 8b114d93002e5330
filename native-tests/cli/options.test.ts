import { expect } from 'chai';
import fc from 'fast-check';
import { choice, fraction, listOf, nameList, number, positiveNumber, wholeNumber } from '../../src/cli/options.ts';

function refusal(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    expect((error as { code: string }).code).to.equal('INVALID_ARGUMENT');
    return (error as Error).message;
  }
  throw new Error('nothing was thrown');
}

function refuses(parse: (text: string) => unknown, texts: readonly string[]): void {
  for (const text of texts)
    expect(
      refusal(() => parse(text)),
      text,
    )
      .to.contain('--x')
      .and.to.contain(`"${text}"`);
}

describe('option values', () => {
  it('whole numbers in their range', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (value) => {
        expect(wholeNumber('--x', { min: 0 })(`${value}`)).to.equal(value);
      }),
    );
    expect(wholeNumber('--x', { min: 1, max: 5 })('5')).to.equal(5);
    refuses(wholeNumber('--x'), [
      '0',
      '-1',
      '1.5',
      '',
      ' ',
      'one',
      '1e3',
      '0x10',
      'NaN',
      'Infinity',
      '9007199254740992',
    ]);
    refuses(wholeNumber('--x', { min: 1, max: 5 }), ['0', '6']);
    expect(refusal(() => wholeNumber('--degree', { min: 1, max: 5 })('6'))).to.equal(
      '--degree was given "6"; it takes a whole number from 1 to 5.',
    );
  });

  it('numbers, positive numbers and fractions', () => {
    expect(number('--x')('-1.5e-3')).to.equal(-0.0015);
    refuses(number('--x'), ['', 'x', 'NaN', 'Infinity', '1e999', '1,5']);
    refuses(number('--x', { min: 0, max: 1 }), ['-0.1', '1.1']);
    expect(positiveNumber('--x')('0.5')).to.equal(0.5);
    refuses(positiveNumber('--x'), ['0', '-1', 'NaN', 'Infinity']);
    expect(fraction('--x')('0')).to.equal(0);
    expect(fraction('--x')('.25')).to.equal(0.25);
    refuses(fraction('--x'), ['1', '-0.1', '20%', '']);
  });

  it('lists, of a fixed length where one is asked for', () => {
    const widths = listOf('--x', wholeNumber('--x'));
    expect(widths('5, 5,1')).to.deep.equal([5, 5, 1]);
    refuses(widths, ['', '5,,5', ',5', '5,']);
    expect(refusal(() => widths('5,0'))).to.contain('"0"');
    refuses(listOf('--x', number('--x'), { length: 2 }), ['1', '1,2,3']);
  });

  it('names, each once', () => {
    expect(nameList('--x')('a b, c')).to.deep.equal(['a b', 'c']);
    refuses(nameList('--x'), ['a,a', '', 'a,']);
  });

  it('one of a few words', () => {
    expect(choice('--x', ['auto', 'cpu'])('cpu')).to.equal('cpu');
    refuses(choice('--x', ['auto', 'cpu']), ['CPU', '', 'toString']);
  });
});
