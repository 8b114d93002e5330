/** The JavaScript side of the protocol: JSON lines on standard input and output (protocol.ts). */
import { readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

/** What a peer cannot do; the message is what the report says. */
export class Unsupported extends Error {}

/** Answers every line until `close` or the end of the input. */
export async function serve(hello, handlers) {
  const say = (reply) => process.stdout.write(`${JSON.stringify(reply)}\n`);
  // Whatever a library prints goes to standard error.
  console.log = console.error;
  console.info = console.error;
  say(hello);
  for await (const line of createInterface({ input: process.stdin })) {
    const request = JSON.parse(line);
    if (request.op === 'close') break;
    try {
      say(await handlers[request.op](request));
    } catch (error) {
      if (error instanceof Unsupported) say({ unsupported: error.message });
      else {
        console.error(error);
        say({ failed: String(error).split('\n')[0].slice(0, 300) });
        // A WebAssembly module is of no use after that; the harness starts another process.
        if (error instanceof WebAssembly.RuntimeError) break;
      }
    }
  }
  process.exit(0);
}

/** float64 arrays of these lengths, one after the other in one file. */
export function readArrays(path, lengths) {
  const bytes = readFileSync(path);
  let start = 0;
  return lengths.map((length) => {
    const data = new Float64Array(length);
    new Uint8Array(data.buffer).set(bytes.subarray(start, start + 8 * length));
    start += 8 * length;
    return data;
  });
}

/** Of a package in bench/peers. */
export function installedVersion(name) {
  return JSON.parse(readFileSync(new URL(`node_modules/${name}/package.json`, import.meta.url), 'utf8')).version;
}

export function writeArrays(path, arrays) {
  writeFileSync(path, Buffer.concat(arrays.map((array) => Buffer.from(Float64Array.from(array).buffer))));
}

/** Inputs [batch, inputs], targets [batch, outputs] and weights [inputs, intervals + 3, outputs] of every layer. */
export function readCase({ dataFile, task, widths, intervals, batch }) {
  const outputs = task === 'poisson' ? 1 : widths[widths.length - 1];
  const lengths = [batch * widths[0], batch * outputs];
  for (let layer = 0; layer + 1 < widths.length; layer++) {
    lengths.push(widths[layer] * (intervals + 3) * widths[layer + 1]);
  }
  const [x, targets, ...weights] = readArrays(dataFile, lengths);
  return { x, targets, weights, outputs };
}
