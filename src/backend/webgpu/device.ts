/** Limits that only say how much memory may be used; everything else stays at the defaults that every device has. */
const MEMORY_LIMITS = ['maxBufferSize', 'maxStorageBufferBindingSize'] as const;

/** A device with as large buffers as the adapter has, and timestamps where it can. */
export function requestDevice(adapter: GPUAdapter): Promise<GPUDevice> {
  return adapter.requestDevice({
    label: 'nestkan',
    requiredFeatures: adapter.features.has('timestamp-query') ? ['timestamp-query'] : [],
    requiredLimits: Object.fromEntries(MEMORY_LIMITS.map((name) => [name, adapter.limits[name]])),
  });
}

/** Browsers hide some fields, so the most telling one that is there. */
export function adapterName(info: GPUAdapterInfo | undefined): string {
  if (!info) return 'unknown WebGPU device';
  return info.description || info.device || `${info.vendor} ${info.architecture}`.trim() || 'unknown WebGPU device';
}

/** Whether the adapter computes on the CPU (lavapipe, SwiftShader, WARP). */
export function isSoftware({ info }: { readonly info?: GPUAdapterInfo }): boolean {
  if (!info) return false;
  if (info.isFallbackAdapter) return true;
  return /llvmpipe|lavapipe|swiftshader|basic render/i.test(`${info.architecture} ${info.device} ${info.description}`);
}
