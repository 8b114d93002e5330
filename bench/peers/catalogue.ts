/** Which peers there are on this machine, and what is missing of the others. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { PeerSpec } from './process.ts';

const HERE = join('bench', 'peers');
const FLOAT32 = 1e-3;
const FLOAT64 = 1e-10;
const DEBIAN_PACKAGES = ['python3-torch', 'libopenblas0-pthread'];
const PYTHONS = [process.env['PEERS_PYTHON'], 'python3', '/usr/bin/python3'].filter((name) => name !== undefined);

const SCRIPTS = [
  { name: 'jax-js', label: 'jax-js, Wasm', module: '@jax-js/jax', options: ['wasm'], gpu: false },
  { name: 'jax-js', label: 'jax-js, WebGPU', module: '@jax-js/jax', options: ['webgpu'], gpu: true },
  { name: 'tfjs', label: 'TensorFlow.js, Wasm', module: '@tensorflow/tfjs', options: [], gpu: false },
];

/** The peer all others are checked against. */
export const REFERENCE = 'cpu';
export const OURS = ['cpu', 'webgpu'];

export interface Catalogue {
  readonly peers: readonly PeerSpec[];
  /** Why peers are not among them, one sentence each. */
  readonly absent: readonly string[];
  readonly cuda: boolean;
}

/**
 * Installs what the machine allows, and lists the rest as absent.
 *
 * @param onDevice only those that compute on a GPU, and the reference; nothing is installed
 */
export function findPeers(onDevice: boolean): Catalogue {
  const absent: string[] = [];
  let pythons = findPythons();
  if (!onDevice && !pythons.some(({ torch }) => torch)) {
    installTorch();
    pythons = findPythons();
  }
  const torch = pythons.find((python) => python.torch);
  const jax = pythons.find((python) => python.jax);
  const cuda = torch?.cuda === true;
  const peers: PeerSpec[] = [self('cpu', 'nestkan, CPU', FLOAT64), self('webgpu', 'nestkan, WebGPU', FLOAT32)];
  if (!onDevice) peers.push(self('plain', 'plain loops', FLOAT64));
  if (torch === undefined) {
    absent.push(`PyTorch: no Python here imports torch. Install it: apt-get install ${DEBIAN_PACKAGES.join(' ')}.`);
  } else {
    const modes = cuda ? ['eager', 'graph', 'compile'] : ['eager', 'compile'];
    const { command, compiles } = torch;
    if (!compiles) absent.push('torch.compile: needs PyTorch 2.');
    for (const mode of modes.filter((name) => name !== 'compile' || compiles)) {
      for (const formulation of ['dense', 'closed']) peers.push(torchPeer(command, formulation, mode));
    }
  }
  if (jax === undefined) absent.push('JAX: no Python here imports jax. Install it: pip install jax.');
  else for (const formulation of ['dense', 'closed']) peers.push(jaxPeer(jax.command, formulation));
  const failure = onDevice ? undefined : installModules();
  if (failure) absent.push(failure);
  for (const { name, label, module, options, gpu } of SCRIPTS) {
    if (onDevice && !gpu) continue;
    if (existsSync(join(HERE, 'node_modules', module))) peers.push(script(name, label, ...options));
    else
      absent.push(`${label}: ${module} is not in bench/peers/node_modules. Install it: npm ci --prefix bench/peers.`);
  }
  return { peers, absent, cuda };
}

function self(id: string, label: string, tolerance: number): PeerSpec {
  return { id, label, tolerance, command: [process.execPath, process.argv[1], `--peer=${id}`], patience: 120 };
}

const FORMULATIONS: Readonly<Record<string, string>> = { dense: 'efficient-kan', closed: 'closed form' };
const MODES: Readonly<Record<string, string>> = { eager: '', graph: ', CUDA graph', compile: ', compiled' };

function torchPeer(python: string, formulation: string, mode: string): PeerSpec {
  return {
    id: `torch-${formulation}-${mode}`,
    label: `PyTorch, ${FORMULATIONS[formulation]}${MODES[mode]}`,
    command: [python, join(HERE, 'torch_peer.py'), formulation, mode],
    tolerance: FLOAT32,
    patience: mode === 'compile' ? 100 : 150,
  };
}

function jaxPeer(python: string, formulation: string): PeerSpec {
  return {
    id: `jax-${formulation}`,
    label: `JAX, ${FORMULATIONS[formulation]}`,
    command: [python, join(HERE, 'jax_peer.py'), formulation],
    tolerance: FLOAT32,
    patience: 90,
  };
}

function script(name: string, label: string, ...options: string[]): PeerSpec {
  const id = [name, ...options].join('-');
  return {
    id,
    label,
    command: [process.execPath, join(HERE, `${name}.mjs`), ...options],
    tolerance: FLOAT32,
    patience: 90,
  };
}

interface Python {
  readonly command: string;
  readonly torch: boolean;
  readonly cuda: boolean;
  readonly compiles: boolean;
  readonly jax: boolean;
}

/** Imports PyTorch once, which takes seconds, and looks for JAX without importing it. */
const PROBE = `
import importlib.util, json
torch = jax = cuda = compiles = False
jax = importlib.util.find_spec("jax") is not None
try:
    import torch as module
    torch, cuda, compiles = True, module.cuda.is_available(), hasattr(module, "compile")
except ImportError:
    pass
print(json.dumps({"torch": torch, "cuda": cuda, "compiles": compiles, "jax": jax}))
`;

function findPythons(): Python[] {
  return PYTHONS.flatMap((command) => {
    const { status, stdout } = spawnSync(command, ['-c', PROBE], { encoding: 'utf8' });
    return status === 0 ? [{ command, ...JSON.parse(stdout) }] : [];
  });
}

/** Debian's packages, where this is Debian and its administrator. */
function installTorch(): void {
  if (process.getuid?.() !== 0 || spawnSync('apt-get', ['--version']).status !== 0) return;
  console.log(`installing ${DEBIAN_PACKAGES.join(' ')}`);
  spawnSync('apt-get', ['update'], { stdio: 'ignore' });
  spawnSync('apt-get', ['install', '-y', '--no-install-recommends', ...DEBIAN_PACKAGES], { stdio: 'ignore' });
}

/** What prevents the JavaScript peers from being installed. */
function installModules(): string | undefined {
  if (existsSync(join(HERE, 'node_modules'))) return undefined;
  console.log(`npm ci --prefix ${HERE}`);
  try {
    execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
      cwd: HERE,
      stdio: 'ignore',
      timeout: 300_000,
    });
  } catch (error) {
    return `JavaScript peers: npm ci --prefix ${HERE} failed: ${(error as Error).message}`;
  }
}
