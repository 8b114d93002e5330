/** The documents, and the programs in their fenced `ts` blocks. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Program {
  /** For example `docs/guide.md:42`, where its first block begins. */
  readonly place: string;
  readonly source: string;
  /** Whether Node can run it; the others are for browsers, and only type-checked. */
  readonly runs: boolean;
}

/** README.md and what lies under docs/. */
export function documents(): { readonly path: string; readonly text: string }[] {
  const names = readdirSync('docs', { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.md'));
  return ['README.md', ...names.sort().map((name) => join('docs', name))].map((path) => ({
    path,
    text: readFileSync(path, 'utf8'),
  }));
}

/**
 * The programs of a document. What follows `ts` says how a block is to be read: `run` begins a program, `more` goes on
 * with the one before, `check` is a program that only a browser can run.
 */
export function programsOf({ path, text }: { readonly path: string; readonly text: string }): Program[] {
  const programs: Program[] = [];
  for (const match of text.matchAll(/^```ts\b ?(.*)\n([\s\S]*?)^```$/gm)) {
    const [, kind, source] = match;
    const place = `${path}:${text.slice(0, match.index).split('\n').length}`;
    const last = programs[programs.length - 1];
    if (kind === 'run' || kind === 'check') programs.push({ place, source, runs: kind === 'run' });
    else if (kind === 'more' && last) programs[programs.length - 1] = { ...last, source: `${last.source}\n${source}` };
    else throw new Error(`${place}: a ts block is marked run, more or check, not "${kind}"`);
  }
  return programs;
}
