/** nestkan as a peer of its own benchmark, on one of its backends, and the hand-written loops beside it. */
import {
  adam,
  type Backend,
  definePde,
  Kan,
  type Objective,
  type OptimizerRun,
  openBackend,
  PdeProblem,
  type Problem,
  points,
  type Rows,
  regression,
  Tape,
} from '../../src/node.ts';
import { trainOurs } from './ours-training.ts';
import { PlainKan } from './plain-kan.ts';
import type { CaseRequest, Hello, Prepared, Size, Timed } from './protocol.ts';
import { readCase, serve, Unsupported, writeArrays } from './serve.mjs';

/** Seconds, and steps where they are other than asked for. */
type Stepper = (steps: number) => Promise<void>;

/** Steps asked for at a time; several such pieces may be under way. */
const PIECE = 64;

export async function serveBackend(device: 'cpu' | 'webgpu'): Promise<void> {
  const backend = await openBackend({ device });
  let stepper: Stepper;
  let close = () => {};
  const hello: Hello = {
    versions: `nestkan, Node ${process.versions.node}, ${backend.precision}`,
    device: backend.adapter,
    hardware: device === 'webgpu' && backend.choice.reason === 'a hardware adapter',
  };
  await serve(hello, {
    prepare: async (request) => {
      close();
      const { x, targets, weights, outputs } = readCase(request);
      const kan = kanOf(backend, request, weights);
      const opened =
        request.task === 'forward'
          ? await forward(kan, x, request)
          : await training(kan, problemOf(request.task, rows(x, request.widths[0]), targets, outputs), request);
      stepper = opened.stepper;
      close = () => {
        opened.close();
        kan.dispose();
        close = () => {};
      };
      return { loss: opened.loss } satisfies Prepared;
    },
    time: ({ steps }) => timed(() => stepper(steps)),
    train: (request) => trainOurs(backend, request),
    release: async () => {
      close();
      return {};
    },
  });
}

export async function servePlain(): Promise<void> {
  let plain: PlainKan;
  let stepper: Stepper;
  await serve(
    { versions: `Node ${process.versions.node}, float64`, device: 'cpu' },
    {
      prepare: async (request) => {
        if (request.task !== 'regression') throw new Unsupported('–');
        const { x, targets, weights } = readCase(request);
        const { widths, intervals, batch, rate, checkFile } = request;
        const layers = weights.map((_, layer) => {
          const domain: readonly [number, number] = layer === 0 ? [-1, 1] : [-4, 4];
          return { inputs: widths[layer], outputs: widths[layer + 1], intervals, domain };
        });
        plain = new PlainKan(layers, weights, batch);
        const loss = plain.lossAndGradient(x, targets);
        const gradients = plain.layers.map(({ gradient }) => gradient);
        writeArrays(checkFile, gradients);
        stepper = async (steps) => {
          for (let step = 0; step < steps; step++) plain.step(x, targets, rate);
        };
        return { loss };
      },
      time: ({ steps }) => timed(() => stepper(steps)),
      release: async () => ({}),
    },
  );
}

async function timed(work: () => Promise<void>): Promise<Timed> {
  const start = performance.now();
  await work();
  return { seconds: (performance.now() - start) / 1000 };
}

/** The network that all peers are given the weights of. */
export function kanOf(
  backend: Backend,
  { widths, intervals }: Pick<Size, 'widths' | 'intervals'>,
  weights?: Float64Array[],
) {
  const kan = Kan.create(backend, { widths, intervals, seed: 1 });
  const names = kan.parameters.entries.map(({ name }) => name);
  if (weights) kan.parameters.write(Object.fromEntries(names.map((name, index) => [name, weights[index]])));
  return kan;
}

interface Opened {
  readonly loss: number;
  readonly stepper: Stepper;
  readonly close: () => void;
}

function problemOf(
  task: 'regression' | 'poisson',
  x: Rows & number[][],
  targets: Float64Array,
  outputs: number,
): Problem {
  if (task === 'regression') return regression({ inputs: x, targets: rows(targets, outputs) });
  return new PdeProblem(
    definePde({
      inputs: { x: [-1, 1], y: [-1, 1] },
      terms: { equation: { on: points(x), residual: ({ u, at }) => u.xx.add(u.yy).sub(at(targets)) } },
    }),
  );
}

async function training(kan: Kan, problem: Problem, { checkFile, rate }: CaseRequest): Promise<Opened> {
  const { backend, parameters } = kan;
  const objective: Objective = problem.bind(kan);
  backend.run(await backend.record(objective.evaluate));
  const [[loss], ...gradients] = await backend.read([
    objective.loss,
    ...parameters.entries.map(({ gradient }) => gradient.buffer),
  ]);
  writeArrays(checkFile, gradients);
  const run = await adam({ learningRate: rate, schedule: { type: 'constant' } }).start(objective, 1);
  return {
    loss,
    stepper: (steps) => advance(run, steps),
    close: () => {
      run.dispose();
      objective.dispose();
    },
  };
}

/** Keeps as many pieces under way as the optimizer allows, and waits for the last. */
async function advance(run: OptimizerRun, steps: number): Promise<void> {
  let done = 0;
  while (done < steps) {
    const pending: Promise<{ steps: number }>[] = [];
    let asked = done;
    while (asked < steps || pending.length > 0) {
      while (asked < steps && pending.length < run.depth) {
        const piece = Math.min(PIECE, steps - asked);
        pending.push(run.advance(piece));
        asked += piece;
      }
      const { steps: made } = await pending.shift()!;
      done += made;
    }
  }
}

async function forward(kan: Kan, x: Float64Array, { batch, widths, checkFile }: CaseRequest): Promise<Opened> {
  const { backend } = kan;
  const tape = new Tape(backend);
  const input = tape.input([batch, widths[0]]);
  backend.write(input.buffer, x);
  const { buffer } = kan.apply(tape, input);
  const recording = await tape.record('forward');
  backend.run(recording);
  const [y] = await backend.read([buffer]);
  writeArrays(checkFile, [y]);
  return {
    loss: y.reduce((sum, value) => sum + value * value, 0) / y.length,
    stepper: async (steps) => {
      backend.run(recording, steps);
      await backend.finish();
    },
    close: () => tape.dispose(),
  };
}

function rows(data: Float64Array, columns: number): number[][] {
  return Array.from({ length: data.length / columns }, (_, row) => [
    ...data.subarray(row * columns, (row + 1) * columns),
  ]);
}
