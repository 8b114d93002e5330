/** What people read: lines and progress on standard error, so that standard output stays free for results. */
import { type Bar, drawnBar, type ProgressOptions, plainProgress, silentProgress } from './progress.ts';

export type { ProgressOptions } from './progress.ts';

/** Progress of one piece of work. */
export interface Progress {
  /** `done` of `total` units are finished; `note` says more, for example the loss. */
  update(done: number, note?: string): void;
  /** Removes the bar. Further updates do nothing. */
  stop(): void;
}

export interface Terminal {
  /** One or more lines; nothing with --quiet. */
  say(text: string): void;
  /** Says what went wrong, --quiet or not. */
  complain(text: string): void;
  /** A bar where a person watches, a line every few seconds elsewhere. */
  progress(options: ProgressOptions): Progress;
  /** Removes every bar, for an end without further ado. */
  close(): void;
}

const CLEAR_LINE = '\r\x1b[K';

export function createTerminal(stream: NodeJS.WriteStream, { quiet = false }: { quiet?: boolean } = {}): Terminal {
  const bars = new Set<Bar>();

  function complain(text: string): void {
    // The next update draws the bar again, below.
    if (bars.size > 0) stream.write(CLEAR_LINE);
    stream.write(`${text}\n`);
  }

  function say(text: string): void {
    if (!quiet) complain(text);
  }

  function progress(options: ProgressOptions): Progress {
    if (quiet) return silentProgress;
    if (!stream.isTTY) return plainProgress(options, say);
    const bar = drawnBar(options, stream, () => bars.delete(bar));
    bars.add(bar);
    return bar;
  }

  function close(): void {
    for (const bar of [...bars]) bar.stop();
  }

  return { say, complain, progress, close };
}
