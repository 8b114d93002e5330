/**
 * Seeded random numbers: the same seed gives the same numbers on every machine. There is no global generator.
 *
 * The generator is xoshiro128** 1.1 (D. Blackman, S. Vigna, "Scrambled linear pseudorandom number generators",
 * ACM TOMS 47, 2021; https://prng.di.unimi.it), its state filled by SplitMix64 as its authors recommend.
 */
import { NestkanError } from './errors.ts';

export interface Random {
  /** A multiple of 2^-53, uniform on [0, 1). */
  uniform(): number;
  /** Normal with mean 0 and variance 1, by the Box–Muller transform. */
  normal(): number;
  /** Uniform on 0 … n-1, unbiased; 1 ≤ n ≤ 2^32. */
  integer(n: number): number;
  /** Puts the elements into a uniformly random order, in place (Fisher–Yates), and returns the array. */
  shuffle<T extends { [index: number]: unknown; readonly length: number }>(array: T): T;
}

const TWO_32 = 2 ** 32;
const MASK_64 = (1n << 64n) - 1n;

/**
 * A generator of its own for every seed.
 *
 * ```ts
 * const random = createRandom(7);
 * random.shuffle([1, 2, 3]);
 * ```
 *
 * @param seed whole number from 0 to 2^53 - 1
 * @throws INVALID_ARGUMENT for any other seed
 */
export function createRandom(seed: number): Random {
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new NestkanError('INVALID_ARGUMENT', `The seed is ${seed}; a whole number from 0 to 2^53 - 1 is needed.`, {
      fix: 'Pass a whole number such as 0, 1 or 42.',
      where: { seed },
    });
  }
  const next = xoshiro128StarStar(seededState(seed));
  let spare: number | undefined;

  function uniform(): number {
    const high = next() >>> 5;
    const low = next() >>> 6;
    return (high * 2 ** 26 + low) / 2 ** 53;
  }

  function normal(): number {
    if (spare !== undefined) {
      const value = spare;
      spare = undefined;
      return value;
    }
    // 1 - u lies in (0, 1]: the logarithm stays finite.
    const radius = Math.sqrt(-2 * Math.log(1 - uniform()));
    const angle = 2 * Math.PI * uniform();
    spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }

  function integer(n: number): number {
    if (!Number.isInteger(n) || n < 1 || n > TWO_32) {
      throw new NestkanError('INVALID_ARGUMENT', `integer(n) was given n = ${n}.`, {
        fix: 'Pass a whole number from 1 to 2^32.',
        where: { n },
      });
    }
    // Draws above the last multiple of n would favour small remainders.
    const limit = TWO_32 - (TWO_32 % n);
    let draw = next();
    while (draw >= limit) draw = next();
    return draw % n;
  }

  function shuffle<T extends { [index: number]: unknown; readonly length: number }>(array: T): T {
    for (let i = array.length - 1; i > 0; i--) {
      const j = integer(i + 1);
      const moved = array[i];
      array[i] = array[j];
      array[j] = moved;
    }
    return array;
  }

  return { uniform, normal, integer, shuffle };
}

/** Successive outputs, unsigned 32-bit, of the generator in the given state (four words, not all zero; advanced in place). */
export function xoshiro128StarStar(state: Uint32Array): () => number {
  return () => {
    const result = Math.imul(rotateLeft(Math.imul(state[1], 5), 7), 9) >>> 0;
    const shifted = state[1] << 9;
    state[2] ^= state[0];
    state[3] ^= state[1];
    state[1] ^= state[2];
    state[0] ^= state[3];
    state[2] ^= shifted;
    state[3] = rotateLeft(state[3], 11);
    return result;
  };
}

/** Two outputs of SplitMix64, low word first. */
export function seededState(seed: number): Uint32Array {
  const state = new Uint32Array(4);
  let counter = BigInt(seed);
  for (let i = 0; i < 4; i += 2) {
    counter = (counter + 0x9e3779b97f4a7c15n) & MASK_64;
    let z = counter;
    z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & MASK_64;
    z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & MASK_64;
    z ^= z >> 31n;
    state[i] = Number(z & 0xffffffffn);
    state[i + 1] = Number(z >> 32n);
  }
  return state;
}

function rotateLeft(x: number, bits: number): number {
  return (x << bits) | (x >>> (32 - bits));
}
