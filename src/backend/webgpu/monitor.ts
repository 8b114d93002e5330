import { NestkanError } from '../../errors.ts';

/** After a call is rejected, how long to wait for the news that the device was lost, which explains the rejection. */
const GRACE_MILLISECONDS = 100;

/** Watches a device for errors that WebGPU reports late, so that the next call can throw them. */
export class DeviceMonitor {
  readonly device: GPUDevice;
  /** Resolves when the device is lost. */
  readonly lost: Promise<void>;
  #failure: NestkanError | undefined;
  #closed = false;

  constructor(device: GPUDevice) {
    this.device = device;
    this.lost = device.lost.then(({ reason, message }) => this.#fail(deviceLost(reason, message)));
    device.addEventListener('uncapturederror', this.#onError);
  }

  /** Throws what went wrong earlier, if anything did. */
  check(): void {
    if (this.#failure) throw this.#failure;
  }

  /** Makes a buffer; running out of memory is reported by a later {@link check}. */
  createBuffer(descriptor: GPUBufferDescriptor): GPUBuffer {
    this.device.pushErrorScope('out-of-memory');
    const buffer = this.device.createBuffer(descriptor);
    this.device.popErrorScope().then(
      (error) => error && this.#fail(outOfMemory(descriptor.size, error)),
      () => {}, // A lost device is reported by `lost`.
    );
    return buffer;
  }

  /** Runs `make` in a validation scope and throws DEVICE_ERROR if the device objects. */
  async validated<T>(make: () => T): Promise<T> {
    this.device.pushErrorScope('validation');
    const made = make();
    const error = await this.device.popErrorScope().catch(async (cause) => {
      throw await this.explain(cause);
    });
    if (error) throw deviceError(error);
    return made;
  }

  /** The error to throw when the device rejects a promise: the loss of the device if that is why. */
  async explain(cause: unknown): Promise<unknown> {
    if (this.#failure) return this.#failure;
    await Promise.race([this.lost, new Promise((resolve) => setTimeout(resolve, GRACE_MILLISECONDS))]);
    return this.#failure ?? cause;
  }

  /** Stops watching: from here on the only answer is BACKEND_DESTROYED. */
  close(): void {
    this.#failure = new NestkanError('BACKEND_DESTROYED', 'this backend was destroyed', { fix: 'Open a new one.' });
    this.#closed = true;
    this.device.removeEventListener('uncapturederror', this.#onError);
  }

  readonly #onError = (event: GPUUncapturedErrorEvent): void => {
    event.preventDefault();
    const outOf = event.error.constructor.name === 'GPUOutOfMemoryError';
    this.#fail(outOf ? outOfMemory(undefined, event.error) : deviceError(event.error));
  };

  #fail(failure: NestkanError): void {
    // The first error is the cause, the others follow from it; the loss of the device overrides them all.
    if (this.#closed || (this.#failure && failure.code !== 'DEVICE_LOST')) return;
    this.#failure = failure;
  }
}

function deviceLost(reason: string, message: string): NestkanError {
  return new NestkanError('DEVICE_LOST', `the WebGPU device was lost (${reason}): ${message}`, {
    fix: 'Open a new backend and build model and data again; if it happens repeatedly, use smaller batches or device "cpu".',
    where: { reason },
  });
}

function deviceError(cause: GPUError): NestkanError {
  return new NestkanError('DEVICE_ERROR', `the WebGPU device refused a command: ${cause.message.trim()}`, {
    fix: 'Open a new backend. If this device is used by other code too, make sure that code captures its own errors.',
    cause,
  });
}

function outOfMemory(bytes: number | undefined, cause: GPUError): NestkanError {
  const what = bytes === undefined ? 'the device is out of memory' : `the device has no memory for ${bytes} bytes`;
  return new NestkanError('OUT_OF_MEMORY', what, {
    fix: 'Open a new backend and use fewer rows, narrower layers or mini-batches.',
    cause,
  });
}
