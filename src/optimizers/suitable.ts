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
