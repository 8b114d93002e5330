/** The tiles of Cholesky's factor in WebAssembly, which has vectors. */
import { BYTES, openModule, type SimdModule } from '../kernels/simd-module.ts';
import module from './cholesky-simd.wat';

interface Functions {
  products(a: number, b: number, count: number, sums: number): void;
}

const TILE = 4;

export function openTileProducts(): TileProducts | undefined {
  const opened = openModule<Functions>(module);
  return opened && new TileProducts(opened);
}

/** Keeps four rows of the factor at a time as columns [size, 4], which is what vectors want. */
export class TileProducts {
  readonly #module: SimdModule<Functions>;
  #size = 0;
  #rows = 0;
  #sums = 0;

  constructor(module: SimdModule<Functions>) {
    this.#module = module;
  }

  /** For a factor [size, size], of which nothing is known yet. */
  start(size: number): this {
    const { sums, rows } = this.#module.places({ sums: TILE * TILE, rows: size * TILE * Math.ceil(size / TILE) });
    this.#size = size;
    this.#sums = sums;
    this.#rows = rows;
    return this;
  }

  /** [4, 4] */
  get sums(): Float64Array {
    return this.#module.floats.subarray(this.#sums, this.#sums + TILE * TILE);
  }

  /** Fills `sums` with Σ_{k < left} factor[top + r, k] factor[left + c, k]. */
  products(top: number, left: number): void {
    const place = (row: number) => BYTES * (this.#rows + row * this.#size);
    this.#module.functions.products(place(top), place(left), left, BYTES * this.#sums);
  }

  /** Takes four rows and columns of the factor, below its diagonal. */
  keep(factor: Float64Array, top: number, left: number): void {
    const { floats } = this.#module;
    let to = this.#rows + top * this.#size + left * TILE;
    for (let k = left; k < left + TILE; k++) {
      for (let r = 0; r < TILE; r++) floats[to++] = factor[(top + r) * this.#size + k];
    }
  }
}
