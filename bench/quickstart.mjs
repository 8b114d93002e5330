// `npm run quickstart`: provides for a Vulkan driver where it can, bundles bench/quickstart.ts and runs it.
import { spawnSync } from 'node:child_process';
import { bundleProgram } from '../.ci/build.mjs';
import { ensureAdapter } from '../.ci/setup-vulkan.mjs';

try {
  ensureAdapter();
} catch (error) {
  console.error(`${error.message}\nGoing on without WebGPU.`);
}
const outfile = 'build/quickstart.mjs';
await bundleProgram({ entryPoints: ['bench/quickstart.ts'], outfile });
process.exitCode = spawnSync(process.execPath, [outfile, ...process.argv.slice(2)], { stdio: 'inherit' }).status ?? 1;
