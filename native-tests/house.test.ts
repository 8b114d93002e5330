import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import type { BuildResult } from 'esbuild';

/**
 * The floors of src/, from the ground up (docs/code.md, "Floors"). A file may import from its own room, from rooms
 * further down, and from its own floor as long as no circle arises.
 */
const FLOORS: readonly (readonly string[])[] = [
  ['errors.ts'],
  ['arrays.ts', 'random.ts'],
  ['splines'],
  ['kernels'],
  ['backend'],
  ['tape'],
  ['models', 'optimizers'],
  ['data', 'multilevel'],
  ['physics'],
  ['matrices.ts'],
  ['index.ts', 'data.ts', 'physics.ts'],
  ['node'],
  ['node.ts'],
  ['cli'],
];

/** Rooms that may import less than their floor would allow. */
const ONLY: Readonly<Record<string, readonly string[]>> = {
  // Plain numbers in, text out.
  report: ['report'],
  // The command line is a user of the public API.
  cli: ['cli', 'index.ts', 'data.ts', 'physics.ts', 'node.ts', 'report'],
  splines: ['splines', 'errors.ts'],
  kernels: ['kernels', 'splines', 'errors.ts'],
  // Worker threads take kernels by name or recipe, and serve the CPU backend.
  node: ['node', 'physics', 'backend', 'kernels', 'errors.ts'],
};

/** Libraries by the room that may import them; Node's own modules are for the rooms above index.ts. */
const LIBRARIES: Readonly<Record<string, readonly string[]>> = {
  'arrays.ts': ['ndarray'],
  node: ['node:'],
  'node.ts': ['webgpu'],
  cli: ['node:', 'commander', 'cli-progress', 'csv-parse/sync', 'csv-stringify/sync'],
  // Compresses images; reports are written by programs for Node only.
  report: ['node:', '@observablehq/plot', 'linkedom'],
};

interface Import {
  readonly from: string;
  readonly to: string;
}

function sources(): string[] {
  return readdirSync('src', { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts'))
    .map((name) => name.replaceAll('\\', '/'))
    .sort();
}

/** `import … from`, `export … from` and `import()`, types included: a type is knowledge too. */
function importsOf(file: string): string[] {
  const text = readFileSync(join('src', file), 'utf8').replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
  return [...text.matchAll(/\bfrom\s+'([^']+)'|\bimport\s+'([^']+)'|\bimport\(\s*'([^']+)'/g)].map(
    ([, from, bare, dynamic]) => from ?? bare ?? dynamic,
  );
}

const files = sources();
const all: Import[] = files.flatMap((from) => importsOf(from).map((to) => ({ from, to })));
const inside: Import[] = all
  .filter(({ to }) => to.startsWith('.') && to.endsWith('.ts'))
  .map(({ from, to }) => ({ from, to: relative('src', join('src', from, '..', to)).replaceAll('\\', '/') }));
const libraries = all.filter(({ to }) => !to.startsWith('.'));

function roomOf(file: string): string {
  return file.split('/')[0];
}

function floorOf(room: string): number {
  return FLOORS.findIndex((rooms) => rooms.includes(room));
}

/** A closed chain of imports, or undefined. */
function circle(edges: readonly Import[]): string[] | undefined {
  const targets = new Map<string, string[]>();
  for (const { from, to } of edges) targets.set(from, [...(targets.get(from) ?? []), to]);
  const finished = new Set<string>();
  function visit(node: string, path: readonly string[]): string[] | undefined {
    if (path.includes(node)) return [...path.slice(path.indexOf(node)), node];
    if (finished.has(node)) return undefined;
    for (const next of targets.get(node) ?? []) {
      const found = visit(next, [...path, node]);
      if (found) return found;
    }
    finished.add(node);
    return undefined;
  }
  for (const node of targets.keys()) {
    const found = visit(node, []);
    if (found) return found;
  }
  return undefined;
}

function listed({ from, to }: Import): string {
  return `${from} imports ${to}`;
}

/** An entry in one file, minified, made as .ci/build.mjs makes it. */
async function buildEntry(entry: string): Promise<BuildResult<{ metafile: true; write: false }>> {
  // Found at run time: bundled into a test, the script would look for its files in the wrong place.
  const { bundle } = await import(pathToFileURL('.ci/build.mjs').href);
  return bundle({ entryPoints: [entry], minify: true, write: false, metafile: true });
}

describe('the house: who may import whom', () => {
  it('finds the sources and what they import', () => {
    expect(files).to.include.members(['index.ts', 'node.ts', 'splines/window.ts', 'cli/main.ts']);
    expect(inside).to.deep.include({ from: 'node.ts', to: 'index.ts' });
    expect(inside.filter(({ to }) => !files.includes(to)).map(listed)).to.deep.equal([]);
  });

  it('every file stands on a floor, or beside them', () => {
    const strangers = files.map(roomOf).filter((room) => floorOf(room) < 0 && room !== 'report');
    expect(strangers).to.deep.equal([]);
  });

  it('imports go down, never up', () => {
    const upward = inside.filter(({ from, to }) => {
      const [room, target] = [roomOf(from), roomOf(to)];
      if (ONLY[room]) return !ONLY[room].includes(target);
      return target === 'report' || floorOf(target) > floorOf(room);
    });
    expect(upward.map(listed)).to.deep.equal([]);
  });

  it('no circle of files', () => {
    expect(circle(inside)).to.equal(undefined);
  });

  it('no circle of rooms', () => {
    const rooms = inside.map(({ from, to }) => ({ from: roomOf(from), to: roomOf(to) }));
    expect(circle(rooms.filter(({ from, to }) => from !== to))).to.equal(undefined);
  });

  it('notices a circle where there is one', () => {
    const chain = [
      { from: 'a', to: 'b' },
      { from: 'b', to: 'c' },
    ];
    expect(circle(chain)).to.equal(undefined);
    expect(circle([...chain, { from: 'c', to: 'b' }])).to.deep.equal(['b', 'c', 'b']);
  });

  it('libraries are imported where they belong, and nowhere else', () => {
    const stray = libraries.filter(
      ({ from, to }) => !(LIBRARIES[roomOf(from)] ?? []).some((allowed) => to === allowed || isNode(to, allowed)),
    );
    expect(stray.map(listed)).to.deep.equal([]);
  });

  it('only kernels know WGSL', () => {
    const shaders = all.filter(({ from, to }) => to.endsWith('.wgsl') && roomOf(from) !== 'kernels');
    expect(shaders.map(listed)).to.deep.equal([]);
  });

  it('the library keeps no global state: no Math.random, no globalThis', () => {
    const offenders = files.filter((file) =>
      /\bMath\.random\b|\bglobalThis\b/.test(readFileSync(join('src', file), 'utf8')),
    );
    expect(offenders).to.deep.equal([]);
  });
});

function isNode(name: string, allowed: string): boolean {
  return allowed === 'node:' && name.startsWith('node:');
}

for (const entry of ['src/index.ts', 'src/data.ts', 'src/physics.ts']) {
  describe(`${entry}, which browsers load`, () => {
    it('imports nothing but ndarray, from nowhere below it', async () => {
      const { metafile } = await buildEntry(entry);
      const [output] = Object.values(metafile.outputs);
      expect(output.imports.map(({ path }) => path)).to.deep.equal(['ndarray']);
      const all = Object.values(metafile.inputs).flatMap(({ imports }) => imports);
      expect([...new Set(all.filter(({ external }) => external).map(({ path }) => path))]).to.deep.equal(['ndarray']);
    });

    it('never mentions Node', async () => {
      const { outputFiles } = await buildEntry(entry);
      expect(outputFiles[0].text).not.to.match(/["'`]node:|\bprocess\.|\brequire\(|\bBuffer\b/);
    });
  });
}

/** What makes up the power-ReLU basis, which is there for comparisons; `nestkan/data` has it. */
const OTHER_BASIS = [
  'kernels/banded.ts',
  'kernels/power-relu-layer.ts',
  'models/multichannel-mlp.ts',
  'multilevel/coordinates.ts',
  'splines/change-of-basis.ts',
  'tape/ops/power-relu-layer.ts',
];

describe('the core, src/index.ts', () => {
  it('knows nothing of differential equations', async () => {
    const { metafile } = await buildEntry('src/index.ts');
    expect(Object.keys(metafile.inputs).filter((path) => path.includes('src/physics'))).to.deep.equal([]);
  });

  it('knows nothing of the power-ReLU basis', async () => {
    expect(files).to.include.members(OTHER_BASIS);
    const { metafile } = await buildEntry('src/index.ts');
    expect(Object.keys(metafile.inputs).filter((path) => OTHER_BASIS.some((file) => path.endsWith(`src/${file}`)))).to
      .be.empty;
  });

  it('is at most 40 KB, minified and compressed, but for what is fetched when it is needed', async () => {
    const { sizesOf } = await import(pathToFileURL('.ci/build.mjs').href);
    const { atOnce, later } = await sizesOf('src/index.ts');
    expect(atOnce).to.be.at.most(40 * 1024);
    expect(later).to.be.within(1024, 24 * 1024);
  });
});
