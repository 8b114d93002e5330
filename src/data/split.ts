/** Seeded division of rows into training, validation and test rows. */
import { NestkanError } from '../errors.ts';
import { createRandom } from '../random.ts';

export interface SplitOptions {
  /** Share of all rows kept for the final test, 0 ≤ test < 1; default 0. */
  test?: number;
  /** Share of all rows kept to choose among models, 0 ≤ validation < 1; default 0. */
  validation?: number;
  seed: number;
}

/** Row indices, each set ascending; together every row once. */
export interface Split {
  readonly train: Uint32Array;
  readonly validation: Uint32Array;
  readonly test: Uint32Array;
}

/**
 * Draws test rows, then validation rows, from a seeded shuffle; the rest is for training.
 * The test rows depend on the seed and the test share alone. A share above zero takes at least one row.
 *
 * @throws INVALID_ARGUMENT for shares outside [0, 1); DATA_TOO_FEW_ROWS when fewer than two training rows would be left
 */
export function splitRows(rows: number, { test = 0, validation = 0, seed }: SplitOptions): Split {
  checkShare('test', test);
  checkShare('validation', validation);
  const testRows = share(rows, test);
  const validationRows = share(rows, validation);
  const held = testRows + validationRows;
  if (rows - held < 2) {
    throw new NestkanError(
      'DATA_TOO_FEW_ROWS',
      `Of ${rows} rows, ${testRows} for testing and ${validationRows} for validation leave ${Math.max(0, rows - held)} to train on; at least 2 are needed.`,
      { fix: 'Add rows, or hold back a smaller share.', where: { rows, test: testRows, validation: validationRows } },
    );
  }
  const order = createRandom(seed).shuffle(Uint32Array.from({ length: rows }, (_, row) => row));
  return {
    test: order.slice(0, testRows).sort(),
    validation: order.slice(testRows, held).sort(),
    train: order.slice(held).sort(),
  };
}

function checkShare(name: string, value: number): void {
  if (value >= 0 && value < 1) return;
  throw new NestkanError('INVALID_ARGUMENT', `The ${name} share is ${value}; it must be at least 0 and below 1.`, {
    fix: 'Pass a share such as 0.2.',
    where: { [name]: value },
  });
}

function share(rows: number, fraction: number): number {
  return fraction === 0 ? 0 : Math.max(1, Math.round(rows * fraction));
}
