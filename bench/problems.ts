/**
 * Every built-in problem with the settings it comes with: its errors on the CPU over seeds, beside WebGPU's in float32,
 * and the pictures and figures of its page in docs/problems/.
 */
import {
  type BuiltInProblem,
  builtInProblems,
  decodeModel,
  encodeModel,
  evaluateSolution,
  exactValues,
  type Network,
  type PdeProblem,
  type Solution,
  solve,
} from '../src/node.ts';
import { testPoints } from '../src/physics/solve.ts';
import { formatSeconds } from '../src/report/format.ts';
import { kept, scientific } from './physics-case.ts';
import { writeFigures, writePicture } from './problem-pages.ts';
import {
  type Accuracy,
  cpuTable,
  FRESH,
  figures,
  introduction,
  type Measured,
  type Run,
  settings,
  TUNED,
  webgpuSection,
} from './problem-tables.ts';
import { describeSetting, openBackends, timesOf, writeReport } from './shared.ts';

/** A software adapter is slow: problems that take the CPU more processor time than this are not run there. */
const PATIENCE_SECONDS = 20;

const backends = await openBackends();
const all: Measured[] = [];
for (const [name, problem] of Object.entries(builtInProblems)) {
  const cpu: Run[] = [];
  for (const seed of [...TUNED, ...FRESH]) cpu.push(await runOf(name, problem, seed, 'cpu'));
  all.push({ name, problem, cpu, webgpu: [] });
}
for (const { name, problem, cpu, webgpu } of all) {
  if (cpu[0].processorSeconds > PATIENCE_SECONDS) continue;
  for (const seed of TUNED) {
    webgpu.push(await runOf(name, problem, seed, 'webgpu'));
  }
}
report();
backends.webgpu.destroy();

function runOf(name: string, problem: BuiltInProblem, seed: number, device: keyof typeof backends): Promise<Run> {
  return kept(['problems', name, seed, device], async () => {
    let solution!: Solution;
    const pde = problem.pde();
    const times = await timesOf(async () => {
      solution = await solve(backends[device], pde, { ...settings(problem), seed });
    });
    const isFirst = device === 'cpu' && seed === TUNED[0];
    if (isFirst) await writePicture(name, `${problem.title}: solution, error and residual`, solution);
    const onCpu = device === 'cpu' && TUNED.includes(seed);
    const run = toRun(seed, solution, { times, rounded: onCpu ? await roundedOf(solution) : undefined });
    console.log(
      `${name}, seed ${seed}, ${device}: relative L2 ${scientific(run.relativeL2)}, loss ${scientific(run.loss)}, ` +
        `${formatSeconds(run.seconds)}, evaluations ${run.levels.map(({ evaluations }) => evaluations).join(' ')}`,
    );
    solution.model.dispose();
    return run;
  });
}

function toRun(
  seed: number,
  { history, errors, scalars }: Solution,
  { times, rounded }: { times: { processor: number }; rounded?: Accuracy },
): Run {
  const levels = history.levels.map(({ intervals, parameters, evaluations, trainLoss, watched = {}, seconds }) => ({
    intervals: intervals[0],
    parameters,
    evaluations,
    loss: trainLoss,
    relativeL2: watched['relativeL2'],
    maxError: watched['maxError'],
    seconds,
  }));
  const { loss } = levels[levels.length - 1];
  return {
    seed,
    ...errors!,
    loss,
    levels,
    scalars,
    seconds: history.seconds,
    processorSeconds: times.processor,
    rounded,
  };
}

async function roundedOf({ model, problem }: Solution): Promise<Accuracy> {
  const backend = backends.webgpu;
  const rounded = (await decodeModel(await encodeModel(model), backend)) as Network;
  const monitor = problem.monitor(rounded);
  backend.run(await backend.record(monitor.evaluate));
  const [[loss]] = await backend.read([monitor.loss]);
  const relativeL2 = await relativeError(problem, rounded);
  monitor.dispose();
  rounded.dispose();
  return { loss, relativeL2 };
}

async function relativeError(problem: PdeProblem, model: Network): Promise<number> {
  const points = testPoints(problem.pde);
  const exact = exactValues(problem.pde, points);
  const { data } = await evaluateSolution(problem, model, points);
  const squares = (value: (index: number) => number) => exact.reduce((sum, _, index) => sum + value(index) ** 2, 0);
  return Math.sqrt(squares((index) => data[index] - exact[index]) / squares((index) => exact[index]));
}

function report(): void {
  const setting = describeSetting('problems', backends.webgpu);
  for (const measured of all) writeFigures(measured.name, figures(measured, setting));
  writeReport({
    name: 'problems',
    title: 'Built-in problems on both backends',
    sections: [introduction(), cpuTable(all), ...webgpuSection(all)],
    charts: {},
    webgpu: backends.webgpu,
    results: all.map(({ name, cpu, webgpu }) => ({ name, cpu, webgpu })),
  });
}
