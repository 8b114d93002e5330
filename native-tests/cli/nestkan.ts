import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRandom } from '../../src/random.ts';

export interface Outcome {
  /** Null where a signal ended the process. */
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs the built command as a user would. */
export function nestkan(...args: string[]): Promise<Outcome> {
  return watched(args, () => {});
}

/** The same, with `onStderr` called on all of standard error so far whenever there is more of it. */
export function watched(
  args: readonly string[],
  onStderr: (text: string, child: ChildProcess) => void,
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['dist/cli.js', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    const outcome: Outcome = { code: null, stdout: '', stderr: '' };
    child.stdout.on('data', (chunk) => {
      outcome.stdout += chunk;
    });
    child.stderr.on('data', (chunk) => {
      outcome.stderr += chunk;
      onStderr(outcome.stderr, child);
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ ...outcome, code }));
  });
}

/** An empty folder for each test, removed after it. Registers hooks: call it inside describe. */
export function scratchFolder(): { path(name: string): string; write(name: string, contents: string): string } {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'nestkan-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  const path = (name: string) => join(folder, name);
  const write = (name: string, contents: string) => {
    writeFileSync(path(name), contents);
    return path(name);
  };
  return { path, write };
}

/** A table of `rows` uniform random inputs, and columns computed from them. */
export function tableOf(
  inputs: Readonly<Record<string, readonly [low: number, high: number]>>,
  targets: Readonly<Record<string, (row: Record<string, number>) => number | string>>,
  rows: number,
): string {
  const random = createRandom(11);
  const lines = Array.from({ length: rows }, () => {
    const row = Object.fromEntries(
      Object.entries(inputs).map(([name, [low, high]]) => [name, low + (high - low) * random.uniform()]),
    );
    return [...Object.values(row), ...Object.values(targets).map((target) => target(row))].join(',');
  });
  return `${[...Object.keys(inputs), ...Object.keys(targets)].join(',')}\n${lines.join('\n')}\n`;
}

/** The cells of a CSV text without quotes. */
export function cellsOf(csv: string): string[][] {
  return csv
    .trimEnd()
    .split('\n')
    .map((line) => line.split(','));
}
