// The package as a user gets it: packed, installed without any development tool into an empty folder, imported and run;
// and the size of its core.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { sizesOf } from './build.mjs';

/** Entry `.`, minified and compressed, ndarray and what is fetched later left out. */
const CORE_BYTES = 40 * 1024;

const npm = (args, cwd) => execFileSync('npm', args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });

const { atOnce, later } = await sizesOf('dist/index.js');
const inKilobytes = (bytes) => (bytes / 1024).toFixed(1);
console.log(
  `core: ${inKilobytes(atOnce)} KB gzip, at most ${CORE_BYTES / 1024}; fetched when needed: ${inKilobytes(later)} KB`,
);
if (atOnce > CORE_BYTES) throw new Error('the core has grown too large');

const folder = mkdtempSync(join(tmpdir(), 'nestkan-package-'));
try {
  const tarball = resolve(JSON.parse(npm(['pack', '--json', '--ignore-scripts'], '.'))[0].filename);
  try {
    writeFileSync(join(folder, 'package.json'), '{"private":true,"type":"module"}');
    npm(['install', '--omit=peer', '--omit=optional', tarball], folder);
  } finally {
    rmSync(tarball);
  }
  const installed = readdirSync(join(folder, 'node_modules')).filter((name) => !name.startsWith('.'));
  console.log(`installed: ${installed.join(', ')}`);
  const program = `
    import { CpuBackend, Kan, regression, trainMultilevel } from 'nestkan';
    import { openBackend } from 'nestkan/node';
    const inputs = Array.from({ length: 50 }, (_, i) => [i / 25 - 1]);
    const problem = regression({ inputs, targets: inputs.map(([x]) => [x * x]) });
    const backend = await openBackend();
    const { history } = await trainMultilevel(Kan.create(backend, { widths: [1, 1] }), problem, { levels: 2, steps: 50 });
    const loss = history.levels[1].trainLoss;
    if (!(loss < 1e-6)) throw new Error('x² was fitted with an error of ' + loss);
    new CpuBackend().destroy();`;
  execFileSync(process.execPath, ['--input-type=module', '--eval', program], { cwd: folder, stdio: 'inherit' });
  const problem = `
    import { definePde, faces, interior } from 'nestkan/physics';
    export const network = { hidden: [], degree: 2, levels: 1, steps: 60 };
    export default definePde({
      inputs: { x: [0, 1] },
      terms: {
        equation: { on: interior(10), residual: ({ u }) => u.xx.sub(2) },
        ends: { on: faces(2), residual: ({ u, x }) => u.sub(x) },
      },
      exact: (x) => x * x,
    });`;
  writeFileSync(join(folder, 'problem.mjs'), problem);
  const solved = execFileSync('npx', ['nestkan', 'solve', 'problem.mjs', '--device', 'cpu', '--json', '--quiet'], {
    cwd: folder,
    encoding: 'utf8',
  });
  const { relativeL2 } = JSON.parse(solved);
  if (!(relativeL2 < 1e-5)) throw new Error(`u″ = 2 was solved with an error of ${relativeL2}`);
  const version = execFileSync('npx', ['nestkan', '--version'], { cwd: folder, encoding: 'utf8' }).trim();
  const expected = JSON.parse(readFileSync('package.json', 'utf8')).version;
  if (version !== expected) throw new Error(`the command says version ${version}, expected ${expected}`);
  console.log('the packed package installs, imports, trains, solves and runs');
} finally {
  rmSync(folder, { recursive: true, force: true });
}
