import { NestkanError } from '../errors.ts';
import type { Objective } from './objective.ts';

/** @throws NestkanError OPTIMIZER_UNSUITABLE unless the full batch gives both loss and its own gradient */
export function checkSuitable(optimizer: string, { miniBatches, consistentGradient }: Objective): void {
  if (miniBatches) throw unsuitable(optimizer, 'mini-batches', 'Use the full batch, or adam.');
  if (consistentGradient === false) {
    throw unsuitable(
      optimizer,
      'a gradient in another basis than the variables',
      'Use the same basis for both, or adam.',
    );
  }
}

export function unsuitable(optimizer: string, what: string, fix: string): NestkanError {
  return new NestkanError('OPTIMIZER_UNSUITABLE', `${optimizer} does not work with ${what}`, { fix });
}

/** What an option is called, its value, the least that it may be, what it is below, and whether it is a whole number. */
type CheckedOption = readonly [name: string, value: number, least: number, limit: number, whole?: boolean];

/** @throws NestkanError INVALID_ARGUMENT */
export function checkOptions(optimizer: string, options: readonly CheckedOption[]): void {
  for (const [name, value, least, limit, whole] of options) {
    if (value >= least && value < limit && (!whole || Number.isInteger(value))) continue;
    throw new NestkanError('INVALID_ARGUMENT', `the ${name} of ${optimizer} is ${value}`, {
      fix: `Use a ${whole ? 'whole ' : ''}number from ${least} to below ${limit}.`,
    });
  }
}
