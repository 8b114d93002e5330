// Bundles: `node .ci/build.mjs` makes dist/ (library, command line, types); other scripts import bundle().
import { execFileSync } from 'node:child_process';
import { chmodSync, readFileSync, rmSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import loadWabt from 'wabt';

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

/** WebAssembly from its text, as bytes. */
const wat = {
  name: 'wat',
  setup({ onLoad }) {
    onLoad({ filter: /\.wat$/ }, async ({ path }) => {
      const module = (await loadWabt()).parseWat(path, readFileSync(path, 'utf8'), { simd: true });
      module.validate();
      const binary = Buffer.from(module.toBinary({}).buffer).toString('base64');
      return { contents: `export default Uint8Array.from(atob('${binary}'), (byte) => byte.charCodeAt(0));` };
    });
  },
};

/** Kernels without their WGSL, for workers of the CPU backend. */
const noWgsl = {
  name: 'no-wgsl',
  setup({ onLoad }) {
    onLoad({ filter: /\.wgsl$/ }, () => ({ contents: '', loader: 'text' }));
  },
};

/** `x.bundle` is the module x.ts as text, bundled into a program that a worker thread can be started with anywhere. */
const bundles = {
  name: 'bundles',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /\.bundle$/ }, ({ path, resolveDir }) => ({
      path: resolve(resolveDir, path.replace(/\.bundle$/, '.ts')),
      namespace: 'bundle',
    }));
    onLoad({ filter: /./, namespace: 'bundle' }, async ({ path }) => {
      const { outputFiles, metafile } = await build({
        entryPoints: [path],
        bundle: true,
        minify: true,
        format: 'cjs',
        target: 'es2022',
        platform: 'node',
        plugins: [noWgsl, wat],
        write: false,
        metafile: true,
        logLevel: 'warning',
      });
      const watchFiles = Object.keys(metafile.inputs).map((file) => resolve(file));
      return { contents: outputFiles[0].text, loader: 'text', watchFiles };
    });
  },
};

export function bundle({ external = [], ...options }) {
  return build({
    bundle: true,
    format: 'esm',
    target: 'es2022',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    plugins: [wgsl, wat, bundles],
    define: { NESTKAN_VERSION: JSON.stringify(version) },
    external: ['ndarray', 'webgpu', 'node:*', ...external],
    logLevel: 'warning',
    ...options,
  });
}

/** Compressed bytes of an entry: what it loads at once, and what it fetches when first asked for. */
export async function sizesOf(entry) {
  const options = { entryPoints: [entry], outdir: 'sizes', splitting: true, minify: true, logLevel: 'error' };
  const { outputFiles, metafile } = await bundle({ ...options, write: false, metafile: true });
  const atOnce = new Set();
  const visit = (path) => {
    if (atOnce.has(path)) return;
    atOnce.add(path);
    for (const { path: next, kind, external } of metafile.outputs[path].imports) {
      if (kind === 'import-statement' && !external) visit(next);
    }
  };
  visit(Object.keys(metafile.outputs).find((path) => metafile.outputs[path].entryPoint === entry));
  const size = (isWanted) => {
    const wanted = outputFiles.filter(({ path }) => isWanted(relative('.', path).replaceAll('\\', '/')));
    return gzipSync(Buffer.concat(wanted.map(({ contents }) => contents)), { level: 9 }).length;
  };
  return { atOnce: size((path) => atOnce.has(path)), later: size((path) => !atOnce.has(path)) };
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
