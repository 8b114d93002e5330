/**
 * nestkan beside other implementations of the same spline networks, in the same run: PyTorch, JAX, jax-js, TensorFlow.js and
 * loops by hand. Every peer is a process of its own (bench/peers/), checked against the CPU backend, timed in turns.
 */

import { compiledOnDevice, deviceSizes, fullSizes, isLarge, quickSizes, sizeName } from './peers/cases.ts';
import { findPeers, OURS } from './peers/catalogue.ts';
import { LONGEST_STEP_SECONDS, type Measurement, measure } from './peers/measure.ts';
import { serveBackend, servePlain } from './peers/ours.ts';
import { Peer } from './peers/process.ts';
import type { Size } from './peers/protocol.ts';
import { report } from './peers/report.ts';
import { isTarget } from './peers/targets.ts';
import { plans, type Training, train } from './peers/training.ts';
import { kept } from './physics-case.ts';
import { quick } from './shared.ts';

const argument = (name: string) => process.argv.find((text) => text.startsWith(`--${name}=`))?.split('=')[1];
const role = argument('peer');
/** What trainings to an error take, at the end. */
const TRAINING_SECONDS = 300;

if (role === 'plain') await servePlain();
else if (role === 'cpu' || role === 'webgpu') await serveBackend(role);
else await main();

async function main(): Promise<void> {
  const start = performance.now();
  const seconds = Number(argument('seconds') ?? Number.POSITIVE_INFINITY);
  const timeIsUp = (reserve = 0) => (performance.now() - start) / 1000 > seconds - reserve;
  const onDevice = process.argv.includes('--gpu');
  const { peers: specs, absent: missing, cuda } = findPeers(onDevice);
  const peers = specs.map((spec) => new Peer(spec));
  const absent = [...missing];
  await Promise.all(
    peers.map(async (peer) => {
      const hello = await peer.start();
      if ('failed' in hello) absent.push(`${peer.spec.label}: ${hello.failed}`);
    }),
  );
  for (const reason of absent) console.log(`ABSENT: ${reason}`);
  const present = peers.filter(({ hello }) => hello !== undefined);
  const device = onDevice || present.some(({ hello }) => hello!.hardware === true);
  const sizes = quick ? quickSizes() : device ? deviceSizes() : fullSizes();
  const measurements: Measurement[] = [];
  const trainings: Training[] = [];
  const leftOut: string[] = [];
  const write = (quiet: boolean) =>
    report({ peers: present, absent, measurements, trainings, leftOut, device, quiet, seconds });
  for (const size of sizes) {
    if (timeIsUp(device ? 0 : TRAINING_SECONDS)) {
      leftOut.push(sizeName(size));
      continue;
    }
    const together = device && cuda && !isLarge(size);
    const options = { refusal: refusals(measurements, device), together, timesReference: !device };
    const key = ['peers', device, present.map(({ hello, spec }) => [spec.id, hello!.versions]), size];
    const measurement = await kept(key, () => measure(present, size, options));
    measurements.push(measurement);
    console.log(line(measurement, present));
    write(true);
  }
  for (const plan of plans(device)) {
    if (timeIsUp(device ? 5 * plan.cap : 0)) leftOut.push(`training: ${plan.title}`);
    else trainings.push(await kept(['peers', 'training', device, plan], () => train(plan, present, device)));
    write(true);
  }
  write(false);
  for (const peer of peers) peer.close();
}

/** Refuses what is expected to take too long, by what the next smaller batch took. */
function refusals(measurements: readonly Measurement[], device: boolean) {
  return ({ spec }: Peer, size: Size): string | undefined => {
    if (device && spec.id.endsWith('compile') && !compiledOnDevice(size)) return 'left out';
    const smaller = measurements.filter(
      ({ size: other }) =>
        other.task === size.task && `${other.widths}` === `${size.widths}` && other.intervals === size.intervals,
    );
    const last = smaller[smaller.length - 1];
    if (last === undefined || isTarget(size)) return undefined;
    const cell = last.cells[spec.id];
    if (cell?.reason?.startsWith('skipped')) return cell.reason;
    const expected = (cell?.seconds?.median ?? 0) * (size.batch / last.size.batch);
    return expected > LONGEST_STEP_SECONDS && !OURS.includes(spec.id) ? 'skipped: time' : undefined;
  };
}

function line({ size, cells }: Measurement, peers: readonly Peer[]): string {
  const parts = peers.map(({ spec }) => {
    const { seconds, note, reason } = cells[spec.id] ?? {};
    return `${spec.id} ${seconds ? `${(1000 * seconds.median).toPrecision(3)} ms` : (reason ?? 'checks')}${note ? ` (${note})` : ''}`;
  });
  return `${sizeName(size)}: ${parts.join('; ')}`;
}
