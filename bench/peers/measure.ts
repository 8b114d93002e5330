/** One size on all peers: checked against each other, then timed in turns. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { quick, type Summary, summarise } from '../shared.ts';
import { FOLDER, RATE, writeData } from './cases.ts';
import { OURS, REFERENCE } from './catalogue.ts';
import type { Peer, PeerSpec } from './process.ts';
import type { Prepared, Size, Timed } from './protocol.ts';

const ROUNDS = quick ? 3 : 9;
/** Of a sample, and of the warming up before the first. */
const SAMPLE_SECONDS = 0.05;
const WARM_UP_SECONDS = quick ? 0.1 : 0.3;
/** After so many seconds of samples a peer has had enough, if it has at least two. */
const ENOUGH_SECONDS = quick ? 1 : 4;
/** A step that is expected to take longer is left out. */
export const LONGEST_STEP_SECONDS = 4;

export interface Cell {
  /** Seconds per step. */
  readonly seconds?: Summary;
  /** Its time over that of our backends, round by round. */
  readonly ratios?: Readonly<Record<string, Summary>>;
  /** What the peer chose. */
  readonly note?: string;
  /** Relative l2 difference of the gradient, or of the output, to the reference. */
  readonly difference?: number;
  /** Why there are no numbers. */
  readonly reason?: string;
}

export interface Measurement {
  readonly size: Size;
  readonly cells: Readonly<Record<string, Cell>>;
}

export interface Options {
  /** Why a peer takes no part in a size, or undefined. */
  readonly refusal: (peer: Peer, size: Size) => string | undefined;
  /** Peers get ready all at once: where there is a device to wait for, and cores to spare. */
  readonly together: boolean;
  /** Whether the reference is timed as well. */
  readonly timesReference: boolean;
}

export async function measure(peers: readonly Peer[], size: Size, options: Options): Promise<Measurement> {
  const cells: Record<string, Cell> = {};
  const ready = await prepared(peers, size, options, cells);
  const timed = ready.filter(({ spec }) => options.timesReference || spec.id !== REFERENCE);
  const samples = await interleave(timed, cells);
  for (const peer of ready) await peer.ask({ op: 'release' });
  for (const [id, own] of Object.entries(samples)) {
    const ratios: Record<string, Summary> = {};
    for (const ours of OURS.filter((other) => samples[other] !== undefined && other !== id)) {
      const rounds = Math.min(own.length, samples[ours].length);
      ratios[ours] = summarise(own.slice(0, rounds).map((seconds, round) => seconds / samples[ours][round]));
    }
    cells[id] = { ...cells[id], seconds: summarise(own), ratios };
  }
  return { size, cells };
}

/** The peers that have the case before them and compute what the reference computes; the others' cells say why not. */
async function prepared(
  peers: readonly Peer[],
  size: Size,
  { refusal, together }: Options,
  cells: Record<string, Cell>,
): Promise<Peer[]> {
  const dataFile = await writeData(size);
  const losses: Record<string, number> = {};
  const prepare = async (peer: Peer) => {
    const { id } = peer.spec;
    const reason = id === REFERENCE ? undefined : refusal(peer, size);
    if (reason !== undefined) {
      cells[id] = { reason };
      return;
    }
    const checkFile = checkFileOf(id);
    const reply = await peer.ask<Prepared>({ op: 'prepare', ...size, dataFile, checkFile, rate: RATE });
    if ('loss' in reply) {
      losses[id] = reply.loss;
      cells[id] = { note: reply.note };
      return;
    }
    cells[id] = { reason: 'failed' in reply ? reply.failed : reply.unsupported };
    if ('failed' in reply && id !== REFERENCE) peer.abandon();
  };
  if (together) await Promise.all(peers.map(prepare));
  else for (const peer of peers) await prepare(peer);
  if (losses[REFERENCE] === undefined) throw new Error(`the reference failed: ${cells[REFERENCE].reason}`);
  for (const { spec } of peers) {
    if (losses[spec.id] !== undefined) cells[spec.id] = { ...cells[spec.id], ...compared(spec, losses) };
  }
  return peers.filter(({ spec }) => cells[spec.id].reason === undefined);
}

function checkFileOf(id: string): string {
  return join(FOLDER, `check-${id}.bin`);
}

/** The difference of loss and numbers to the reference's; too large a one is a failure. */
function compared(
  { id, tolerance }: PeerSpec,
  losses: Readonly<Record<string, number>>,
): Pick<Cell, 'difference' | 'reason'> {
  if (id === REFERENCE) return {};
  const own = readNumbers(checkFileOf(id));
  const expected = readNumbers(checkFileOf(REFERENCE));
  const difference = Math.max(relativeL2([losses[id]], [losses[REFERENCE]]), relativeL2(own, expected));
  if (own.length === expected.length && difference <= tolerance) return { difference };
  return { difference, reason: `fails the check: differs by ${difference.toExponential(1)}` };
}

function readNumbers(path: string): Float64Array {
  return new Float64Array(new Uint8Array(readFileSync(path)).buffer);
}

function relativeL2(values: ArrayLike<number>, expected: ArrayLike<number>): number {
  let [squares, size] = [0, 0];
  for (let index = 0; index < expected.length; index++) {
    squares += (values[index] - expected[index]) ** 2;
    size += expected[index] ** 2;
  }
  return Math.sqrt(squares / size);
}

/** Seconds per step of every peer, one sample per round and peer in turn; who fails gets a reason and no more turns. */
async function interleave(peers: readonly Peer[], cells: Record<string, Cell>): Promise<Record<string, number[]>> {
  const samples: Record<string, number[]> = {};
  const steps: Record<string, number> = {};
  const spent: Record<string, number> = {};
  const drop = (id: string, reason: string) => {
    delete steps[id];
    delete samples[id];
    cells[id] = { ...cells[id], reason };
  };
  const time = async (peer: Peer, wanted: number): Promise<number | undefined> => {
    const reply = await peer.ask<Timed>({ op: 'time', steps: wanted });
    if (!('seconds' in reply)) {
      drop(peer.spec.id, 'failed' in reply ? reply.failed : reply.unsupported);
      return undefined;
    }
    spent[peer.spec.id] = (spent[peer.spec.id] ?? 0) + reply.seconds;
    return reply.seconds / (reply.steps ?? wanted);
  };
  for (const peer of peers) {
    const { id } = peer.spec;
    let wanted = 1;
    for (;;) {
      const perStep = await time(peer, wanted);
      if (perStep === undefined) break;
      steps[id] = Math.max(1, Math.round(SAMPLE_SECONDS / perStep));
      wanted = Math.min(2 * wanted, steps[id]);
      if (spent[id] > WARM_UP_SECONDS) break;
    }
    spent[id] = 0;
  }
  for (let round = 0; round < ROUNDS; round++) {
    for (const peer of peers) {
      const { id } = peer.spec;
      if (steps[id] === undefined || (round >= 2 && spent[id] > ENOUGH_SECONDS)) continue;
      const perStep = await time(peer, steps[id]);
      if (perStep !== undefined) samples[id] = [...(samples[id] ?? []), perStep];
    }
  }
  return samples;
}
