/** Differential equations by name or from a user's module: what `solve` and `compare` take. */
import { stat } from 'node:fs/promises';
import { register } from 'node:module';
import { basename, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  builtInProblems,
  definePde,
  isNestkanError,
  NestkanError,
  type Pde,
  type PdeDefinition,
  type SolveOptions,
} from '../node.ts';
import { checkSettings } from './solve-settings.ts';

export interface PdeTask {
  /** As it was asked for: a built-in name or a file's. */
  readonly name: string;
  readonly description: string;
  readonly pde: Pde;
  /** Settings that the problem brings along. */
  readonly network: SolveOptions;
  /** The module's address, for those that come from one. */
  readonly module?: string;
}

export const PDE_NAMES = Object.keys(builtInProblems).join(', ');

export function isBuiltInPde(problem: string): boolean {
  return Object.hasOwn(builtInProblems, problem);
}

export function isModule(problem: string): boolean {
  return /\.[cm]?[jt]s$/.test(problem);
}

/** @throws FILE_NOT_FOUND, FILE_NOT_READABLE, PROBLEM_INVALID, and what definePde throws */
export async function loadPde(problem: string): Promise<PdeTask> {
  if (isBuiltInPde(problem)) {
    const { title, about, pde, network } = builtInProblems[problem];
    return { name: problem, description: `${title}: ${about}`, pde: pde(), network };
  }
  await checkFile(problem);
  const module = pathToFileURL(resolve(problem)).href;
  return attributed(module, async () => {
    const { default: exported, network = {} } = await importModule(module);
    const definition = typeof exported === 'function' ? await fromModule(module, async () => exported()) : exported;
    const isDefinition = isObject(definition) && isObject(definition['inputs']) && isObject(definition['terms']);
    if (!isDefinition || !isObject(network)) {
      const what = isDefinition ? 'its export "network" is no object' : `its default export is ${kindOf(definition)}`;
      throw new NestkanError('PROBLEM_INVALID', `${problem} is no problem: ${what}.`, {
        fix: 'Write `export default definePde({ … })`, or export a function that returns this.',
        where: { path: problem },
      });
    }
    checkSettings(problem, network);
    const pde = definePde(definition as unknown as PdeDefinition);
    const inputs = pde.box.map(([name, start, end]) => `${name} in [${start}, ${end}]`).join(', ');
    return { name: basename(problem), description: `${pde.unknowns.join(', ')} of ${inputs}`, pde, network, module };
  });
}

/** What a user's module throws, at any time, is a problem of that module and not of this program. */
export async function attributed<Result>(module: string | undefined, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw module !== undefined && lineIn(module, error) > 0 ? moduleError(module, error) : error;
  }
}

/** The same for work that is done by the module alone. */
async function fromModule<Result>(module: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw moduleError(module, error);
  }
}

/** An error with what caused it, and what caused that. */
function chainOf(error: unknown): unknown[] {
  return error instanceof Error && error.cause !== undefined ? [error, ...chainOf(error.cause)] : [error];
}

/** The line of the module at which it happened, NaN if it did not happen there. */
function lineIn(module: string, error: unknown): number {
  const stacks = chainOf(error).map((each) => (each instanceof Error && each.stack) || '');
  const [, rest = ''] = stacks.reverse().join('\n').split(`${module}:`);
  return Number.parseInt(rest, 10);
}

/** What the library found wrong keeps its code, and says in which line; what the module threw is PROBLEM_INVALID. */
function moduleError(module: string, error: unknown): NestkanError {
  if (isNestkanError(error) && error.where['module'] === module) return error;
  const root = chainOf(error).pop();
  const line = lineIn(module, error);
  const file = decodeURIComponent(basename(module));
  const place = line > 0 ? `${file}, line ${line}` : file;
  const code = isNestkanError(error) && isNestkanError(root) ? error.code : 'PROBLEM_INVALID';
  const details = { where: { ...(isNestkanError(error) && error.where), module, line }, cause: error };
  if (isNestkanError(error))
    return new NestkanError(code, `${place}: ${error.message}`, { fix: error.fix, ...details });
  const reason = error instanceof Error ? `${error.name}: ${error.message}` : `it threw: ${String(error)}`;
  const fix = error instanceof SyntaxError ? `Run node --check ${file} to see where.` : 'Mend the module.';
  return new NestkanError(code, `${place}: ${reason}`, { fix, ...details });
}

async function checkFile(problem: string): Promise<void> {
  const file = await stat(resolve(problem)).catch(() => undefined);
  const where = { path: problem };
  if (file === undefined) {
    throw new NestkanError('FILE_NOT_FOUND', `There is no problem and no file ${problem}.`, {
      fix: `Give the path of a JavaScript module, or name one of: ${PDE_NAMES}.`,
      where,
    });
  }
  if (!file.isFile()) {
    throw new NestkanError('FILE_NOT_READABLE', `${problem} is ${file.isDirectory() ? 'a folder' : 'no file'}.`, {
      fix: 'Give the path of a JavaScript module.',
      where,
    });
  }
  if (isModule(problem)) return;
  throw new NestkanError('PROBLEM_INVALID', `${problem} is no JavaScript module.`, {
    fix: 'Give a .js or .mjs file that exports a problem; a table goes to nestkan fit.',
    where,
  });
}

async function importModule(module: string): Promise<Record<string, unknown>> {
  offerOwnEntries();
  return fromModule(module, () => import(module));
}

const ENTRIES = {
  nestkan: 'index.js',
  'nestkan/data': 'data.js',
  'nestkan/physics': 'physics.js',
  'nestkan/node': 'node.js',
};

/**
 * Gives modules that import `nestkan/physics`, with no package of that name installed where they lie, the entries beside
 * this program. The hook is text, since Node runs it on a thread of its own.
 */
function offerOwnEntries(): void {
  const hook = `
    let entries = {};
    export function initialize(own) { entries = own; }
    export async function resolve(name, context, next) {
      try {
        return await next(name, context);
      } catch (error) {
        if (!Object.hasOwn(entries, name)) throw error;
        return { url: entries[name], shortCircuit: true };
      }
    }`;
  const own = Object.entries(ENTRIES).map(([name, file]) => [name, new URL(file, import.meta.url).href]);
  register(`data:text/javascript,${encodeURIComponent(hook)}`, { data: Object.fromEntries(own) });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function kindOf(value: unknown): string {
  if (value === undefined || value === null) return 'missing';
  return isObject(value) ? 'an object without inputs and terms' : `a ${typeof value}`;
}
