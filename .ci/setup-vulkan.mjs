// Gives a machine without a GPU a Vulkan device that Dawn accepts: Mesa's lavapipe and the Vulkan loader, through apt.
// `npm run setup:vulkan`; the test runner and the quickstart call ensureAdapter() by themselves.
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const PACKAGES = ['mesa-vulkan-drivers', 'libvulkan1'];
/** Debian 12's own Mesa, 22.3, is refused by Dawn; 25.0 from its backports is accepted. */
const RELEASE_WITH_OLD_MESA = 'bookworm';

const BY_HAND = [
  'Install a Vulkan driver by hand, as root:',
  `  Debian 13 or newer, Ubuntu 24.04 or newer:  apt-get install ${PACKAGES.join(' ')}`,
  `  Debian 12, with bookworm-backports in its sources:  apt-get install -t bookworm-backports ${PACKAGES.join(' ')}`,
  '  Fedora:  dnf install mesa-vulkan-drivers vulkan-loader',
  '  Arch:  pacman -S vulkan-swrast vulkan-icd-loader',
];

const PROBE = `
  import { create } from 'webgpu';
  const adapter = await create([]).requestAdapter();
  console.log(JSON.stringify(adapter && { name: adapter.info.description || adapter.info.device || adapter.info.vendor }));
`;

/** The adapter that Dawn finds in a process of its own, so that a driver installed meanwhile is seen; null without one. */
export function findAdapter() {
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', PROBE], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    encoding: 'utf8',
    timeout: 60_000,
  });
  try {
    return JSON.parse(stdout);
  } catch (cause) {
    throw new Error(`Dawn does not load. Run npm ci first.\n${stderr}`, { cause });
  }
}

/** Installs a driver if no adapter is found; throws with instructions if none is found after that either. */
export function ensureAdapter() {
  const present = findAdapter();
  if (present) return present;
  say('no WebGPU adapter found');
  const obstacle = whatPreventsInstalling();
  if (obstacle) throw new Error([`${obstacle}, so nothing was installed.`, ...BY_HAND].join('\n'));
  try {
    install();
  } catch (cause) {
    throw new Error([`apt-get failed: ${cause.message}`, ...BY_HAND].join('\n'), { cause });
  }
  const installed = findAdapter();
  if (!installed) throw new Error(['Dawn accepts no adapter after the installation either.', ...BY_HAND].join('\n'));
  say(`ready: ${installed.name}`);
  return installed;
}

function whatPreventsInstalling() {
  if (process.platform !== 'linux') return `this is ${process.platform}, not Linux`;
  if (spawnSync('apt-get', ['--version']).status !== 0) return 'there is no apt-get';
  if (process.getuid() !== 0) return 'this is not root';
  return undefined;
}

function install() {
  const work = mkdtempSync(join(tmpdir(), 'nestkan-vulkan-'));
  try {
    const backports = releaseCodename() === RELEASE_WITH_OLD_MESA ? `${RELEASE_WITH_OLD_MESA}-backports` : undefined;
    const options = temporarySources(work, backports);
    say('reading package lists');
    apt([...options, 'update']);
    say(`installing ${PACKAGES.join(' and ')}${backports ? ` from ${backports}` : ''}`);
    const target = backports ? ['-t', backports] : [];
    apt([...options, 'install', '--yes', '--no-install-recommends', '--no-remove', ...target, ...PACKAGES]);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** apt options for package lists kept in `work`: the machine's sources, and the same mirror's backports where needed. */
function temporarySources(work, backports) {
  const parts = join(work, 'sources');
  const lists = join(work, 'lists');
  mkdirSync(parts);
  mkdirSync(join(lists, 'partial'), { recursive: true });
  const files = sourceFiles();
  files.forEach(({ name, text }, index) => {
    writeFileSync(join(parts, `${index}-${name}`), text);
    const extra = backports && rewriteSources(name, text, RELEASE_WITH_OLD_MESA, backports);
    if (extra) writeFileSync(join(parts, `backports-${index}-${name}`), extra);
  });
  if (backports && !readdirSync(parts).some((name) => name.startsWith('backports-'))) {
    throw new Error(`apt has no source for ${RELEASE_WITH_OLD_MESA} main to derive ${backports} from`);
  }
  chmodSync(work, 0o755);
  return ['Dir::Etc::SourceList=/dev/null', `Dir::Etc::SourceParts=${parts}`, `Dir::State::Lists=${lists}`].flatMap(
    (option) => ['-o', option],
  );
}

function sourceFiles() {
  const directory = '/etc/apt/sources.list.d';
  const names = existsSync(directory) ? readdirSync(directory).filter((name) => /\.(list|sources)$/.test(name)) : [];
  const paths = ['/etc/apt/sources.list', ...names.sort().map((name) => join(directory, name))];
  return paths
    .filter((path) => existsSync(path))
    .map((path) => ({
      name: path.split('/').pop().replace('sources.list', 'main.list'),
      text: readFileSync(path, 'utf8'),
    }));
}

/** The sources of `suite` in an apt file, asking for `replacement` instead; empty if there are none. */
export function rewriteSources(name, text, suite, replacement) {
  return name.endsWith('.sources') ? rewriteStanzas(text, suite, replacement) : rewriteLines(text, suite, replacement);
}

function rewriteStanzas(text, suite, replacement) {
  const field = (stanza, key) => (new RegExp(`^${key}:(.*)$`, 'im').exec(stanza)?.[1] ?? '').trim().split(/\s+/);
  return text
    .replace(/^#.*\n?/gm, '')
    .split(/\n\s*\n/)
    .filter((stanza) => field(stanza, 'Types').includes('deb') && field(stanza, 'Suites').includes(suite))
    .filter((stanza) => field(stanza, 'Components').includes('main') && field(stanza, 'Enabled')[0] !== 'no')
    .map((stanza) => stanza.trim().replace(/^Suites:.*$/im, `Suites: ${replacement}`))
    .map((stanza) => `${stanza}\n`)
    .join('\n');
}

function rewriteLines(text, suite, replacement) {
  const source = /^deb\s+(\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s+(.*)$/;
  return text
    .split('\n')
    .map((line) => source.exec(line.trim()))
    .filter((match) => match?.[3] === suite && /\bmain\b/.test(match[4]) && !match[2].startsWith('cdrom:'))
    .map(([, options = '', uri, , components]) => `deb ${options}${uri} ${replacement} ${components}\n`)
    .join('');
}

function releaseCodename() {
  const path = '/etc/os-release';
  if (!existsSync(path)) return undefined;
  return /^VERSION_CODENAME="?([^"\n]*)/m.exec(readFileSync(path, 'utf8'))?.[1];
}

/** apt writes to stderr only here: stdout may belong to the program that asked for an adapter. */
function apt(args) {
  execFileSync('apt-get', ['-qq', '-o', 'DPkg::Lock::Timeout=120', '-o', 'APT::Sandbox::User=root', ...args], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

function say(line) {
  process.stderr.write(`setup:vulkan: ${line}\n`);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    const { name } = ensureAdapter();
    say(`adapter: ${name}`);
  } catch (error) {
    say(error.message);
    process.exitCode = 1;
  }
}
