// `npm test`: bundles the given test files, or all of native-tests/, and runs them with mocha on a real WebGPU device
// and on the CPU. The last line of the output is `N passed, N failed`.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import Mocha from 'mocha';
import { bundleProgram } from '../.ci/build.mjs';
import { ensureAdapter } from '../.ci/setup-vulkan.mjs';

const TIMEOUT_MILLISECONDS = 60_000;

const root = fileURLToPath(new URL('..', import.meta.url));
const given = process.argv.slice(2).map((file) => relative(root, resolve(file)));
process.chdir(root);

const files = given.length > 0 ? given : allTests();
// A folder for each process, so that two runs at once do not pull files from under each other.
const outdir = join('build', 'tests', String(process.pid));
let counts = { passed: 0, failed: 0 };
try {
  console.log(`adapter: ${ensureAdapter().name}`);
  buildCommandLine();
  counts = await runMocha(await bundleTests());
} catch (error) {
  console.error(error);
  counts.failed++;
} finally {
  rmSync(outdir, { recursive: true, force: true });
}
console.log(`${counts.passed} passed, ${counts.failed} failed`);
process.exit(counts.failed > 0 || counts.passed === 0 ? 1 : 0);

function allTests() {
  return readdirSync('native-tests', { recursive: true })
    .filter((name) => name.endsWith('.test.ts'))
    .sort()
    .map((name) => join('native-tests', name));
}

/** Tests of the built package name files under dist/; the others do not wait for a build. */
function buildCommandLine() {
  const needed = files.some((file) => readFileSync(file, 'utf8').includes('dist/'));
  if (needed && existsSync('src/cli/main.ts')) execFileSync(process.execPath, ['.ci/build.mjs'], { stdio: 'inherit' });
}

async function bundleTests() {
  await bundleProgram({
    entryPoints: files,
    outdir,
    outbase: '.',
    // Shared modules stay shared, so that one device serves all files.
    splitting: true,
    sourcemap: true,
    external: ['chai', 'esbuild', 'fast-check'],
  });
  return files.map((file) => resolve(outdir, file.replace(/\.ts$/, '.js')));
}

async function runMocha(bundles) {
  process.setSourceMapsEnabled(true);
  const mocha = new Mocha({
    timeout: TIMEOUT_MILLISECONDS,
    // A test that does not run proves nothing.
    forbidPending: true,
    forbidOnly: given.length === 0,
  });
  for (const bundle of bundles) mocha.addFile(bundle);
  await mocha.loadFilesAsync();
  const { stats } = await new Promise((done) => {
    const runner = mocha.run(() => done(runner));
  });
  return { passed: stats.passes, failed: stats.failures };
}
