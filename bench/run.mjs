// `npm run bench -- [names…] [--quick] [--resume]`: bundles the named benchmarks, or all of them, and runs them one after
// another. Some keep every finished run below build/bench/runs/; with --resume they take these up instead of repeating them.
// `peers` takes --gpu, the sizes for a device that is lent for minutes, and --seconds=N, after which it begins no further size.
// Results go to docs/benchmarks/ and bench/results/; those of a quick run, which are rough, to build/bench/ instead.
// `roofline` takes --gpu, for a device that is lent for minutes, and --seconds=N, after which it begins nothing further.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleProgram } from '../.ci/build.mjs';
import { ensureAdapter } from '../.ci/setup-vulkan.mjs';

const BENCHMARKS = [
  'kernels',
  'roofline',
  'peers',
  'rounding',
  'paper-table2',
  'paper-figure3',
  'spectra',
  'problems',
  'optimizers',
  'beyond',
  'picture',
  'paper-poisson',
  'paper-burgers',
  'paper-allen-cahn',
];
const FLAGS = ['--quick', '--resume', '--gpu', '--seconds'];

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
const flags = process.argv.slice(2).filter((argument) => argument.startsWith('-'));
const given = process.argv.slice(2).filter((argument) => !argument.startsWith('-'));
const unknown = [
  ...given.filter((name) => !BENCHMARKS.includes(name)),
  ...flags.filter((flag) => !FLAGS.includes(flag.split('=')[0])),
];
if (unknown.length > 0) {
  console.error(`unknown: ${unknown.join(', ')}. Use any of ${BENCHMARKS.join(', ')}, and ${FLAGS.join(', ')}.`);
  process.exit(2);
}

const names = given.length > 0 ? given : BENCHMARKS;
console.log(`adapter: ${ensureAdapter().name}`);
const outdir = join('build', 'bench', 'programs');
await bundleProgram({ entryPoints: names.map((name) => join('bench', `${name}.ts`)), outdir, sourcemap: true });
// A process for each, so that what one has compiled and allocated is not what another one measures.
for (const name of names) {
  console.log(`\n${name}`);
  const program = join(outdir, `${name}.js`);
  const { status } = spawnSync(process.execPath, ['--enable-source-maps', program, ...flags], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
