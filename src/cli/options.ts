/** Values of command-line options: each parser knows its option's name and refuses what the option does not take. */
import { NestkanError } from '../node.ts';

/** Turns the text behind an option into a value; throws INVALID_ARGUMENT. */
export type OptionParser<T> = (text: string) => T;

export interface Range {
  min?: number;
  max?: number;
}

const WHOLE = /^[+-]?\d+$/;
const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

/** Whole numbers from `min` (default 1) to `max` (default 2^53 - 1). */
export function wholeNumber(
  option: string,
  { min = 1, max = Number.MAX_SAFE_INTEGER }: Range = {},
): OptionParser<number> {
  const expected = `a whole number ${describe({ min, max })}`;
  return (text) => {
    const value = WHOLE.test(text.trim()) ? Number(text) : NaN;
    if (Number.isSafeInteger(value) && value >= min && value <= max) return value;
    throw invalidOption(option, text, expected);
  };
}

/** Finite numbers from `min` to `max`, both included. */
export function number(option: string, { min = -Infinity, max = Infinity }: Range = {}): OptionParser<number> {
  const expected = `a number ${describe({ min, max })}`.trim();
  return (text) => {
    const value = DECIMAL.test(text.trim()) ? Number(text) : NaN;
    if (Number.isFinite(value) && value >= min && value <= max) return value;
    throw invalidOption(option, text, expected);
  };
}

/** A number greater than zero. */
export function positiveNumber(option: string): OptionParser<number> {
  const parse = number(option);
  return (text) => {
    const value = parse(text);
    if (value > 0) return value;
    throw invalidOption(option, text, 'a number greater than 0');
  };
}

/** The weight of a penalty, or `auto` to have it chosen. */
export function weightOrAuto(option: string): OptionParser<number | 'auto'> {
  const expected = 'auto, or a number of at least 0';
  return (text) => {
    if (text === 'auto') return text;
    const value = DECIMAL.test(text.trim()) ? Number(text) : NaN;
    if (Number.isFinite(value) && value >= 0) return value;
    throw invalidOption(option, text, expected);
  };
}

/** A share of the whole: at least 0 and below 1. */
export function fraction(option: string): OptionParser<number> {
  const expected = 'a fraction of at least 0 and below 1, such as 0.2';
  return (text) => {
    const value = DECIMAL.test(text.trim()) ? Number(text) : NaN;
    if (value >= 0 && value < 1) return value;
    throw invalidOption(option, text, expected);
  };
}

/** Values separated by commas, each read by `item`; `length` fixes how many. */
export function listOf<T>(
  option: string,
  item: OptionParser<T>,
  { length, example = '5,5' }: { length?: number; example?: string } = {},
): OptionParser<T[]> {
  return (text) => {
    const parts = text.split(',').map((part) => part.trim());
    if (parts.some((part) => part === '')) {
      throw invalidOption(option, text, `values separated by single commas, such as ${example}`);
    }
    if (length !== undefined && parts.length !== length) {
      throw invalidOption(option, text, `${length} values separated by commas`);
    }
    return parts.map(item);
  };
}

/** Names separated by commas; a name may itself hold no comma. */
export function nameList(option: string): OptionParser<string[]> {
  const parse = listOf(option, (name: string) => name, { example: 'x,y' });
  return (text) => {
    const names = parse(text);
    const twice = names.find((name, index) => names.indexOf(name) !== index);
    if (twice === undefined) return names;
    throw invalidOption(option, text, `every name once, and "${twice}" comes twice`);
  };
}

/** One of a few words; an option with a single word may also stand alone. */
export function choice<const T extends string>(option: string, words: readonly T[]): OptionParser<T> {
  const expected = words.length === 1 ? `"${words[0]}" or nothing` : `one of ${words.join(', ')}`;
  return (text) => {
    const word = words.find((candidate) => candidate === text);
    if (word !== undefined) return word;
    throw invalidOption(option, text, expected);
  };
}

function describe({ min, max }: Required<Range>): string {
  const unbounded = max === Infinity || max === Number.MAX_SAFE_INTEGER;
  if (min === -Infinity) return unbounded ? '' : `of at most ${max}`;
  return unbounded ? `of at least ${min}` : `from ${min} to ${max}`;
}

function invalidOption(option: string, given: string, expected: string): NestkanError {
  return new NestkanError('INVALID_ARGUMENT', `${option} was given "${given}"; it takes ${expected}.`, {
    fix: `Pass ${option} with ${expected}.`,
    where: { option, given },
  });
}
