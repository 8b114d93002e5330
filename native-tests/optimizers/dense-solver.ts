/** Solves a small system by Gauss's elimination with pivoting: slow, and independent of the library. */
export function solveDense(matrix: readonly (readonly number[])[], right: readonly number[]): number[] {
  const rows = matrix.map((row, i) => [...row, right[i]]);
  const size = rows.length;
  for (let column = 0; column < size; column++) {
    const pivot = rows
      .slice(column)
      .reduce((best, row, i, rest) => (Math.abs(row[column]) > Math.abs(rest[best][column]) ? i : best), 0);
    [rows[column], rows[column + pivot]] = [rows[column + pivot], rows[column]];
    for (const row of rows.slice(column + 1)) {
      const factor = row[column] / rows[column][column];
      for (let j = column; j <= size; j++) row[j] -= factor * rows[column][j];
    }
  }
  const x = new Array<number>(size).fill(0);
  for (let i = size - 1; i >= 0; i--) {
    const known = x.reduce((sum, value, j) => sum + value * rows[i][j], 0);
    x[i] = (rows[i][size] - known) / rows[i][i];
  }
  return x;
}
