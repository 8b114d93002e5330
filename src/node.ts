/** Entry `nestkan/node`: everything of `nestkan`, `nestkan/data` and `nestkan/physics`, with what only Node can do. */
import { CpuBackend } from './backend/cpu/cpu-backend.ts';
import { type OpenedBackend, type OpenOptions, openWith, unavailable } from './backend/open.ts';
import { openThreads } from './node/thread-pool.ts';

export * from './data.ts';
export * from './index.ts';
export { kernels } from './kernels/registry.ts';
export { checkWritable, readFile, writeFileAtomically } from './node/files.ts';
export * from './physics.ts';

/** Device timestamps are otherwise rounded to 65.536 µs, longer than most kernels run. */
const DAWN_OPTIONS = ['disable-dawn-features=timestamp_quantization'];

export interface NodeOpenOptions extends OpenOptions {
  /**
   * Threads that the CPU backend computes on, at most 256; the results are the same for any number. Default: one for each
   * processor that the program may use, at most 8. With 1 everything runs on the calling thread.
   */
  threads?: number;
}

/**
 * Opens the device that everything else runs on; in Node through Dawn, the optional package `webgpu`, or on threads.
 *
 * Throws WEBGPU_UNAVAILABLE if `webgpu` was asked for and the package or an adapter is missing, INVALID_ARGUMENT for an
 * unknown device or a number of threads that is none.
 * ```ts
 * const backend = await openBackend({ device: 'webgpu' });
 * console.log(backend.adapter);
 * backend.destroy();
 * ```
 */
export async function openBackend(options: NodeOpenOptions = {}): Promise<OpenedBackend> {
  const threads = openThreads(options.threads);
  return openWith(
    options,
    async () => options.gpu ?? openDawn(),
    () => new CpuBackend(threads),
  );
}

async function openDawn(): Promise<GPU> {
  const dawn = await import('webgpu').catch((cause: Error) => {
    const missing = (cause as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND';
    if (missing) throw unavailable('the package webgpu is not installed', 'Run: npm install webgpu', { cause });
    throw unavailable(`the package webgpu does not load: ${cause.message}`, 'Run: npm install webgpu@latest', {
      cause,
    });
  });
  return dawn.create(DAWN_OPTIONS);
}
