// `npm run demo`: builds the library and serves the repository, so that docs/demo/ can be opened in a browser.
import { execFileSync } from 'node:child_process';
import { context } from 'esbuild';

process.chdir(new URL('..', import.meta.url).pathname);
execFileSync(process.execPath, ['.ci/build.mjs'], { stdio: 'inherit' });
const server = await context({});
const { port } = await server.serve({ host: '127.0.0.1', servedir: '.' });
console.log(`Open http://localhost:${port}/docs/demo/ (Ctrl-C ends)`);
