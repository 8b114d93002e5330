/** `nestkan solve`: a differential equation in; a network that solves it, its errors where they are known, a report out. */
import type { Command } from 'commander';
import { encodeModel, type OpenedBackend, type Solution, solve, solveWorkload, writeFileAtomically } from '../node.ts';
import { formatCount, formatNumber, formatSeconds } from '../report/format.ts';
import { type SolveReportData, solveLevelTable, solveReport } from '../report/solve-report.ts';
import { checkOutputs } from './data.ts';
import { deviceInWords, withBackend } from './device.ts';
import { optimizersInWords } from './network-options.ts';
import { attributed, isBuiltInPde, loadPde, PDE_NAMES, type PdeTask } from './problems.ts';
import { addRunOptions, type RunOptions, type Shell } from './shell.ts';
import { describeSolution, type SolveDocument } from './solve-document.ts';
import { SolvePictures } from './solve-pictures.ts';
import { addSolveOptions, type SolverOptions, type SolveSettings, solveSettings } from './solve-settings.ts';
import type { Terminal } from './terminal.ts';
import { textTable } from './text-table.ts';

type Options = SolverOptions & RunOptions;

export function defineSolve(program: Command, shell: Shell): void {
  const command = program
    .command('solve')
    .argument('<problem>', `${PDE_NAMES}, or the path of a JavaScript module that exports a problem`);
  addSolveOptions(command);
  addRunOptions(command, { out: 'write the network to this file (safetensors)' })
    .description('solve a differential equation, coarse to fine')
    .action((problem: string, options: Options) => run(problem, options, shell));
}

async function run(problem: string, options: Options, shell: Shell): Promise<void> {
  const { terminal } = shell;
  const { out, report } = options;
  await checkOutputs(isBuiltInPde(problem) ? {} : { 'the problem': problem }, { '--out': out, '--report': report });
  const task = await loadPde(problem);
  terminal.say(`problem   ${task.name}: ${task.description}`);
  const signal = shell.interruptible();
  const settings = solveSettings(task.network, options);
  const work = async (backend: OpenedBackend) => {
    const { solution, pictures } = await attributed(task.module, async () => {
      const pictures = report === undefined ? undefined : new SolvePictures(task.pde);
      const solution = await solveWithProgress(backend, task, settings, { signal, terminal, pictures });
      return { solution, pictures };
    });
    const document = describeSolution(task, solution, backend, options);
    if (out !== undefined) await writeFileAtomically(out, await encodeModel(solution.model));
    if (report !== undefined) {
      await writeFileAtomically(report, page(document, solution, { commandLine: shell.commandLine, pictures }));
    }
    terminal.say(render(document));
    shell.print(document);
  };
  await withBackend(options, terminal, work, solveWorkload(task.pde, settings));
}

async function solveWithProgress(
  backend: OpenedBackend,
  { pde }: PdeTask,
  settings: SolveSettings,
  { signal, terminal, pictures }: { signal: AbortSignal; terminal: Terminal; pictures?: SolvePictures },
): Promise<Solution> {
  const progress = terminal.progress({ label: 'solving', total: 1 });
  try {
    const solution = await solve(backend, pde, {
      ...settings,
      signal,
      // Of a race of several starts only the winner is shown.
      inspect: settings.restarts === 1 ? pictures && ((problem, model) => pictures.take(problem, model)) : undefined,
      onProgress: ({ level, levels, intervals, evaluations, budget, loss }) => {
        progress.update((level + evaluations / budget) / levels, `n = ${intervals[0]}, loss ${formatNumber(loss)}`);
      },
    });
    if (settings.restarts > 1) await pictures?.take(solution.problem, solution.model);
    return solution;
  } finally {
    progress.stop();
  }
}

function networkInWords({ model: { widths, degree } }: SolveDocument): string {
  return `${widths.join(' → ')}, splines of degree ${degree}`;
}

function page(
  document: SolveDocument,
  { history }: Solution,
  { commandLine, pictures }: { commandLine: string; pictures?: SolvePictures },
): string {
  const { problem, description, device, parameters, levels, interrupted, warnings } = document;
  const data: SolveReportData = {
    ...document,
    title: `Solution of ${problem}`,
    subtitle: description,
    command: commandLine,
    device: deviceInWords(device),
    model: [
      ['network', networkInWords(document)],
      ['parameters', formatCount(parameters)],
      ['optimizer', optimizersInWords(levels)],
    ],
    history: history.curve,
    grid: pictures?.grid,
    solutions: pictures?.solutions,
    pictures: pictures?.levels,
    notes: [...(interrupted ? ['The run was interrupted: this is the solution so far.'] : []), ...warnings],
  };
  return solveReport(data);
}

function render(document: SolveDocument): string {
  const { parameters, levels, relativeL2, maxError, scalars, warnings, seconds, out, report } = document;
  const found = Object.entries(scalars).map(([name, value]) => `${name} = ${formatNumber(value, 5)}`);
  const error =
    relativeL2 === null
      ? 'no exact solution is known'
      : `relative L2 ${formatNumber(relativeL2)}, at most ${formatNumber(maxError)}`;
  const lines = [
    '',
    `network   ${networkInWords(document)}, ${formatCount(parameters)} parameters`,
    `optimizer ${optimizersInWords(levels)}`,
    '',
    textTable(solveLevelTable({ levels })),
    '',
    ...(found.length > 0 ? [`found     ${found.join(', ')}`] : []),
    `error     ${error}`,
    `time      ${formatSeconds(seconds)}`,
  ];
  if (out !== null) lines.push(`model     ${out}`);
  if (report !== null) lines.push(`report    ${report}`);
  for (const warning of warnings) lines.push(`warning   ${warning}`);
  if (document.interrupted) lines.push('Interrupted: this is the best solution so far.');
  return lines.join('\n');
}
