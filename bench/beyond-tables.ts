/** What bench/beyond.ts makes of its runs: rows of tables, and what they say. */
import { formatRatio, formatSeconds } from '../src/report/format.ts';
import type { Variant } from './beyond-experiments.ts';
import { scientific } from './physics-case.ts';
import { median } from './shared.ts';

export interface Outcome {
  /** Root mean square on test points over that of the function. NaN where training broke down. */
  readonly error: number;
  readonly loss: number;
  /** Made, whatever they were charged. */
  readonly evaluations: number;
  readonly work: number;
  readonly parameters: number;
  /** Of processor time. */
  readonly seconds: number;
}

export interface Measured {
  readonly variant: Variant;
  readonly outcomes: readonly Outcome[];
  /** Over those of the baseline, seed by seed. */
  readonly ratios?: Readonly<Record<'error' | 'loss', readonly number[]>>;
}

export function worst(value: number): number {
  return Number.isNaN(value) ? Number.POSITIVE_INFINITY : value;
}

function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}

export const COLUMNS = [
  'optimizer',
  'error, median',
  'range',
  'of one pass',
  'training loss',
  'of one pass',
  'evaluations',
  'work',
  'seconds',
];

export function rowOf({ variant, outcomes, ratios }: Measured) {
  const errors = outcomes.map(({ error }) => worst(error));
  const middle = (figure: keyof Outcome) => median(outcomes.map((outcome) => worst(outcome[figure])));
  return [
    variant.name,
    scientific(median(errors)),
    `${scientific(Math.min(...errors))} – ${scientific(Math.max(...errors))}`,
    ratios ? formatRatio(geometricMean(ratios.error)) : '1×',
    scientific(middle('loss')),
    ratios ? formatRatio(geometricMean(ratios.loss)) : '1×',
    Math.round(middle('evaluations')),
    Math.round(middle('work')),
    formatSeconds(middle('seconds')),
  ];
}

/** How a variant did on all problems of an experiment. */
export interface Verdict {
  readonly variant: Variant;
  /** Geometric means of the ratios, problem by problem. */
  readonly means: readonly number[];
  /** That a fair coin would give at least as many runs with a lower error. */
  readonly chance: number;
  readonly text: string;
}

export function verdictOf(variant: Variant, measurements: readonly Measured[]): Verdict {
  const ratios = measurements.map((row) => row.ratios!.error);
  const means = ratios.map(geometricMean);
  const all = ratios.flat();
  const lower = all.filter((ratio) => ratio < 1).length;
  const figures = `${means.map(formatRatio).join(', ')}; lower in ${lower} of ${all.length} runs`;
  return { variant, means, chance: tail(all.length, lower), text: `${variant.name} (${figures})` };
}

export function conclusionOf(verdicts: readonly Verdict[]): string {
  const groups: readonly (readonly [string, (verdict: Verdict) => boolean])[] = [
    ['Lower error than one pass on every problem', ({ means }) => means.every((mean) => mean < 1)],
    [
      'Lower on some, higher on others',
      ({ means }) => means.some((mean) => mean < 1) && means.some((mean) => mean >= 1),
    ],
    ['Lower on none', ({ means }) => means.every((mean) => mean >= 1)],
  ];
  return groups
    .map(([title, belongs]) => {
      const names = verdicts.filter(belongs).map(({ text }) => `\n- ${text}`);
      return names.length > 0 ? `${title}:\n${names.join('')}` : `${title}: none.`;
    })
    .join('\n\n');
}

/** That at least `least` of `count` throws of a coin are heads. */
function tail(count: number, least: number): number {
  let weight = 2 ** -count;
  let sum = 0;
  for (let heads = 0; heads <= count; heads++) {
    if (heads >= least) sum += weight;
    weight *= (count - heads) / (heads + 1);
  }
  return sum;
}

const UNLIKELY = 0.05;

/** The answer, over all experiments: what lowers the error on every problem at equal work. */
export function answerOf(verdicts: readonly Verdict[]): string {
  const equal = verdicts.filter(({ variant }) => !variant.unequal);
  const better = equal.filter(({ means }) => means.every((mean) => mean < 1));
  const listed = (found: readonly Verdict[]) =>
    found.length === 0
      ? ' none.'
      : `\n${found.map(({ text, variant }) => `\n- ${text}, against ${variant.baseline}`).join('')}`;
  const clear = better.filter(({ chance }) => chance < UNLIKELY);
  const unclear = better.filter(({ chance }) => chance >= UNLIKELY);
  return [
    `Of ${equal.length} variants at equal work, a lower error than the one-pass cascade's on every problem, and in more
runs than chance would give (less than 1 in ${1 / UNLIKELY} by a sign test over the runs, which so many variants
would pass ${(equal.length * UNLIKELY).toFixed(1)} times by luck alone), have:${listed(clear)}`,
    `On every problem, but not in enough runs to tell that from chance:${listed(unclear)}`,
  ].join('\n\n');
}
