import type { HostArray } from '../kernels/kernel.ts';
import type { LossHead } from '../kernels/network-gradient.ts';
import { weightedSquares, weightedSquaresGradient } from '../kernels/weighted-squares.ts';
import { toWgsl } from './program.ts';
import { fromPrograms, type ResidualKernels, type ResidualSizes } from './residual-kernel.ts';

/**
 * The loss factor · Σ_b weights[b] Σ_r residual[r, b]² of a traced term, for a network in one kernel.
 *
 * fields [fields, batch], weights [batch]; residual [residuals, batch] is written. One model at a time.
 */
export function residualHead(kernels: ResidualKernels): LossHead {
  const { name, programs, forward: _, backward: __, ...sizes } = kernels;
  const { residuals, scalars, fields } = sizes;
  return {
    name: `${name}-residual`,
    bindings: { fields: 'read', weights: 'read', residual: 'write' },
    constants: ['factor'],
    scalars,
    flops: programs.forward.instructions.length + programs.backward.instructions.length,
    lengths: ({ batch }) => ({ fields: Math.max(1, fields * batch), weights: batch, residual: residuals * batch }),
    wgsl: wgslOf(kernels),
    recipe: { maker: 'residualHeadOf', options: { programs, sizes, name } satisfies HeadRecipe },
    reference: referenceOf(kernels),
  };
}

interface HeadRecipe {
  readonly programs: ResidualKernels['programs'];
  readonly sizes: ResidualSizes;
  readonly name: string;
}

/** {@link residualHead} from plain data. */
export function residualHeadOf({ programs, sizes, name }: HeadRecipe): LossHead {
  return residualHead(fromPrograms(programs, sizes, name));
}

function wgslOf({ programs, residuals, channels, traces, outputs }: ResidualKernels): string {
  const load = (key: string): string => {
    const [kind, ...numbers] = key.split(' ');
    const places = numbers.map((number) => `${number}u`);
    if (kind === 'jet') return `activations[outputPlace(${places.join(', ')}, i, count)]`;
    if (kind === 'field') return `fields[${places[0]} * batch + b]`;
    return kind === 'gradient' ? `g${numbers[0]}` : `parameters[parameterBase + firstScalar + ${places[0]}]`;
  };
  const each = (statement: (index: number) => string) => Array.from({ length: residuals }, (_, r) => statement(r));
  const squares = each((r) => `e${programs.forward.results[r]} * e${programs.forward.results[r]}`);
  const jets = channels * traces * outputs;
  const stores = programs.backward.results.map((result, index) => {
    if (index >= jets) return `  scalarAdjoints[${index - jets}u * STRIDE + i] = d${result};`;
    const row = Math.floor(index / outputs);
    const place = [row % traces, Math.floor(row / traces), index % outputs].map((number) => `${number}u`);
    return `  adjoints[outputPlace(${place.join(', ')}, i, count)] = d${result};`;
  });
  return [
    'override factor: f32;',
    'fn evaluateLoss(b: u32, i: u32, count: u32) -> f32 {',
    toWgsl(programs.forward, load, 'e'),
    ...each((r) => `  residual[${r}u * batch + b] = e${programs.forward.results[r]};`),
    '  let scale = factor * weights[b];',
    ...each((r) => `  let g${r} = 2.0 * scale * e${programs.forward.results[r]};`),
    toWgsl(programs.backward, load, 'd'),
    ...stores,
    `  return scale * (${squares.join(' + ')});`,
    '}',
  ].join('\n');
}

/** A tile at a time, from the references of the kernels that a loss is otherwise made of. */
function referenceOf({ forward, backward, residuals, fields, scalars }: ResidualKernels): LossHead['reference'] {
  return (buffers, { first, count, batch, parameters, outputs, adjoints, scalarGradient }, { factor, firstScalar }) => {
    const rows = (from: HostArray, number: number) => {
      const cut = new Float64Array(Math.max(1, number * count));
      for (let row = 0; row < number; row++) {
        cut.set(from.subarray(row * batch + first, row * batch + first + count), row * count);
      }
      return cut;
    };
    const inputs = {
      jets: outputs,
      fields: rows(buffers['fields'], fields),
      scalars: parameters.subarray(firstScalar, firstScalar + Math.max(1, scalars)) as Float64Array,
    };
    const residual = new Float64Array(residuals * count);
    forward.reference({ ...inputs, residual }, { batch: count });
    for (let r = 0; r < residuals; r++) {
      buffers['residual'].set(residual.subarray(r * count, (r + 1) * count), r * batch + first);
    }
    const weights = rows(buffers['weights'], 1);
    const sizes = { batch: count, residuals, factor };
    const loss = new Float64Array(1);
    weightedSquares.reference({ residual, weights, loss }, sizes);
    const residualGradient = new Float64Array(residuals * count);
    const lossGradient = Float64Array.of(1);
    weightedSquaresGradient.reference({ residual, weights, lossGradient, gradient: residualGradient }, sizes);
    const scalarGradients = new Float64Array(Math.max(1, scalars * count));
    backward.reference({ ...inputs, residualGradient, jetsGradient: adjoints, scalarGradients }, { batch: count });
    for (let scalar = 0; scalar < scalars; scalar++) {
      let sum = 0;
      for (let i = 0; i < count; i++) sum += scalarGradients[scalar * count + i];
      scalarGradient[scalar] = sum;
    }
    return loss[0];
  };
}
