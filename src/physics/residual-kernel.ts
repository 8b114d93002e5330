import { NestkanError } from '../errors.ts';
import { defineKernel, type HostArray, type Kernel, linearGrid, linearIndexWgsl } from '../kernels/kernel.ts';
import { LARGEST_FLOAT32 } from './checks.ts';
import { constant, type Expression, symbol, symbolsOf } from './expression.ts';
import { compile, execute, type Program, type Source, toWgsl } from './program.ts';

/** Extents of what a residual reads and writes, apart from the batch. */
export interface ResidualSizes {
  /** Channels of the jets. */
  readonly channels: number;
  /** Points at which one residual needs the network: 1, or 2 for a jump. */
  readonly traces: number;
  /** Unknowns of the network. */
  readonly outputs: number;
  /** Values per sample that do not depend on the network. */
  readonly fields: number;
  /** Trainable scalars. */
  readonly scalars: number;
  /** Equations. */
  readonly residuals: number;
}

export interface ResidualKernels extends ResidualSizes {
  readonly name: string;
  /** What the two kernels compute; results of the second are derivatives by all jets, then by all scalars. */
  readonly programs: { readonly forward: Program; readonly backward: Program };
  /** jets [channels, traces · batch, outputs], fields [fields, batch], scalars [scalars] → residual [residuals, batch]. */
  readonly forward: Kernel<'jets' | 'fields' | 'scalars' | 'residual', 'batch'>;
  /** Products of the residuals' derivatives with a gradient: for the jets, and per sample for the scalars. */
  readonly backward: Kernel<
    'jets' | 'fields' | 'scalars' | 'residualGradient' | 'jetsGradient' | 'scalarGradients',
    'batch'
  >;
}

/** Symbols that residuals are written in, once traced. */
export const jetKey = (trace: number, channel: number, output: number) => `jet ${trace} ${channel} ${output}`;
export const fieldKey = (index: number) => `field ${index}`;
export const scalarKey = (index: number) => `scalar ${index}`;
const gradientKey = (index: number) => `gradient ${index}`;

/**
 * Fuses formulas of jets, fields and scalars into one kernel, and their derivative into another.
 *
 * @throws NestkanError INVALID_ARGUMENT for constants beyond the range of float32
 */
export function residualKernels(equations: readonly Expression[], sizes: ResidualSizes, name: string): ResidualKernels {
  const forward = compile(equations);
  const keys = [...symbolsOf(equations)];
  const derivativeBy = (key: string) =>
    equations.reduce(
      (sum, equation, index) => sum.add(symbol(gradientKey(index)).mul(equation.derivative(key))),
      constant(0),
    );
  const jetTargets = targets(sizes.channels * sizes.traces * sizes.outputs, (index) => {
    const trace = Math.floor(index / sizes.outputs) % sizes.traces;
    const channel = Math.floor(index / (sizes.outputs * sizes.traces));
    return jetKey(trace, channel, index % sizes.outputs);
  });
  const scalarTargets = targets(sizes.scalars, scalarKey);
  const wanted = [...jetTargets, ...scalarTargets];
  const backward = compile(wanted.map((key) => (keys.includes(key) ? derivativeBy(key) : constant(0))));
  checkConstants(name, 'the residual', forward);
  checkConstants(name, 'the derivative of the residual', backward);
  return fromPrograms({ forward, backward }, sizes, name);
}

/** The kernels that compute `programs`. */
export function fromPrograms(
  programs: ResidualKernels['programs'],
  sizes: ResidualSizes,
  name: string,
): ResidualKernels {
  return {
    ...sizes,
    name,
    programs,
    forward: residualForward({ program: programs.forward, sizes, name }),
    backward: residualBackward({ program: programs.backward, sizes, name }),
  };
}

/** WGSL has no literals beyond float32's range; what is too small for it reads as zero there, which is as near as it gets. */
function checkConstants(term: string, what: string, { instructions }: Program): void {
  for (const { node } of instructions) {
    if (node.type !== 'constant' || Math.abs(node.value) <= LARGEST_FLOAT32) continue;
    const message = `${what} of ${term} has the constant ${node.value}, which is beyond the range of float32`;
    const fix = 'Choose units in which the numbers are smaller, or divide the equation by a large one.';
    throw new NestkanError('INVALID_ARGUMENT', message, { fix, where: { term } });
  }
}

function targets(count: number, key: (index: number) => string): string[] {
  return Array.from({ length: count }, (_, index) => key(index));
}

/** What a kernel of a residual is made from. */
export interface ResidualRecipe {
  readonly program: Program;
  readonly sizes: ResidualSizes;
  readonly name: string;
}

/** The kernel that {@link residualKernels} calls `forward`. */
export function residualForward(recipe: ResidualRecipe): ResidualKernels['forward'] {
  const { program, sizes, name } = recipe;
  const stores = program.results.map((result, index) => `  residual[${index}u * batch + b] = e${result};`);
  const run = runner(program, sizes);
  return defineKernel({
    name: `${name}-residual`,
    wgsl: wgsl(program, sizes, ['residual'], stores),
    bindings: { jets: 'read', fields: 'read', scalars: 'read', residual: 'write' },
    constants: ['batch'],
    lengths: ({ batch }) => ({ ...inputLengths(sizes, batch), residual: sizes.residuals * batch }),
    workgroups: ({ batch }) => linearGrid(batch),
    flops: ({ batch }) => batch * program.instructions.length,
    parts: ({ batch }) => batch,
    recipe: { maker: 'residualForward', options: recipe },
    reference(buffers, { batch }, first, end) {
      run(buffers, batch, first, end, (values, index, start) => {
        buffers.residual.set(values, index * batch + start);
      });
    },
  });
}

/** The kernel that {@link residualKernels} calls `backward`. */
export function residualBackward(recipe: ResidualRecipe): ResidualKernels['backward'] {
  const { program, sizes, name } = recipe;
  const { channels, traces, outputs, scalars } = sizes;
  const jets = channels * traces * outputs;
  const address = (index: number) => {
    const output = index % outputs;
    const row = Math.floor(index / outputs);
    return { row, output };
  };
  const stores = program.results.map((result, index) => {
    if (index >= jets) return `  scalarGradients[${index - jets}u * batch + b] = e${result};`;
    const { row, output } = address(index);
    return `  jetsGradient[(${row}u * batch + b) * ${outputs}u + ${output}u] = e${result};`;
  });
  const run = runner(program, sizes);
  return defineKernel({
    name: `${name}-residual-gradient`,
    wgsl: wgsl(program, sizes, ['residualGradient', 'jetsGradient', 'scalarGradients'], stores),
    bindings: {
      jets: 'read',
      fields: 'read',
      scalars: 'read',
      residualGradient: 'read',
      jetsGradient: 'write',
      scalarGradients: 'write',
    },
    constants: ['batch'],
    lengths: ({ batch }) => ({
      ...inputLengths(sizes, batch),
      residualGradient: sizes.residuals * batch,
      jetsGradient: jets * batch,
      scalarGradients: Math.max(1, scalars * batch),
    }),
    workgroups: ({ batch }) => linearGrid(batch),
    flops: ({ batch }) => batch * program.instructions.length,
    parts: ({ batch }) => batch,
    recipe: { maker: 'residualBackward', options: recipe },
    reference(buffers, { batch }, first, end) {
      run(buffers, batch, first, end, (values, index, start) => {
        if (index >= jets) {
          buffers.scalarGradients.set(values, (index - jets) * batch + start);
          return;
        }
        const { row, output } = address(index);
        const at = (row * batch + start) * outputs + output;
        for (let b = 0; b < values.length; b++) buffers.jetsGradient[at + b * outputs] = values[b];
      });
    },
  });
}

function inputLengths({ channels, traces, outputs, fields, scalars }: ResidualSizes, batch: number) {
  return {
    jets: channels * traces * batch * outputs,
    fields: Math.max(1, fields * batch),
    scalars: Math.max(1, scalars),
  };
}

/** Samples that are worked on together: their registers stay in the processor's cache. */
const BLOCK = 512;

/**
 * Executes a program on samples `first` to `end` − 1, block by block, with registers that are kept from call to call;
 * `store` is given the values of every result, its number and the sample that the block begins with.
 */
function runner(program: Program, { traces, outputs }: ResidualSizes) {
  let registers: Float64Array[] | undefined;
  return (
    buffers: Readonly<Record<string, HostArray>>,
    batch: number,
    first: number,
    end: number,
    store: (values: Float64Array, index: number, start: number) => void,
  ): void => {
    registers ??= program.instructions.map(() => new Float64Array(BLOCK));
    for (let start = first; start < end; start += BLOCK) {
      const count = Math.min(BLOCK, end - start);
      execute(program, count, registers, (key) => sourceOf(key, buffers, { batch, first: start, traces, outputs }));
      for (const [index, result] of program.results.entries()) {
        store(registers[result].subarray(0, count), index, start);
      }
    }
  };
}

function sourceOf(
  key: string,
  buffers: Readonly<Record<string, HostArray>>,
  { batch, first, traces, outputs }: { batch: number; first: number; traces: number; outputs: number },
): Source {
  const [kind, ...numbers] = key.split(' ');
  const [index, channel, output] = numbers.map(Number);
  switch (kind) {
    case 'jet':
      return {
        from: buffers['jets'],
        at: ((channel * traces + index) * batch + first) * outputs + output,
        step: outputs,
      };
    case 'field':
      return { from: buffers['fields'], at: index * batch + first, step: 1 };
    case 'gradient':
      return { from: buffers['residualGradient'], at: index * batch + first, step: 1 };
    default:
      return { from: buffers['scalars'], at: index, step: 0 };
  }
}

/** The same addresses in WGSL. */
function wgsl(
  program: Program,
  { traces, outputs }: ResidualSizes,
  more: readonly string[],
  stores: readonly string[],
): string {
  const load = (key: string): string => {
    const [kind, ...numbers] = key.split(' ');
    const [index, channel, output] = numbers.map(Number);
    if (kind === 'jet') return `jets[(${channel * traces + index}u * batch + b) * ${outputs}u + ${output}u]`;
    if (kind === 'field') return `fields[${index}u * batch + b]`;
    return kind === 'gradient' ? `residualGradient[${index}u * batch + b]` : `scalars[${index}u]`;
  };
  const names = ['jets', 'fields', 'scalars', ...more];
  const written = ['residual', 'jetsGradient', 'scalarGradients'];
  const bindings = names.map((name, binding) => {
    const access = written.includes(name) ? 'read_write' : 'read';
    return `@group(0) @binding(${binding}) var<storage, ${access}> ${name}: array<f32>;`;
  });
  return [
    linearIndexWgsl,
    'override batch: u32;',
    ...bindings,
    '@compute @workgroup_size(64)',
    'fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {',
    '  let b = linearIndex(workgroup, local, 64u);',
    '  if (b >= batch) { return; }',
    toWgsl(program, load),
    ...stores,
    '}',
  ].join('\n');
}
