/** `nestkan info`: what would compute here, why that, and how to get something better. */
import type { Command } from 'commander';
import { type OpenedBackend, openBackend, WebGpuBackend } from '../node.ts';
import { type DeviceDocument, describeDevice, deviceInWords } from './device.ts';
import { type Failure, toFailure } from './failure.ts';
import { addCommonOptions, type CommonOptions, type Shell } from './shell.ts';
import { VERSION } from './version.ts';

/** The limits that decide which networks and batches fit. */
const LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupsPerDimension',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupStorageSize',
  'minStorageBufferOffsetAlignment',
] as const;

const LINUX_DRIVER =
  'On Debian and Ubuntu, `apt install mesa-vulkan-drivers` brings drivers for most GPUs and one for none.';

type WebGpuDocument =
  | { available: true; adapter: string; features: string[]; limits: Record<string, number> }
  | { available: false; error: Failure };

interface InfoDocument {
  command: 'info';
  version: string;
  node: string;
  platform: string;
  device: DeviceDocument & { reason: string; fix?: string };
  webgpu: WebGpuDocument;
}

export function defineInfo(program: Command, shell: Shell): void {
  addCommonOptions(program.command('info'))
    .description('show the device that would compute, and why')
    .action(async (options: CommonOptions) => {
      const document = await collect(options);
      shell.terminal.say(render(document));
      shell.print(document);
    });
}

async function collect({ device, threads }: CommonOptions): Promise<InfoDocument> {
  const backend = await openBackend({ device, threads });
  try {
    return {
      command: 'info',
      version: VERSION,
      node: process.version,
      platform: `${process.platform} ${process.arch}`,
      device: { ...describeDevice(backend), ...backend.choice },
      webgpu: await probeWebGpu(backend),
    };
  } finally {
    backend.destroy();
  }
}

/** What WebGPU offers, whether or not it was chosen. */
async function probeWebGpu(chosen: OpenedBackend): Promise<WebGpuDocument> {
  if (chosen instanceof WebGpuBackend) return describeWebGpu(chosen);
  try {
    const backend = await openBackend({ device: 'webgpu' });
    try {
      return describeWebGpu(backend as OpenedBackend & WebGpuBackend);
    } finally {
      backend.destroy();
    }
  } catch (error) {
    const failure = toFailure(error);
    const fix = process.platform === 'linux' ? `${failure.fix} ${LINUX_DRIVER}` : failure.fix;
    return { available: false, error: { ...failure, fix } };
  }
}

function describeWebGpu({ adapter, device }: WebGpuBackend): WebGpuDocument {
  return {
    available: true,
    adapter,
    features: [...device.features].sort(),
    limits: Object.fromEntries(LIMITS.map((name) => [name, device.limits[name]])),
  };
}

function render({ version, node, platform, device, webgpu }: InfoDocument): string {
  const lines = [
    `nestkan ${version}, Node ${node}, ${platform}`,
    `device    ${deviceInWords(device)}`,
    `why       ${device.reason}`,
  ];
  if (device.fix !== undefined) lines.push(`to mend   ${device.fix}`);
  if (!webgpu.available)
    return [...lines, `WebGPU    ${webgpu.error.message}`, `to mend   ${webgpu.error.fix}`].join('\n');
  lines.push(`WebGPU    ${webgpu.adapter}`, `features  ${webgpu.features.join(', ') || 'none'}`, 'limits');
  for (const [name, value] of Object.entries(webgpu.limits)) lines.push(`  ${name.padEnd(36)}${value}`);
  return lines.join('\n');
}
