/**
 * How the harness talks to peers: a process each, one JSON object per line, a reply to every request.
 *
 * Arrays travel in files of float64 numbers, little-endian, one array after the other, row-major.
 */
export type Task = 'regression' | 'poisson' | 'forward';

export interface Size {
  readonly task: Task;
  readonly widths: readonly number[];
  /** Of every layer. */
  readonly intervals: number;
  readonly batch: number;
}

export interface CaseRequest extends Size {
  readonly op: 'prepare';
  /** Inputs [batch, inputs], targets [batch, outputs] or f [batch], weights [inputs, intervals + 3, outputs] of every layer. */
  readonly dataFile: string;
  /** To be written: gradients in the layout of the weights; for `forward` the outputs. */
  readonly checkFile: string;
  /** Adam's. */
  readonly rate: number;
}

/** Training to a given test error. */
export interface TrainRequest {
  readonly op: 'train';
  readonly case: 'regression' | 'poisson';
  readonly widths: readonly number[];
  readonly intervals: number;
  readonly optimizer: 'adam' | 'lbfgs';
  readonly precision: 'float32' | 'float64';
  /** A way of torch_kan.py. */
  readonly way: string;
  readonly rate: number;
  readonly target: number;
  /** Seconds. */
  readonly cap: number;
  /** regression: inputs, targets, then those of the test; poisson: volume points, f, boundary points, test points, solution. */
  readonly dataFile: string;
  readonly counts: Readonly<Record<string, number>>;
}

export type Request =
  | CaseRequest
  | { readonly op: 'time'; readonly steps: number }
  | TrainRequest
  | { readonly op: 'release' }
  | { readonly op: 'close' };

/** The first line, unasked. */
export interface Hello {
  readonly versions: string;
  readonly device: string;
  /** Of a WebGPU adapter: whether it is no software one. */
  readonly hardware?: boolean;
}

export interface Prepared {
  readonly loss: number;
  /** The way and the threads that were chosen. */
  readonly note?: string;
}

export interface Timed {
  readonly seconds: number;
  /** Where they are other than asked for. */
  readonly steps?: number;
}

export interface Trained {
  readonly seconds: number;
  /** Smallest test error seen. */
  readonly error: number;
  readonly reached: boolean;
  readonly steps: number;
}

export type Reply =
  | Prepared
  | Timed
  | Trained
  | { readonly unsupported: string }
  | { readonly failed: string }
  | Record<string, never>;
