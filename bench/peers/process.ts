/** A peer as the harness sees it: a process that answers. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createWriteStream, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Hello, Reply, Request } from './protocol.ts';

const LOGS = join('build', 'bench', 'peers');
const START_SECONDS = 90;

export interface PeerSpec {
  readonly id: string;
  /** In tables. */
  readonly label: string;
  readonly command: readonly string[];
  /** Relative l2 difference to the CPU backend that loss and gradients may have. */
  readonly tolerance: number;
  /** Seconds for which an answer is waited for. */
  readonly patience: number;
}

/** Starts when first asked, and again after it has died. */
export class Peer {
  readonly spec: PeerSpec;
  hello?: Hello;
  #child?: ChildProcessWithoutNullStreams;
  #answer?: (reply: Reply | Hello) => void;
  #dead = false;
  /** Why it is, if it went by itself. */
  #end = '';

  constructor(spec: PeerSpec) {
    this.spec = spec;
  }

  /** Its first line, or why there is none. */
  async start(): Promise<Hello | { failed: string }> {
    mkdirSync(LOGS, { recursive: true });
    const [program, ...rest] = this.spec.command;
    const child = spawn(program, rest, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child = child;
    this.#dead = false;
    const log = createWriteStream(join(LOGS, `${this.spec.id}.log`), { flags: 'a' });
    child.stderr.pipe(log, { end: false });
    child.stdin.on('error', () => {});
    createInterface({ input: child.stdout }).on('line', (line) => {
      // Libraries print warnings of their own.
      if (!line.startsWith('{')) log.write(`${line}\n`);
      else if (child === this.#child) this.#answer?.(JSON.parse(line));
    });
    const end = (why: string) => {
      if (child !== this.#child) return;
      this.#dead = true;
      this.#end = why;
      this.#answer?.({ failed: why });
    };
    child.on('error', (error) => end(error.message));
    child.on('exit', (code, signal) =>
      end(`the process ended with ${signal ?? code}, see ${LOGS}/${this.spec.id}.log`),
    );
    const hello = (await this.#wait(START_SECONDS)) as Hello | { failed: string };
    if (!('failed' in hello)) this.hello = hello;
    return hello;
  }

  async ask<Answer extends Reply>(request: Request): Promise<Answer | { failed: string } | { unsupported: string }> {
    if (this.#child === undefined || this.#dead) {
      // Another process would know nothing of what is to be timed.
      if (request.op === 'time') return { failed: this.#end };
      const hello = await this.start();
      if ('failed' in hello) return hello;
    }
    this.#child!.stdin.write(`${JSON.stringify(request)}\n`);
    const patience = request.op === 'train' ? request.cap + this.spec.patience : this.spec.patience;
    return (await this.#wait(patience)) as Answer;
  }

  close(): void {
    if (this.#child === undefined || this.#dead) return;
    this.#child.stdin.end();
  }

  /** Ends the process; the next request starts another. What went wrong in one may have left its memory full. */
  abandon(): void {
    this.#dead = true;
    this.#child?.kill('SIGKILL');
    this.#child = undefined;
    this.#answer = undefined;
  }

  #wait(seconds: number): Promise<Reply | Hello> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.abandon();
        resolve({ failed: `no answer within ${seconds} s` });
      }, 1000 * seconds);
      this.#answer = (reply) => {
        clearTimeout(timer);
        this.#answer = undefined;
        resolve(reply);
      };
    });
  }
}
