/** The steps whose kernels are measured: what the optimizers record, with the data of a step that was made. */

import {
  adam,
  type Backend,
  createRandom,
  type Dispatch,
  definePde,
  Kan,
  type Objective,
  PdeProblem,
  type Problem,
  type Recording,
  regression,
} from '../../src/node.ts';
import { NormalEquations } from '../../src/optimizers/normal-equations.ts';
import { interior } from '../../src/physics/sampling.ts';

export const WORKLOADS = ['adam', 'adam, fused', 'laplacian', 'laplacian, fused', 'LM'] as const;
export type Workload = (typeof WORKLOADS)[number];

export interface Case {
  readonly workload: Workload;
  readonly widths: readonly number[];
  readonly intervals: number;
  readonly batch: number;
}

export const caseName = ({ workload, widths, intervals, batch }: Case) =>
  `${workload} [${widths.join(', ')}], n = ${intervals}, batch ${batch}`;

/** A step's dispatches, on buffers that hold what one step has left there. */
export interface Step {
  readonly dispatches: readonly Dispatch[];
  close(): void;
}

/** Parameters shall stay where they are, however often the step is repeated. */
const LEARNING_RATE = 1e-12;
/** Workgroups from which on a device takes the fused kernel, and into how many tiles it is then cut. */
const FUSED_WORKGROUPS = 64;
const DEGREE = 3;

export async function openStep(backend: Backend, sizes: Case): Promise<Step> {
  const { widths, intervals, workload } = sizes;
  const kan = Kan.create(backend, { widths, intervals, degree: DEGREE, seed: 1 });
  const objective = problemOf(sizes).bind(kan);
  const step = await (workload === 'LM' ? assembly(objective) : adamStep(objective, workload.endsWith('fused')));
  return {
    dispatches: step.dispatches,
    close() {
      step.close();
      objective.dispose();
      kan.dispose();
    },
  };
}

function problemOf({ workload, widths, batch }: Case): Problem {
  if (workload.startsWith('laplacian')) {
    return new PdeProblem(
      definePde({
        inputs: { x: [-1, 1], y: [-1, 1] },
        terms: {
          volume: {
            on: interior(batch),
            residual: ({ u, at }) => u.xx.add(u.yy).add(at((x, y) => Math.sin(Math.PI * x) * Math.sin(Math.PI * y))),
          },
        },
      }),
    );
  }
  const random = createRandom(1);
  const draw = (columns: number) => ({
    rows: batch,
    columns,
    data: Float64Array.from({ length: batch * columns }, () => 2 * random.uniform() - 1),
  });
  return regression({ inputs: draw(widths[0]), targets: draw(widths[widths.length - 1]) });
}

/** Adam's step on the chain of the layers' kernels, or on the fused kernel. */
async function adamStep(objective: Objective, fused: boolean): Promise<Step> {
  const { backend } = objective;
  const { parallelism } = backend;
  // Devices that have fewer are faster by the chain, and would be given that.
  if (fused) Object.assign(backend, { parallelism: Math.max(parallelism, FUSED_WORKGROUPS) });
  const optimizer = adam({ learningRate: LEARNING_RATE, schedule: { type: 'constant' } });
  const { result: run, recordings } = await recorded(backend, () =>
    optimizer.start(fused ? objective : { ...objective, fuse: undefined }, 1),
  );
  if (fused) Object.assign(backend, { parallelism });
  await run.advance(1);
  const { dispatches } = recordings.find(({ label }) => label === 'adam step')!;
  return { dispatches, close: () => run.dispose() };
}

/** The kernels of Levenberg–Marquardt's direct solver that work on rows of the Jacobian. */
async function assembly(objective: Objective): Promise<Step> {
  const { backend, variables } = objective;
  const { result: equations, recordings } = await recorded(backend, () =>
    NormalEquations.open(backend, variables.length, objective.leastSquares!()),
  );
  await equations.assemble();
  const dispatches = recordings.filter(({ label }) => label === 'normal matrix').flatMap((list) => list.dispatches);
  // Past the last chunk the kernels would have nothing to do.
  for (const { buffers } of dispatches) backend.write(buffers['counter'], [0]);
  return {
    dispatches: dispatches.filter(({ kernel }) => kernel.name !== 'advance-counter'),
    close: () => equations.close(),
  };
}

/** What `work` records on a backend. */
async function recorded<Result>(backend: Backend, work: () => Promise<Result>) {
  const recordings: Recording[] = [];
  const listening: Pick<Backend, 'record'> = {
    async record(...list) {
      const recording = await Object.getPrototypeOf(backend).record.apply(backend, list);
      recordings.push(recording);
      return recording;
    },
  };
  Object.assign(backend, listening);
  try {
    return { result: await work(), recordings };
  } finally {
    delete (backend as Partial<Backend>).record;
  }
}
