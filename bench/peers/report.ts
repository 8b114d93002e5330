/** The page of the comparison: what was compared, tables of times and ratios, targets. */
import { lineChart } from '../../src/report/charts.ts';
import { markdownTable } from '../../src/report/markdown.ts';
import { timeCell, writeReport } from '../shared.ts';
import { SMALL, WIDE } from './cases.ts';
import { OURS } from './catalogue.ts';
import { type Cell, LONGEST_STEP_SECONDS, type Measurement } from './measure.ts';
import type { Peer } from './process.ts';
import type { Size, Task } from './protocol.ts';
import { targetRows } from './targets.ts';
import { type Training, trainingSection } from './training.ts';

export interface Findings {
  readonly peers: readonly Peer[];
  /** What is missing, and why. */
  readonly absent: readonly string[];
  readonly measurements: readonly Measurement[];
  readonly trainings: readonly Training[];
  readonly leftOut: readonly string[];
  readonly device: boolean;
  readonly quiet: boolean;
  /** The budget. */
  readonly seconds: number;
}

const TASKS: Readonly<Record<Task, string>> = {
  regression: 'Adam step of a regression',
  poisson: 'Adam step of a Poisson residual, mean (u_xx + u_yy − f)²',
  forward: 'Forward pass',
};

export function report(findings: Findings): void {
  const { peers, absent, measurements, trainings, leftOut, device, quiet, seconds } = findings;
  const webgpu = peers.find(({ spec }) => spec.id === 'webgpu')?.hello;
  const options = [device ? ' --gpu' : '', Number.isFinite(seconds) ? ` --seconds=${seconds}` : ''].join('');
  writeReport({
    name: device ? 'peers-gpu' : 'peers',
    title: device ? 'Beside other implementations, on a GPU' : 'Beside other implementations',
    command: `peers${options}`,
    sections: [
      introduction(device),
      participants(peers, absent),
      '## Targets',
      markdownTable({ columns: ['target', 'size', 'wanted', 'measured', ''], rows: targetRows(measurements, device) }),
      ...(Object.keys(TASKS) as Task[]).flatMap((task) => taskSection(task, findings)),
      ...trainingSection(trainings),
      ...(leftOut.length > 0 ? [`Left out, since the time was up: ${leftOut.join('; ')}.`] : []),
    ],
    charts: { '': chart(findings, SMALL, 'regression'), wide: chart(findings, WIDE, 'regression') },
    webgpu: webgpu && { adapter: webgpu.device, precision: 'float32' },
    results: {
      peers: peers.map(({ spec, hello }) => ({ id: spec.id, label: spec.label, ...hello })),
      absent,
      measurements,
      trainings,
      leftOut,
    },
    quiet,
  });
}

function introduction(device: boolean): string {
  return (
    'All train the same function: cubic splines on uniform grids of n intervals, the first layer on [-1, 1], hidden ones on ' +
    '[-4, 4], no base branch, from the same weights and data, full batches. Every peer is a process of its own and has first ' +
    'to give the loss and the gradients (for the forward pass: the outputs) of the CPU backend in float64, to 10⁻³ relative ' +
    'l2 in float32 and 10⁻¹⁰ in float64; who does not, fails in its cell. Then all take turns, one sample of 50 ms or at ' +
    'least one step each per round, the others idle. Shown are median and quartiles per step, and ratios, their time over ' +
    'ours, taken round by round. Compilation and the choice of the fastest way and thread count happen before. ' +
    (device ? 'float32 products are computed as such, not in TensorFloat-32. ' : '') +
    `A peer is left out where its arrays would be too large, or where a step is expected to take more than ` +
    `${LONGEST_STEP_SECONDS} s, sizes of targets apart.`
  );
}

function participants(peers: readonly Peer[], absent: readonly string[]): string {
  const lines = peers.map(({ spec, hello }) => `- ${spec.label}: ${hello!.versions}; ${hello!.device}`);
  const missing = absent.map((reason) => `- **absent** – ${reason}`);
  return [...lines, ...missing].join('\n');
}

/** By network, intervals and batch. */
function order(a: Size, b: Size): number {
  const weight = ({ widths }: Size) => widths.reduce((sum, width) => sum + width, 0);
  return weight(a) - weight(b) || a.intervals - b.intervals || a.batch - b.batch;
}

function taskSection(task: Task, { peers, measurements, device }: Findings): string[] {
  const own = measurements.filter(({ size }) => size.task === task).sort((a, b) => order(a.size, b.size));
  if (own.length === 0) return [];
  const shown = peers.filter(({ spec }) => own.some(({ cells }) => isShown(cells[spec.id])));
  const ours = device ? ['webgpu'] : OURS;
  const others = shown.filter(({ spec }) => !OURS.includes(spec.id));
  const head = (size: Size) => [`[${size.widths}]`, size.intervals, size.batch];
  return [
    `## ${TASKS[task]}`,
    markdownTable({
      columns: ['network', 'n', 'batch', ...shown.map(({ spec }) => spec.label)],
      rows: own.map(({ size, cells }) => [...head(size), ...shown.map(({ spec }) => timeText(cells[spec.id]))]),
    }),
    ...ours.flatMap((id) => {
      const label = peers.find(({ spec }) => spec.id === id)?.spec.label;
      if (label === undefined || !own.some(({ cells }) => cells[id]?.seconds)) return [];
      return [
        `Their time over that of ${label}:`,
        markdownTable({
          columns: ['network', 'n', 'batch', ...others.map(({ spec }) => spec.label)],
          rows: own.map(({ size, cells }) => [
            ...head(size),
            ...others.map(({ spec }) => ratioText(cells[spec.id], id)),
          ]),
        }),
      ];
    }),
    chosenWays(own, others),
  ];
}

/** Whether a peer has anything to say at a size, be it that it failed. */
function isShown(cell: Cell | undefined): boolean {
  return cell?.seconds !== undefined || (cell?.reason !== undefined && !['left out', '–'].includes(cell.reason));
}

function timeText(cell: Cell | undefined): string {
  if (cell?.seconds) return timeCell(cell.seconds);
  return cell?.reason ?? '–';
}

function ratioText(cell: Cell | undefined, ours: string): string {
  const ratio = cell?.ratios?.[ours];
  if (ratio === undefined) return '–';
  const [low, high] = ratio.quartiles.map((value) => value.toPrecision(2));
  return `${ratio.median.toPrecision(3)} (${low} – ${high})`;
}

function chosenWays(measurements: readonly Measurement[], peers: readonly Peer[]): string {
  const lines = peers.flatMap(({ spec }) => {
    const places = new Map<string, string[]>();
    for (const { size, cells } of measurements) {
      const note = cells[spec.id]?.seconds && cells[spec.id].note;
      if (note) places.set(note, [...(places.get(note) ?? []), `[${size.widths}] ${size.intervals}/${size.batch}`]);
    }
    if (places.size === 0) return [];
    return [`- ${spec.label}: ${[...places].map(([note, where]) => `${note} at ${where.join(', ')}`).join('; ')}`];
  });
  return lines.length > 0 ? `What peers chose, at network n/batch:\n\n${lines.join('\n')}` : '';
}

function chart({ peers, measurements }: Findings, widths: readonly number[], task: Task): string {
  const batches = [4096, 1024].map((batch) =>
    measurements.filter(({ size }) => size.task === task && `${size.widths}` === `${widths}` && size.batch === batch),
  );
  const points = batches.sort((a, b) => b.length - a.length)[0];
  const sorted = [...points].sort((a, b) => a.size.intervals - b.size.intervals);
  const batch = sorted[0]?.size.batch;
  return lineChart({
    title: `${TASKS[task]}, [${widths}]${batch ? `, batch ${batch}` : ''}`,
    xLabel: 'intervals n',
    yLabel: 'seconds per step',
    xScale: 'log',
    yScale: 'log',
    xTicks: sorted.map(({ size }) => size.intervals),
    series: peers
      .map(({ spec }) => {
        const own = sorted.filter(({ cells }) => cells[spec.id]?.seconds);
        return {
          name: spec.label,
          x: own.map(({ size }) => size.intervals),
          y: own.map(({ cells }) => cells[spec.id].seconds!.median),
          dashed: !OURS.includes(spec.id),
        };
      })
      .filter(({ x }) => x.length > 0),
  });
}
