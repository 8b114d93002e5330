/** What every command shares: the terminal, the one JSON document, interrupts, the device. */
import type { Command } from 'commander';
import { EXIT } from './failure.ts';
import { toJson } from './json.ts';
import { choice, wholeNumber } from './options.ts';
import { createTerminal, type Terminal } from './terminal.ts';

export interface Shell {
  readonly terminal: Terminal;
  /** Prints a command's result on standard output if --json was given. Once per run. */
  print(document: object): void;
  /** Aborted by the first Ctrl-C; a second one ends the process at once. Only commands that call this catch Ctrl-C. */
  interruptible(): AbortSignal;
}

export interface CommonOptions {
  device: 'auto' | 'webgpu' | 'cpu';
  json?: true;
  quiet?: true;
}

export interface RunOptions extends CommonOptions {
  seed: number;
  out?: string;
  report?: string;
}

export function createShell({ json, quiet }: { json: boolean; quiet: boolean }): Shell {
  const terminal = createTerminal(process.stderr, { quiet });

  function print(document: object): void {
    if (json) process.stdout.write(toJson(document));
  }

  function interruptible(): AbortSignal {
    const controller = new AbortController();
    process.on('SIGINT', () => {
      if (controller.signal.aborted) process.exit(EXIT.interrupted);
      terminal.say('Stopping after this step. Ctrl-C again ends at once.');
      controller.abort();
    });
    return controller.signal;
  }

  return { terminal, print, interruptible };
}

/** --device, --json, --quiet. */
export function addCommonOptions(command: Command): Command {
  return command
    .option(
      '--device <name>',
      'where to compute: auto, webgpu or cpu',
      choice('--device', ['auto', 'webgpu', 'cpu']),
      'auto',
    )
    .option('--json', 'print one JSON document on standard output')
    .option('--quiet', 'say nothing on standard error but errors');
}

/** The common options, --seed, --out and --report, for commands that train. */
export function addRunOptions(command: Command): Command {
  return addCommonOptions(command)
    .option('--seed <number>', 'seed of everything random', wholeNumber('--seed', { min: 0 }), 0)
    .option('--out <file>', 'write the result to this file')
    .option('--report <file.html>', 'write a report with plots, one self-contained HTML file');
}
