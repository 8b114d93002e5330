/** What the benchmarks have in common: their arguments, statistics, devices, and the place where results go. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { basename, join } from 'node:path';
import { type Backend, CpuBackend, openBackend } from '../src/node.ts';
import { formatSeconds } from '../src/report/format.ts';

/** Fewer sizes and repetitions, to see whether a benchmark works at all. */
export const quick = process.argv.includes('--quick');

export interface Summary {
  readonly count: number;
  readonly median: number;
  /** First and third quartile. */
  readonly quartiles: readonly [number, number];
  readonly mean: number;
  /** Of a sample: divided by count − 1. */
  readonly sd: number;
}

export function summarise(samples: readonly number[]): Summary {
  const sorted = [...samples].sort((a, b) => a - b);
  const mean = sorted.reduce((sum, value) => sum + value, 0) / sorted.length;
  const squares = sorted.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return {
    count: sorted.length,
    median: quantile(sorted, 0.5),
    quartiles: [quantile(sorted, 0.25), quantile(sorted, 0.75)],
    mean,
    sd: sorted.length > 1 ? Math.sqrt(squares / (sorted.length - 1)) : 0,
  };
}

/** Linear interpolation between order statistics. */
function quantile(sorted: readonly number[], share: number): number {
  const position = share * (sorted.length - 1);
  const below = Math.floor(position);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (position - below) * (sorted[above] - sorted[below]);
}

export function median(samples: readonly number[]): number {
  return summarise(samples).median;
}

/** `0.71 ms (0.70 ms – 0.74 ms)`: median and quartiles. */
export function timeCell({ median, quartiles }: Summary): string {
  return `${formatSeconds(median)} (${quartiles.map(formatSeconds).join(' – ')})`;
}

export async function secondsOf(work: () => unknown): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

/** Seconds by the clock, and of processor time: the latter is the steadier one where other programs run as well. */
export async function timesOf(work: () => unknown): Promise<{ clock: number; processor: number }> {
  const before = process.cpuUsage();
  const clock = await secondsOf(work);
  const { user, system } = process.cpuUsage(before);
  return { clock, processor: (user + system) * 1e-6 };
}

/** The CPU and, always, WebGPU: a benchmark without a device fails, it does not shrink. */
export async function openBackends(): Promise<{ cpu: Backend; webgpu: Backend }> {
  return { cpu: new CpuBackend(), webgpu: await openBackend({ device: 'webgpu' }) };
}

export interface Report {
  /** Of the files. */
  readonly name: string;
  readonly title: string;
  /** Paragraphs and tables, in order. */
  readonly sections: readonly string[];
  /** SVG by the suffix of its file name, '' for the one that bears the benchmark's name alone. */
  readonly charts: Readonly<Record<string, string>>;
  readonly webgpu?: Pick<Backend, 'adapter' | 'precision'>;
  /** Raw numbers, as JSON. */
  readonly results: unknown;
  /** Of the benchmark, with its options, where they are other than `name`. */
  readonly command?: string;
  /** Prints nothing: for reports that are written again and again while a benchmark goes on. */
  readonly quiet?: boolean;
}

/** Writes Markdown, charts and raw numbers. */
export function writeReport({ name, title, sections, charts, webgpu, results, command = name, quiet }: Report): void {
  const documents = quick ? 'build/bench/docs' : 'docs/benchmarks';
  const raw = quick ? 'build/bench/results' : 'bench/results';
  for (const folder of [documents, raw]) mkdirSync(folder, { recursive: true });
  const setting = describeSetting(command, webgpu);
  const files = Object.entries(charts).map(([suffix, svg]) => ({
    path: join(documents, `${name}${suffix === '' ? '' : `-${suffix}`}.svg`),
    svg,
  }));
  for (const { path, svg } of files) writeFileSync(path, `${svg}\n`);
  const images = files.map(({ path }) => `![${title}](${basename(path)})`);
  const text = [`# ${title}`, setting, ...images, ...sections].join('\n\n');
  const markdown = join(documents, `${name}.md`);
  writeFileSync(markdown, `${text}\n`);
  writeFileSync(join(raw, `${name}.json`), `${JSON.stringify({ setting, results }, undefined, 1)}\n`);
  if (quiet) return;
  console.log(`${text}\n\nwritten: ${[markdown, ...files.map(({ path }) => path)].join(', ')}`);
}

/** When, where and by which command a benchmark was run. */
export function describeSetting(command: string, webgpu?: Pick<Backend, 'adapter' | 'precision'>): string {
  const processors = cpus();
  const parts = [
    new Date().toISOString().slice(0, 10),
    `${processors[0]?.model.trim() ?? 'unknown processor'}, ${processors.length} cores`,
    `Node ${process.version}`,
    webgpu && `WebGPU: ${webgpu.adapter}, ${webgpu.precision}`,
    `\`npm run bench -- ${command}${quick ? ' --quick' : ''}\``,
  ];
  return `Measured ${parts.filter((part) => part !== undefined).join('; ')}.`;
}
