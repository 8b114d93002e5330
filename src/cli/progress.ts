/** Three ways to show progress: a drawn bar, plain lines, nothing. */
import { Presets, SingleBar } from 'cli-progress';

export interface ProgressOptions {
  /** What is being done, a word or two. */
  label: string;
  /** Units of work in all. */
  total: number;
}

export interface Bar {
  update(done: number, note?: string): void;
  stop(): void;
}

const SECONDS_BETWEEN_LINES = 5;

export const silentProgress: Bar = { update() {}, stop() {} };

/** A bar that redraws itself in place. */
export function drawnBar({ label, total }: ProgressOptions, stream: NodeJS.WriteStream, onStop: () => void): Bar {
  const bar = new SingleBar(
    {
      stream,
      format: '{label} {bar} {percentage}% {note}',
      barsize: 30,
      hideCursor: true,
      clearOnComplete: true,
      // Interrupts belong to the program: it stops the bar itself.
      gracefulExit: false,
    },
    Presets.shades_classic,
  );
  let running = true;
  bar.start(total, 0, { label, note: '' });
  return {
    update(done, note = '') {
      if (running) bar.update(Math.min(done, total), { note });
    },
    stop() {
      if (!running) return;
      running = false;
      bar.stop();
      onStop();
    },
  };
}

/** A line every few seconds, for logs. Short work leaves no line. */
export function plainProgress({ label, total }: ProgressOptions, say: (line: string) => void): Bar {
  let last = performance.now();
  let running = true;
  return {
    update(done, note = '') {
      const elapsed = (performance.now() - last) / 1000;
      if (!running || elapsed < SECONDS_BETWEEN_LINES) return;
      last = performance.now();
      say(`${label}: ${Math.floor((100 * done) / total)} % ${note}`.trimEnd());
    },
    stop() {
      running = false;
    },
  };
}
