/** Reads the command line, runs the command, and turns whatever happens into output and an exit code. */
import { Command, CommanderError } from 'commander';
import { defineCompare } from './compare.ts';
import { EXIT, exitCodeOf, toFailure } from './failure.ts';
import { defineFit } from './fit.ts';
import { defineInfo } from './info.ts';
import { toJson } from './json.ts';
import { definePredict } from './predict.ts';
import { createShell, type Shell } from './shell.ts';
import { defineSolve } from './solve.ts';
import { VERSION } from './version.ts';

/** What commander itself wants to print: help and version. */
interface Printed {
  text: string;
}

/** Runs one command line, without the program's name. Returns the exit code. */
export async function run(argv: readonly string[]): Promise<number> {
  const flags = beforeDashes(argv);
  const json = flags.includes('--json');
  const shell = createShell(argv, { json, quiet: flags.includes('--quiet') });
  const printed: Printed = { text: '' };
  const program = defineProgram(shell, printed);
  const command = program.commands.map((candidate) => candidate.name()).find((name) => name === flags[0]);
  // Errors outside any promise that is awaited, for example from a device's callback, keep the contract too.
  process.once('uncaughtException', (error) => process.exit(fail(error, { shell, json, command })));
  try {
    await program.parseAsync(argv, { from: 'user' });
    return shell.exitCode;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) {
      process.stdout.write(json ? toJson(asDocument(error, printed)) : printed.text);
      return EXIT.done;
    }
    return fail(error, { shell, json, command });
  }
}

/** Tells the user about an error. Returns the exit code. */
export function fail(
  error: unknown,
  { shell, json, command }: { shell: Shell; json: boolean; command?: string },
): number {
  const failure = toFailure(error, command);
  if (failure.code === 'INTERNAL_ERROR' && error instanceof Error) shell.terminal.complain(error.stack ?? '');
  shell.terminal.complain(`${failure.code}: ${failure.message}\n${failure.fix}`);
  if (json) process.stdout.write(toJson({ error: failure }));
  return exitCodeOf(failure);
}

function defineProgram(shell: Shell, printed: Printed): Command {
  const program = new Command('nestkan')
    .description('Trains spline Kolmogorov–Arnold networks coarse to fine.')
    .version(VERSION)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => {
        printed.text += text;
      },
      // Errors come back as exceptions and are reported in one place.
      writeErr: () => {},
    });
  defineFit(program, shell);
  definePredict(program, shell);
  defineSolve(program, shell);
  defineCompare(program, shell);
  defineInfo(program, shell);
  return program;
}

/** Flags count up to `--`; what follows are arguments. */
function beforeDashes(argv: readonly string[]): readonly string[] {
  const dashes = argv.indexOf('--');
  return dashes === -1 ? argv : argv.slice(0, dashes);
}

function asDocument({ code }: CommanderError, { text }: Printed): object {
  return code === 'commander.version' ? { version: text.trim() } : { help: text };
}
