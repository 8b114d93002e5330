/** What a report on a solution draws: values on a grid, looked at whenever a level ends. */
import {
  evaluateSolution,
  exactValues,
  isNestkanError,
  type Matrix,
  type Network,
  type Pde,
  type PdeProblem,
} from '../node.ts';
import type { Picture, PictureGrid } from '../report/solution-charts.ts';
import type { LevelPictures, SolveReportData } from '../report/solve-report.ts';

/** Cells of a curve, and of a picture along each side; even, so that no centre lies on a line of symmetry. */
const CURVE_CELLS = 400;
const PICTURE_CELLS = 96;

type Solutions = NonNullable<SolveReportData['solutions']>;
type Term = PdeProblem['terms'][number];

/** Pictures of a run, taken while it goes on. */
export class SolvePictures {
  readonly grid: PictureGrid;
  readonly levels: LevelPictures[] = [];
  solutions: Solutions = [];
  readonly #points: Matrix;
  /** [points, unknowns] */
  readonly #exact: Float64Array;

  /** @throws what the exact solution throws */
  constructor(pde: Pde) {
    this.grid = pictureGrid(pde);
    this.#points = cellCentres(pde, this.grid);
    this.#exact = exactValues(pde, this.#points);
  }

  /** To be called at the end of every level. */
  async take(problem: PdeProblem, model: Network): Promise<void> {
    const { unknowns } = problem.pde;
    const { data } = await evaluateSolution(problem, model, this.#points);
    const column = (values: Float64Array, unknown: number) =>
      values.filter((_, index) => index % unknowns.length === unknown);
    const exact = unknowns.map((_, unknown) => column(this.#exact, unknown));
    const isKnown = (unknown: number) => !exact[unknown].some(Number.isNaN);
    this.solutions = unknowns.map((name, unknown) => ({
      name,
      values: column(data, unknown),
      exact: isKnown(unknown) ? exact[unknown] : undefined,
    }));
    this.levels.push({
      intervals: model.intervals[0],
      errors: this.solutions.flatMap(({ name, values, exact: known }) =>
        known ? [{ name, values: Float64Array.from(known, (value, row) => Math.abs(values[row] - value)) }] : [],
      ),
      residuals: await this.#residuals(problem, model),
    });
  }

  async #residuals(problem: PdeProblem, model: Network): Promise<Picture[]> {
    const pictures: Picture[] = [];
    for (const [index, term] of problem.terms.entries()) {
      if (term.isTabulated || !fillsVolume(problem, term, index, model)) continue;
      const residual = await problem.residualAt(model, term, this.#points).catch(knownNowhereElse);
      if (residual) pictures.push({ name: term.name, values: rootOfSquares(residual) });
    }
    return pictures;
  }
}

/** The first two coordinates, the others in the middle of their ranges. */
function pictureGrid({ box }: Pde): PictureGrid {
  const cells = box.length === 1 ? CURVE_CELLS : PICTURE_CELLS;
  const fixed = box.slice(2).map(([name, start, end]) => `${name} = ${(start + end) / 2}`);
  return {
    axes: box.slice(0, 2).map(([name, start, end]) => ({ name, domain: [start, end], cells })),
    slice: fixed.length > 0 ? fixed.join(', ') : undefined,
  };
}

function cellCentres({ box }: Pde, { axes }: PictureGrid): Matrix {
  const rows = axes.reduce((product, { cells }) => product * cells, 1);
  const data = new Float64Array(rows * box.length);
  for (let row = 0; row < rows; row++) {
    box.forEach(([, start, end], column) => {
      const { cells } = axes[column] ?? { cells: 1 };
      const cell = column === 0 ? row % cells : column === 1 ? Math.floor(row / axes[0].cells) : 0;
      data[row * box.length + column] = (start * (cells - cell - 0.5) + end * (cell + 0.5)) / cells;
    });
  }
  return { rows, columns: box.length, data };
}

/** Whether a term holds throughout the box rather than on faces, a line or the two sides of an interface. */
function fillsVolume(problem: PdeProblem, term: Term, index: number, model: Network): boolean {
  if (term.traces > 1) return false;
  const { box } = problem.pde;
  const [{ rows, columns, data }] = problem.points(term, index, model);
  const inner = Array.from({ length: rows }, (_, row) => data.subarray(row * columns, (row + 1) * columns)).filter(
    (point) => box.every(([, start, end], column) => point[column] > start && point[column] < end),
  );
  return box.every((_, column) => inner.some((point) => point[column] !== inner[0][column]));
}

/** A function may give numbers at the points of its term alone: then there is no picture of the residual. */
function knownNowhereElse(error: unknown): undefined {
  if (!isNestkanError(error) || error.code !== 'NON_FINITE_INPUT') throw error;
}

/** √Σ r² over the equations of a term, point by point. */
function rootOfSquares({ rows, columns, data }: Matrix): Float64Array {
  return Float64Array.from({ length: columns }, (_, point) => {
    let sum = 0;
    for (let equation = 0; equation < rows; equation++) sum += data[equation * columns + point] ** 2;
    return Math.sqrt(sum);
  });
}
