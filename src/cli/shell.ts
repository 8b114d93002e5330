/** What every command shares: the terminal, the one JSON document, interrupts, the device. */
import type { Command } from 'commander';
import { NestkanError } from '../node.ts';
import { EXIT, toFailure } from './failure.ts';
import { toJson } from './json.ts';
import { choice, wholeNumber } from './options.ts';
import { createTerminal, type Terminal } from './terminal.ts';

export interface Shell {
  readonly terminal: Terminal;
  /** What was typed, to be pasted into a terminal again. */
  readonly commandLine: string;
  readonly json: boolean;
  /** Of a run that did not fail: 130 after a result that was cut short by Ctrl-C. */
  readonly exitCode: number;
  /** Prints a command's result on standard output if --json was given. Once per run. */
  print(document: Result): void;
  /** Aborted by the first Ctrl-C; a second one ends the process at once. Only commands that call this catch Ctrl-C. */
  interruptible(): AbortSignal;
}

/** What a command hands to standard output. */
export interface Result {
  command: string;
  /** The run was stopped; this is what there was by then. */
  interrupted?: boolean;
}

export interface CommonOptions {
  device: 'auto' | 'webgpu' | 'cpu';
  threads?: number;
  json?: true;
  quiet?: true;
}

export interface RunOptions extends CommonOptions {
  seed: number;
  out?: string;
  report?: string;
}

export function createShell(argv: readonly string[], { json, quiet }: { json: boolean; quiet: boolean }): Shell {
  const terminal = createTerminal(process.stderr, { quiet });
  const commandLine = ['nestkan', ...argv.map(quoted)].join(' ');
  let exitCode: number = EXIT.done;

  function print(document: Result): void {
    if (document.interrupted) exitCode = EXIT.interrupted;
    if (json) process.stdout.write(toJson(document));
  }

  function interruptible(): AbortSignal {
    const controller = new AbortController();
    process.on('SIGINT', () => {
      if (controller.signal.aborted) endAtOnce();
      terminal.say('Stopping after this step. Ctrl-C again ends at once.');
      controller.abort();
    });
    return controller.signal;
  }

  function endAtOnce(): never {
    terminal.close();
    const error = new NestkanError('INTERRUPTED', 'Interrupted twice: nothing was kept.', {
      fix: 'Press Ctrl-C once and wait for the step to end, to keep the best model so far.',
    });
    if (json) process.stdout.write(toJson({ error: toFailure(error) }));
    process.exit(EXIT.interrupted);
  }

  return {
    terminal,
    commandLine,
    json,
    get exitCode() {
      return exitCode;
    },
    print,
    interruptible,
  };
}

/** For a POSIX shell. */
function quoted(argument: string): string {
  return /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", "'\\''")}'`;
}

/** --device, --threads, --json, --quiet. */
export function addCommonOptions(command: Command): Command {
  return command
    .option(
      '--device <name>',
      'where to compute: auto, webgpu or cpu',
      choice('--device', ['auto', 'webgpu', 'cpu']),
      'auto',
    )
    .option(
      '--threads <number>',
      'threads of the CPU; default one for each processor, at most 8',
      wholeNumber('--threads', { max: 256 }),
    )
    .option('--json', 'print one JSON document on standard output')
    .option('--quiet', 'say nothing on standard error but errors');
}

/** The common options, --seed, --out and --report, for commands that train. */
export function addRunOptions(command: Command, { out }: { out: string }): Command {
  return addCommonOptions(command)
    .option('--seed <number>', 'seed of everything random', wholeNumber('--seed', { min: 0 }), 0)
    .option('--out <file>', out)
    .option('--report <file.html>', 'write a report with plots, one self-contained HTML file');
}
