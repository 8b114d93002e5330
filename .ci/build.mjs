// Bundles: `node .ci/build.mjs` makes dist/ (library, command line, types); other scripts import bundle().
import { execFileSync } from 'node:child_process';
import { chmodSync, readFileSync, rmSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

/** Between these two characters a space keeps tokens apart: words, or operators as in `a - -b` and `vec2<f32> = b`. */
const needsSpace = (left, right) => [/[\w.]/, /[-+*/%&|^<>=!]/].some((kind) => kind.test(left) && kind.test(right));

/** WGSL as text without comments and needless space: they are for readers of shaders/, not for users' downloads. */
const wgsl = {
  name: 'wgsl',
  setup({ onLoad }) {
    onLoad({ filter: /\.wgsl$/ }, ({ path }) => ({
      contents: readFileSync(path, 'utf8')
        .replace(/\/\/.*$/gm, '')
        .trim()
        .replace(/\s+/g, ' ')
        .replace(/(.) (?=(.))/g, (pair, left, right) => (needsSpace(left, right) ? pair : left))
        .concat('\n'),
      loader: 'text',
    }));
  },
};

export function bundle({ external = [], ...options }) {
  return build({
    bundle: true,
    format: 'esm',
    target: 'es2022',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    plugins: [wgsl],
    define: { NESTKAN_VERSION: JSON.stringify(version) },
    external: ['ndarray', 'webgpu', 'node:*', ...external],
    logLevel: 'warning',
    ...options,
  });
}

/** Programs for Node (tests, benchmarks, the command line) with their libraries inside. */
export function bundleProgram(options) {
  return bundle({
    platform: 'node',
    mainFields: undefined,
    // CommonJS libraries inside an ESM bundle call require for Node's own modules.
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
    ...options,
  });
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  rmSync('dist', { recursive: true, force: true });
  await bundle({
    entryPoints: ['src/index.ts', 'src/data.ts', 'src/physics.ts', 'src/node.ts'],
    outdir: 'dist',
    splitting: true,
    chunkNames: 'shared-[hash]',
    minifySyntax: true,
  });
  await bundleProgram({ entryPoints: { cli: 'src/cli/main.ts' }, outdir: 'dist', minify: true });
  chmodSync('dist/cli.js', 0o755);
  execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', '.ci/tsconfig.types.json'], {
    stdio: 'inherit',
  });
}
