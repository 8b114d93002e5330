import { NestkanError } from '../errors.ts';

/** Learning rate as a function of the step. */
export type Schedule =
  | { readonly type: 'constant' }
  /** Half a cosine from 1 down to `end` (default 0.05) of the rate. */
  | { readonly type: 'cosine'; readonly end?: number }
  /** Linear from `start` of the rate to the whole rate over `steps`, constant after. */
  | { readonly type: 'ramp'; readonly start?: number; readonly steps: number }
  /** Triangular waves between `low` (default 0.1) of the rate and the rate, decaying by `decay` per step. */
  | { readonly type: 'cyclic'; readonly period: number; readonly low?: number; readonly decay?: number };

/** Steps over which every schedule but 'constant' and 'cyclic' first climbs from a tenth of the rate. */
const WARM_UP_STEPS = 10;

/**
 * Learning rates of steps 0 … steps − 1.
 *
 * @throws NestkanError INVALID_ARGUMENT
 */
export function learningRates(rate: number, schedule: Schedule, steps: number): Float64Array {
  checkSchedule(rate, schedule);
  const factor = factorOf(schedule, steps);
  return Float64Array.from({ length: steps }, (_, step) => rate * factor(step));
}

function factorOf(schedule: Schedule, steps: number): (step: number) => number {
  switch (schedule.type) {
    case 'constant':
      return () => 1;
    case 'cosine': {
      const end = schedule.end ?? 0.05;
      const cosine = (step: number) =>
        end + (1 - end) * 0.5 * (1 + Math.cos((Math.PI * step) / Math.max(1, steps - 1)));
      return (step) => Math.min(1, (step + 1) / WARM_UP_STEPS) * cosine(step);
    }
    case 'ramp': {
      const start = schedule.start ?? 0.01;
      return (step) => start + (1 - start) * Math.min(1, step / schedule.steps);
    }
    case 'cyclic': {
      const { period, low = 0.1, decay = 1 } = schedule;
      return (step) => {
        const phase = (step % period) / period;
        return decay ** step * (low + (1 - low) * (1 - Math.abs(2 * phase - 1)));
      };
    }
  }
}

function lengthOf(schedule: Schedule): number {
  if (schedule.type === 'ramp') return schedule.steps;
  return schedule.type === 'cyclic' ? schedule.period : 1;
}

function checkSchedule(rate: number, schedule: Schedule): void {
  const numbers = Object.values(schedule ?? {}).filter((value) => value !== undefined && typeof value !== 'string');
  const known = ['constant', 'cosine', 'ramp', 'cyclic'].includes(schedule?.type);
  const positive = known && [rate, lengthOf(schedule)].every((value) => Number.isFinite(value) && value > 0);
  if (known && positive && numbers.every((value) => Number.isFinite(value) && value >= 0)) return;
  throw new NestkanError('INVALID_ARGUMENT', `no schedule of rate ${rate} is ${JSON.stringify(schedule)}`, {
    fix: "Use a positive rate and a schedule such as { type: 'cosine' } or { type: 'ramp', steps: 10 }.",
  });
}
