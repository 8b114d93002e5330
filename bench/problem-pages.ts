/** What `npm run bench -- problems` writes into docs/problems/: a picture for every page, and the figures in it. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SolvePictures } from '../src/cli/solve-pictures.ts';
import type { Solution } from '../src/node.ts';
import { chartRow } from '../src/report/charts.ts';
import { sizeCharts, solutionChart } from '../src/report/solution-charts.ts';
import { quick } from './shared.ts';

const PAGES = 'docs/problems';
const FOLDER = quick ? 'build/bench/docs/problems' : PAGES;
/** Pixels of each of three charts in a row. */
const WIDTH = 380;

/** Between these lines a page belongs to the benchmark. */
const BEGIN = '<!-- figures: npm run bench -- problems -->';
const END = '<!-- end of figures -->';

/** The solution, its error and the equation's residual, side by side. */
export async function writePicture(name: string, title: string, { problem, model }: Solution): Promise<void> {
  const pictures = new SolvePictures(problem.pde);
  await pictures.take(problem, model);
  const { grid, solutions, levels } = pictures;
  const [{ intervals, errors, residuals }] = levels;
  const level = `n = ${intervals}`;
  const sizes = [
    ...errors.map((error) => ({ ...error, label: `|${error.name} − exact|` })),
    ...residuals.map((residual) => ({ ...residual, label: `|residual of ${residual.name}|` })),
  ];
  const charts = [
    ...solutions.map((solution) => solutionChart(grid, solution, { width: WIDTH })),
    ...sizes.flatMap(({ label, values }) => sizeCharts(grid, label, [{ name: level, values }], { width: WIDTH })),
  ];
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(join(FOLDER, `${name}.svg`), `${chartRow(title, charts)}\n`);
}

/** Puts Markdown where the page of a problem has its figures; a quick run writes a copy of the page. */
export function writeFigures(name: string, markdown: string): void {
  const page = readFileSync(join(PAGES, `${name}.md`), 'utf8');
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`docs/problems/${name}.md lacks the lines ${BEGIN} and ${END}`);
  const text = `${page.slice(0, begin)}${BEGIN}\n\n${markdown}\n\n${page.slice(end)}`;
  writeFileSync(join(FOLDER, `${name}.md`), text);
}
