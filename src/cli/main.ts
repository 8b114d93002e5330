#!/usr/bin/env node
import { run } from './program.ts';

for (const stream of [process.stdout, process.stderr]) {
  // A reader that stops early, such as `head`, is no failure.
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

// Set rather than passed to process.exit(), which would cut off output that is still on its way into a pipe.
process.exitCode = await run(process.argv.slice(2));
