/** What a worker of src/node/thread-pool.ts runs: it waits for steps and does its share of them, and nothing else. */
import { receiveMessageOnPort, workerData } from 'node:worker_threads';
import type { Kernel } from '../kernels/kernel.ts';
import { kernels } from '../kernels/registry.ts';
import { kernelMakers } from './kernel-makers.ts';
import {
  FAILURES,
  type Order,
  type SharedStep,
  STEP,
  TURN,
  type WorkerFailure,
  type WorkerStart,
  workOn,
} from './thread-protocol.ts';

/** Looks at the control words before sleeping: about as long as waking takes. */
const SPINS = 2000;

const { control, port } = workerData as WorkerStart;
const steps = new Map<number, SharedStep & { readonly made: Kernel }>();

work().catch(({ message, stack }: Error) => {
  port.postMessage({ message, stack } satisfies WorkerFailure);
  Atomics.add(control, FAILURES, 1);
  Atomics.notify(control, FAILURES);
});

async function work(): Promise<never> {
  await Promise.all(kernels.map(({ prepare }) => prepare?.()));
  for (;;) {
    const turn = Atomics.load(control, TURN);
    takeTurn(Atomics.load(control, STEP));
    let spins = SPINS;
    while (Atomics.load(control, TURN) === turn && spins > 0) spins--;
    if (spins === 0) Atomics.wait(control, TURN, turn);
  }
}

function takeTurn(id: number): void {
  // Sent before its first turn, and messages can be fetched at any time.
  if (id > 0 && !steps.has(id)) fetchOrders();
  const step = steps.get(id);
  if (step) workOn(step.made, step.buffers, step.constants, step.tickets);
}

function fetchOrders(): void {
  for (;;) {
    const received = receiveMessageOnPort(port) as { message: Order } | undefined;
    if (received === undefined) return;
    const order = received.message;
    if ('step' in order) steps.set(order.step.id, { ...order.step, made: make(order.step.kernel) });
    else for (const id of order.forget) steps.delete(id);
  }
}

function make(kernel: SharedStep['kernel']): Kernel {
  if (typeof kernel === 'string') return kernels.find(({ name }) => name === kernel)!;
  return kernelMakers[kernel.maker](kernel.options as never);
}
