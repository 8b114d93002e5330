/** Stable identifiers of everything that can go wrong; a program may branch on them. */
export type ErrorCode =
  // arguments
  | 'INVALID_ARGUMENT'
  | 'DEGREE_OUT_OF_RANGE'
  | 'INTERVALS_OUT_OF_RANGE'
  | 'DOMAIN_INVALID'
  | 'SHAPE_MISMATCH'
  | 'NON_FINITE_INPUT'
  | 'KAN_INPUT_WIDTH'
  | 'UNKNOWN_OPTION'
  // data
  | 'DATA_EMPTY'
  | 'DATA_TOO_FEW_ROWS'
  | 'DATA_BAD_ROWS'
  | 'DATA_CONSTANT_COLUMN'
  | 'DATA_CATEGORICAL_COLUMN'
  | 'DATA_UNKNOWN_COLUMN'
  | 'DATA_MALFORMED'
  | 'FILE_NOT_FOUND'
  | 'FILE_NOT_READABLE'
  | 'FILE_NOT_WRITABLE'
  | 'MODEL_FILE_INVALID'
  | 'PROBLEM_INVALID'
  // device
  | 'WEBGPU_UNAVAILABLE'
  | 'DEVICE_LOST'
  | 'DEVICE_ERROR'
  | 'SHADER_INVALID'
  | 'BUFFER_TOO_LARGE'
  | 'BUFFER_ALIASED'
  | 'OUT_OF_MEMORY'
  | 'BACKEND_DESTROYED'
  | 'BACKEND_MISMATCH'
  // training
  | 'NON_FINITE_TRAINING'
  | 'OPTIMIZER_UNSUITABLE'
  | 'INTERRUPTED';

export interface ErrorDetails {
  /** What the caller can do about it, as an imperative sentence. */
  fix: string;
  /** Where it happened: level, layer, step, file, line, column … */
  where?: Record<string, unknown>;
  cause?: unknown;
}

/** The one error class of the library: data (`code`, `message`, `fix`, `where`) rather than prose alone. */
export class NestkanError extends Error {
  override readonly name: string = 'NestkanError';
  readonly code: ErrorCode;
  readonly fix: string;
  readonly where: Record<string, unknown>;

  constructor(code: ErrorCode, message: string, { fix, where = {}, cause }: ErrorDetails) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.fix = fix;
    this.where = where;
  }
}

/** By its shape: an error may come from another copy of the library, one that a user's module brings along. */
export function isNestkanError(error: unknown): error is NestkanError {
  return error instanceof Error && error.name === 'NestkanError' && 'code' in error && 'fix' in error;
}
