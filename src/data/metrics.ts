/** Errors of predictions, in the target's own units. */
export interface Metrics {
  readonly rows: number;
  /** Mean squared error over all rows and targets. */
  readonly mse: number;
  readonly rmse: number;
  /** Share of the variance explained, averaged over targets; 1 is perfect, 0 is no better than the mean. NaN for a constant target. */
  readonly r2: number;
}

/**
 * @param predicted row-major [rows, targets]
 * @param actual row-major [rows, targets]
 */
export function metricsOf(predicted: ArrayLike<number>, actual: ArrayLike<number>, targets: number): Metrics {
  const rows = actual.length / targets;
  let squares = 0;
  let explained = 0;
  for (let target = 0; target < targets; target++) {
    let mean = 0;
    for (let row = 0; row < rows; row++) mean += actual[row * targets + target] / rows;
    let residual = 0;
    let total = 0;
    for (let row = 0; row < rows; row++) {
      const value = actual[row * targets + target];
      residual += (predicted[row * targets + target] - value) ** 2;
      total += (value - mean) ** 2;
    }
    squares += residual;
    explained += (1 - residual / total) / targets;
  }
  const mse = squares / actual.length;
  return { rows, mse, rmse: Math.sqrt(mse), r2: Number.isFinite(explained) ? explained : Number.NaN };
}
