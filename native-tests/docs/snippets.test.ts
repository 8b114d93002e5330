import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { expect } from 'chai';
import { transformSync } from 'esbuild';
import { documents, programsOf } from './snippets.ts';

// The programs import nestkan by its name, as users do: Node and TypeScript then look into dist/.
const programs = documents().flatMap(programsOf);

const COMPILER_OPTIONS = {
  target: 'ES2022',
  module: 'NodeNext',
  lib: ['ES2022', 'DOM', 'DOM.Iterable'],
  types: ['node', '@webgpu/types'],
  strict: true,
  noEmit: true,
  skipLibCheck: true,
};

describe('programs in the documents', () => {
  let folder: string;

  function fileOf(place: string): string {
    return join(folder, `${place.replace(/[^A-Za-z0-9]+/g, '-')}.mts`);
  }

  /** What the TypeScript compiler says about files, relative to the folder; nothing if all is well. */
  function typeErrors(name: string, include: readonly string[], options: object): string {
    const settings = join(folder, `${name}.json`);
    writeFileSync(settings, JSON.stringify({ compilerOptions: { ...COMPILER_OPTIONS, ...options }, include }));
    return spawnSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', settings], { encoding: 'utf8' })
      .stdout;
  }

  before(() => {
    mkdirSync('build', { recursive: true });
    folder = mkdtempSync(join('build', 'snippets-'));
    for (const { place, source } of programs) writeFileSync(fileOf(place), `${source}\nexport {};\n`);
  });

  after(() => rmSync(folder, { recursive: true, force: true }));

  it('there are some', () => {
    expect(programs.length).to.be.greaterThan(5);
  });

  it('all of them satisfy the type checker', () => {
    expect(typeErrors('programs', ['*.mts'], {})).to.equal('');
  });

  it('and so does the demo', () => {
    const demo = relative(folder, join('docs', 'demo', 'demo.js')).replaceAll('\\', '/');
    expect(typeErrors('demo', [demo], { allowJs: true, checkJs: true, noImplicitAny: false })).to.equal('');
  });

  for (const { place, source } of programs.filter(({ runs }) => runs)) {
    it(`${place} runs`, () => {
      const program = fileOf(place).replace(/\.mts$/, '.mjs');
      writeFileSync(program, transformSync(source, { loader: 'ts', target: 'es2022' }).code);
      const { status, stderr } = spawnSync(process.execPath, [resolve(program)], { cwd: folder, encoding: 'utf8' });
      expect(status, stderr).to.equal(0);
    });
  }
});
