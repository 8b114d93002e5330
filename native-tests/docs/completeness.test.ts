import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { exitCodeOf, type Failure } from '../../src/cli/failure.ts';
import * as entry from '../../src/node.ts';
import { documents } from './snippets.ts';

const read = (path: string) => readFileSync(path, 'utf8');

/** Error codes in src/errors.ts. */
function errorCodes(): string[] {
  const [, union] = /export type ErrorCode =([\s\S]*?);/.exec(read('src/errors.ts'))!;
  return [...union.matchAll(/'([A-Z_]+)'/g)].map(([, code]) => code);
}

/** Names in the export lists of an entry, types included. */
function exportedNames(path: string): string[] {
  const text = read(path).replace(/\/\*[\s\S]*?\*\//g, '');
  const lists = [...text.matchAll(/export (?:type )?\{([^}]*)\}/g)].flatMap(([, list]) => list.split(','));
  return lists.map((name) => name.replace(/\btype\b/, '').trim()).filter((name) => name !== '');
}

/** Text in backquotes, which is where a reference names things. */
function inCode(markdown: string): string {
  return [...withoutFences(markdown).matchAll(/`([^`]+)`/g)].map(([, code]) => code).join('\n');
}

function withoutFences(markdown: string): string {
  return markdown.replace(/^```[\s\S]*?^```$/gm, '');
}

/** Anchors as GitHub makes them from headings. */
function anchors(markdown: string): string[] {
  return [...withoutFences(markdown).matchAll(/^#+ (.*)$/gm)].map(([, title]) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

describe('docs/guide.md', () => {
  const rows = [...read('docs/guide.md').matchAll(/^\| `([A-Z_]+)` \| (\d+) \|/gm)];

  it('has every error code, and no other', () => {
    expect(rows.map(([, code]) => code).sort()).to.deep.equal(errorCodes().sort());
  });

  it('has the exit code of each', () => {
    for (const [, code, exit] of rows) {
      expect(exitCodeOf({ code, message: '', fix: '' } as Failure), code).to.equal(Number(exit));
    }
  });

  it('has every option of the command line, and no other', () => {
    const sources = readdirSync('src/cli').map((file) => read(join('src/cli', file)));
    const defined = sources.flatMap((text) => [...text.matchAll(/'(--[a-z-]+)(?: [<[][^'\]>]*[>\]])?',\s/g)]);
    const known = new Set(['--help', '--version', ...defined.map(([, option]) => option)]);
    const [, section] = /^## The command line$([\s\S]*?)^## /m.exec(read('docs/guide.md'))!;
    const named = new Set([...section.matchAll(/--[a-z][a-z-]*/g)].map(([option]) => option));
    expect([...named].sort()).to.deep.equal([...known].sort());
  });
});

describe('docs/api.md', () => {
  const code = inCode(read('docs/api.md'));
  const isNamed = (name: string) => new RegExp(`\\b${name}\\b`).test(code);

  it('names every value that an entry exports', () => {
    expect(Object.keys(entry).filter((name) => !isNamed(name))).to.deep.equal([]);
  });

  it('names every type that an entry exports', () => {
    const names = ['src/index.ts', 'src/data.ts', 'src/physics.ts', 'src/node.ts'].flatMap(exportedNames);
    expect(names.length).to.be.greaterThan(100);
    expect(names.filter((name) => !isNamed(name))).to.deep.equal([]);
  });
});

describe('the documents', () => {
  it('have the sections that the source code refers to', () => {
    const titles = [...read('docs/mathematics.md').matchAll(/^## (.*)$/gm)].map(([, title]) => title);
    const folders = ['src', 'shaders', 'bench'];
    const files = folders.flatMap((folder) =>
      readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)),
    );
    const comments = files
      .filter((file) => /\.(ts|wgsl)$/.test(file))
      .map((file) =>
        read(file)
          .replace(/\n\s*(\*|\/\/)/g, ' ')
          .replace(/\s+/g, ' '),
      );
    const cited = comments.flatMap((text) =>
      [...text.matchAll(/docs\/mathematics\.md, ((?:(?:, | and )?"[^"]+")+)/g)].flatMap(([, list]) =>
        [...list.matchAll(/"([^"]+)"/g)].map(([, title]) => title),
      ),
    );
    expect(cited.length).to.be.greaterThan(20);
    expect(cited.filter((title) => !titles.includes(title))).to.deep.equal([]);
  });

  for (const { path, text } of documents()) {
    it(`${path} links to what exists`, () => {
      const links = [...withoutFences(text).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link);
      const broken = links.filter((link) => {
        if (/^https?:/.test(link)) return false;
        const [file, anchor] = link.split('#');
        const target = file === '' ? path : join(dirname(path), file);
        if (!existsSync(target)) return true;
        return anchor !== undefined && !anchors(read(target)).includes(anchor);
      });
      expect(broken).to.deep.equal([]);
    });
  }
});
