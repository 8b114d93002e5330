/** Programs in a Node process of their own, for what only shows at its end. */
import { spawnSync } from 'node:child_process';
import { pathToFileURL } from 'node:url';

/** Runs TypeScript that imports from ./src/, with --expose-gc; how it ended, and what it printed. */
export async function runProgram(contents: string) {
  // Found at run time: bundled into a test, the script would look for its files in the wrong place.
  const { bundle } = await import(pathToFileURL('.ci/build.mjs').href);
  const { outputFiles } = await bundle({
    stdin: { contents, resolveDir: process.cwd(), loader: 'ts' },
    platform: 'node',
    write: false,
  });
  const { status, signal, stdout } = spawnSync(
    process.execPath,
    // Read from standard input: a command line may not be that long.
    ['--expose-gc', '--input-type=module', '-'],
    { input: outputFiles[0].text, encoding: 'utf8', timeout: 30_000 },
  );
  return { status, signal, stdout: stdout.trim() };
}
