/** A WebAssembly module with memory of its own, seen as numbers and as words of 32 bits. */
import { NestkanError } from '../errors.ts';

export const BYTES = 8;
const PAGE_BYTES = 65536;
const CACHE_LINE = 8;

export class SimdModule<Functions> {
  readonly functions: Functions;
  readonly #memory: WebAssembly.Memory;
  floats = new Float64Array();
  words = new Uint32Array();

  constructor(bytes: Uint8Array<ArrayBuffer>) {
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes));
    this.functions = exports as Functions;
    this.#memory = exports['memory'] as WebAssembly.Memory;
  }

  /**
   * Where parts of so many numbers begin, in numbers, each on a cache line. What they held is kept while their lengths are.
   * Grows the memory, and with it `floats` and `words`.
   */
  places<Name extends string>(lengths: Readonly<Record<Name, number>>): Readonly<Record<Name, number>> {
    let end = 0;
    const places = {} as Record<Name, number>;
    for (const name of Object.keys(lengths) as Name[]) {
      places[name] = end;
      end += CACHE_LINE * Math.ceil(lengths[name] / CACHE_LINE);
    }
    const missing = BYTES * end - this.#memory.buffer.byteLength;
    if (missing > 0) this.#grow(Math.ceil(missing / PAGE_BYTES));
    if (this.floats.buffer !== this.#memory.buffer) {
      this.floats = new Float64Array(this.#memory.buffer);
      this.words = new Uint32Array(this.#memory.buffer);
    }
    return places;
  }

  #grow(pages: number): void {
    try {
      this.#memory.grow(pages);
    } catch (cause) {
      throw new NestkanError('OUT_OF_MEMORY', `WebAssembly has no memory for ${pages * PAGE_BYTES} more bytes`, {
        fix: 'Use fewer rows, narrower layers or mini-batches.',
        cause,
      });
    }
  }
}

/** Nothing where an engine has no such instructions, or a page's content security policy forbids WebAssembly. */
export function openModule<Functions>(bytes: Uint8Array<ArrayBuffer>): SimdModule<Functions> | undefined {
  try {
    return new SimdModule<Functions>(bytes);
  } catch {
    return undefined;
  }
}
