import type { CaseRequest, Hello, Reply, Request } from './protocol.ts';

export class Unsupported extends Error {}
export type Handlers = {
  [Op in Exclude<Request['op'], 'close'>]?: (request: Extract<Request, { op: Op }>) => Promise<Reply>;
};
export function serve(hello: Hello, handlers: Handlers): Promise<void>;
export function readArrays(path: string, lengths: readonly number[]): Float64Array[];
export function writeArrays(path: string, arrays: readonly ArrayLike<number>[]): void;
export function readCase(request: CaseRequest): {
  x: Float64Array;
  targets: Float64Array;
  weights: Float64Array[];
  outputs: number;
};
