import { NestkanError } from '../../errors.ts';
import type { Kernel } from '../../kernels/kernel.ts';
import type { Counters } from '../backend.ts';

/** GPUShaderStage.COMPUTE, which is not global everywhere. */
const COMPUTE_STAGE = 0x4;

export interface CompiledKernel {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
}

/** Compute pipelines, one per shader text and set of constants: generated kernels of the same text share them. */
export class PipelineCache {
  readonly #device: GPUDevice;
  readonly #counters: Counters;
  readonly #modules = new Map<string, Promise<GPUShaderModule>>();
  readonly #compiled = new Map<string, Map<string, Promise<CompiledKernel>>>();
  readonly #layouts = new Map<string, GPUBindGroupLayout>();

  constructor(device: GPUDevice, counters: Counters) {
    this.#device = device;
    this.#counters = counters;
  }

  /** Rejects with SHADER_INVALID, naming kernel, line and message, if the WGSL does not compile. */
  get(kernel: Kernel, constants: Readonly<Record<string, number>>): Promise<CompiledKernel> {
    const values = kernel.constants.map((name) => constants[name]);
    const variants = getOrCreate(this.#compiled, kernel.wgsl, () => new Map<string, Promise<CompiledKernel>>());
    return getOrCreate(variants, values.join(), () => this.#compile(kernel, constants));
  }

  async #compile(kernel: Kernel, constants: Readonly<Record<string, number>>): Promise<CompiledKernel> {
    const layout = this.#layout(kernel);
    const module = await getOrCreate(this.#modules, kernel.wgsl, () => this.#parse(kernel));
    try {
      const pipeline = await this.#device.createComputePipelineAsync({
        label: kernel.name,
        layout: this.#device.createPipelineLayout({ bindGroupLayouts: [layout] }),
        compute: {
          module,
          entryPoint: 'main',
          constants: Object.fromEntries(kernel.constants.map((name) => [name, constants[name]])),
        },
      });
      this.#counters.pipelines++;
      return { pipeline, layout };
    } catch (cause) {
      throw shaderInvalid(kernel, (cause as Error).message, cause);
    }
  }

  async #parse(kernel: Kernel): Promise<GPUShaderModule> {
    this.#device.pushErrorScope('validation');
    const module = this.#device.createShaderModule({ code: kernel.wgsl, label: kernel.name });
    const [error, { messages }] = await Promise.all([this.#device.popErrorScope(), module.getCompilationInfo()]);
    const lines = kernel.wgsl.split('\n');
    const problems = messages
      .filter(({ type }) => type === 'error')
      .map(({ lineNum, linePos, message }) => `${lineNum}:${linePos} ${message}\n  ${lines[lineNum - 1] ?? ''}`);
    if (error || problems.length > 0) throw shaderInvalid(kernel, problems.join('\n') || error!.message, error);
    return module;
  }

  /** Explicit, because an automatic layout drops the bindings that a shader happens not to use. */
  #layout(kernel: Kernel): GPUBindGroupLayout {
    const bindings = Object.values(kernel.bindings);
    const limit = this.#device.limits.maxStorageBuffersPerShaderStage;
    if (bindings.length > limit) throw shaderInvalid(kernel, `${bindings.length} buffers, this device allows ${limit}`);
    const types = bindings.map((binding) => (binding.startsWith('read') ? 'read-only-storage' : 'storage'));
    return getOrCreate(this.#layouts, types.join(), () =>
      this.#device.createBindGroupLayout({
        entries: types.map((type, binding) => ({ binding, visibility: COMPUTE_STAGE, buffer: { type } })),
      }),
    );
  }
}

function shaderInvalid(kernel: Kernel, problem: string, cause?: unknown): NestkanError {
  return new NestkanError('SHADER_INVALID', `kernel ${kernel.name}: ${problem}`, {
    fix: 'Correct the WGSL: its bindings, access modes and override constants must be those of the descriptor.',
    where: { kernel: kernel.name },
    cause,
  });
}

function getOrCreate<K, V>(map: Map<K, V>, key: K, create: () => V): V {
  const present = map.get(key);
  if (present !== undefined) return present;
  const value = create();
  map.set(key, value);
  return value;
}
