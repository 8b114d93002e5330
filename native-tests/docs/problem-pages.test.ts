import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import { transformSync } from 'esbuild';
import type { Pde, SolveOptions } from '../../src/node.ts';
import { readMarkup } from '../report/markup.ts';
import { programsOf } from './snippets.ts';

const FOLDER = 'docs/problems';
const LARGEST_PICTURE = 250_000;
/** Evaluations on every level: enough for every setting of the optimizer to leave its mark. */
const EVALUATIONS = 4;

type Library = typeof import('../../src/node.ts');
type Stated = { readonly pde: Pde; readonly network: SolveOptions };

const pages = readdirSync(FOLDER).filter((name) => name.endsWith('.md'));

describe('docs/problems', () => {
  let library: Library;
  let folder: string;

  before(async () => {
    // The pages' programs import nestkan by its name, which leads to dist/.
    library = await import(pathToFileURL(resolve('dist/node.js')).href);
    mkdirSync('build', { recursive: true });
    folder = mkdtempSync(join('build', 'pages-'));
  });

  after(() => rmSync(folder, { recursive: true, force: true }));

  /** Every level's loss, mean squared residuals and errors after a few evaluations. */
  async function outcome({ pde, network }: Stated): Promise<object[]> {
    const { stepsPerLevel, levels = library.solveDefaults.levels } = network;
    const { history } = await library.solve(new library.CpuBackend(), pde, {
      ...network,
      stepsPerLevel: new Array<number>(stepsPerLevel?.length ?? levels).fill(EVALUATIONS),
      seed: 1,
    });
    return history.levels.map(({ parameters, trainLoss, watched }) => ({ parameters, trainLoss, watched }));
  }

  it('has a page for every built-in problem, and no other', () => {
    expect(pages.map((name) => basename(name, '.md')).sort()).to.deep.equal(
      Object.keys(library.builtInProblems).sort(),
    );
  });

  for (const page of pages) {
    const name = basename(page, '.md');
    const path = join(FOLDER, page);
    const text = readFileSync(path, 'utf8');

    it(`${page} shows a picture, the command, and figures`, () => {
      expect(text).to.contain(`](${name}.svg)`).and.to.contain(`nestkan solve ${name}`);
      const picture = join(FOLDER, `${name}.svg`);
      expect(existsSync(picture), picture).to.equal(true);
      expect(statSync(picture).size).to.be.within(1, LARGEST_PICTURE);
      const charts = readMarkup(readFileSync(picture, 'utf8')).filter((element) => element.name === 'svg');
      expect(charts.length).to.be.greaterThan(3);
      const [, figures] = /<!-- figures: [\s\S]*?-->([\s\S]*?)<!-- end of figures -->/.exec(text)!;
      const { stepsPerLevel, levels = library.solveDefaults.levels } = library.builtInProblems[name].network;
      const rows = figures.match(/^\| +\d.*\|$/gm) ?? [];
      expect(rows.length).to.equal(stepsPerLevel?.length ?? levels);
    });

    it(`${page} states the very problem that nestkan solve ${name} solves, with its settings`, async () => {
      const [program, ...others] = programsOf({ path, text });
      expect(others).to.deep.equal([]);
      const file = join(folder, `${name}.mjs`);
      writeFileSync(file, transformSync(program.source, { loader: 'ts', target: 'es2022' }).code);
      const { default: pde, network } = await import(pathToFileURL(resolve(file)).href);
      const builtIn = library.builtInProblems[name];
      const stated = await outcome({ pde, network });
      expect(stated.length).to.be.greaterThan(1);
      expect(stated).to.deep.equal(await outcome({ pde: builtIn.pde(), network: builtIn.network }));
    });
  }
});
