/** From anything thrown to what the user is told and the exit code that scripts see. */
import { CommanderError } from 'commander';
import { type ErrorCode, isNestkanError } from '../node.ts';

export const EXIT = { done: 0, failed: 1, usage: 2, interrupted: 130 } as const;

/** What `--json` prints under `error`. */
export interface Failure {
  code: ErrorCode | 'INTERNAL_ERROR';
  message: string;
  fix: string;
}

/** Errors of the command line's user: wrong options or bad files, as opposed to a run that failed. */
const USAGE_CODES = new Set<Failure['code']>([
  'INVALID_ARGUMENT',
  'DEGREE_OUT_OF_RANGE',
  'INTERVALS_OUT_OF_RANGE',
  'DOMAIN_INVALID',
  'SHAPE_MISMATCH',
  'NON_FINITE_INPUT',
  'KAN_INPUT_WIDTH',
  'UNKNOWN_OPTION',
  'DATA_EMPTY',
  'DATA_TOO_FEW_ROWS',
  'DATA_BAD_ROWS',
  'DATA_CONSTANT_COLUMN',
  'DATA_CATEGORICAL_COLUMN',
  'DATA_UNKNOWN_COLUMN',
  'DATA_MALFORMED',
  'FILE_NOT_FOUND',
  'FILE_NOT_READABLE',
  'FILE_NOT_WRITABLE',
  'MODEL_FILE_INVALID',
  'PROBLEM_INVALID',
  'OPTIMIZER_UNSUITABLE',
]);

/** @param command the command that was asked for, to point to its help */
export function toFailure(error: unknown, command?: string): Failure {
  if (error instanceof CommanderError) return usageFailure(error, command);
  if (isNestkanError(error)) return { code: error.code, message: error.message, fix: error.fix };
  if (error instanceof Error && error.name === 'AbortError') {
    return { code: 'INTERRUPTED', message: 'Interrupted.', fix: 'Run the command again to start over.' };
  }
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return { code: 'INTERNAL_ERROR', message, fix: 'This is a defect of nestkan: please report it with the command.' };
}

export function exitCodeOf({ code }: Failure): number {
  if (code === 'INTERRUPTED') return EXIT.interrupted;
  return USAGE_CODES.has(code) ? EXIT.usage : EXIT.failed;
}

function usageFailure(error: CommanderError, command?: string): Failure {
  if (error.code === 'commander.help') {
    return {
      code: 'INVALID_ARGUMENT',
      message: 'No known command was given.',
      fix: 'Run nestkan --help to see the commands.',
    };
  }
  const [problem, suggestion] = error.message.replace(/^error: /, '').split('\n');
  const help = `See nestkan ${command === undefined ? '' : `${command} `}--help.`;
  const hint = /^\((.*)\)$/.exec(suggestion ?? '')?.[1];
  return {
    code: error.code === 'commander.unknownOption' ? 'UNKNOWN_OPTION' : 'INVALID_ARGUMENT',
    message: `${problem[0].toUpperCase()}${problem.slice(1).replace(/\.$/, '')}.`,
    fix: hint === undefined ? help : `${hint} ${help}`,
  };
}
