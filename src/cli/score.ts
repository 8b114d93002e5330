/** Errors of predictions as commands report them. */
import { type Metrics, metricsOf } from '../node.ts';
import { formatCount, formatNumber } from '../report/format.ts';

type Errors = Omit<Metrics, 'rows'>;

/** Over all targets in their own units; with several targets also for each of them. */
export interface Score extends Metrics {
  targets?: Record<string, Errors>;
}

/** @param predicted, actual row-major [rows, targets] */
export function scoreOf(predicted: Float64Array, actual: Float64Array, targets: readonly string[]): Score {
  const score = metricsOf(predicted, actual, targets.length);
  if (targets.length === 1) return score;
  const each = targets.map((name, index) => {
    const column = (matrix: Float64Array) => matrix.filter((_, position) => position % targets.length === index);
    const { mse, rmse, r2 } = metricsOf(column(predicted), column(actual), 1);
    return [name, { mse, rmse, r2 }] as const;
  });
  return { ...score, targets: Object.fromEntries(each) };
}

/** `RMSE 3.77, R² 0.9513`, target by target where there are several. */
export function scoreInWords(score: Score): string {
  const inWords = ({ rmse, r2 }: Errors) => `RMSE ${formatNumber(rmse)}, R² ${formatNumber(r2, 4)}`;
  const errors = score.targets
    ? Object.entries(score.targets).map(([name, target]) => `${name}: ${inWords(target)}`)
    : [inWords(score)];
  return `${errors.join('; ')} (${formatCount(score.rows)} ${score.rows === 1 ? 'row' : 'rows'})`;
}
