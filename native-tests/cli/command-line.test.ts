import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { nestkan } from './nestkan.ts';

const { version } = JSON.parse(readFileSync('package.json', 'utf8'));

describe('the command line', () => {
  it('info --json: the device, why, and what WebGPU offers', async () => {
    const { code, stdout } = await nestkan('info', '--json');
    expect(code).to.equal(0);
    const info = JSON.parse(stdout);
    expect(info).to.deep.include({ command: 'info', version, node: process.version });
    expect(info.device.backend).to.be.oneOf(['cpu', 'webgpu']);
    expect(info.device.precision).to.equal(info.device.backend === 'cpu' ? 'float64' : 'float32');
    expect(info.device.adapter).to.be.a('string').that.is.not.empty;
    expect(info.device.reason).to.be.a('string').that.is.not.empty;
    expect(info.webgpu.available).to.equal(true);
    // Guaranteed by the WebGPU specification, section "Limits".
    expect(info.webgpu.limits.maxStorageBufferBindingSize).to.be.at.least(134217728);
    expect(info.webgpu.limits.maxComputeInvocationsPerWorkgroup).to.be.at.least(256);
    expect(info.webgpu.features).to.be.an('array');
  });

  it('info says it to people on standard error, and nothing on standard output', async () => {
    const { code, stdout, stderr } = await nestkan('info', '--device', 'cpu');
    expect(code).to.equal(0);
    expect(stdout).to.equal('');
    expect(stderr).to.contain(`nestkan ${version}`).and.to.contain('cpu (float64)').and.to.contain('asked for');
  });

  it('info --threads says how many there would be', async () => {
    const { stdout } = await nestkan('info', '--device', 'cpu', '--threads', '3', '--json');
    expect(JSON.parse(stdout).device.adapter).to.equal('JavaScript, float64, 3 threads');
  });

  it('info --device webgpu computes on an adapter, a software one included', async () => {
    const { code, stdout } = await nestkan('info', '--device', 'webgpu', '--json');
    expect(code).to.equal(0);
    expect(JSON.parse(stdout).device).to.include({ backend: 'webgpu', precision: 'float32' });
  });

  it('--version and --help, as text and as JSON', async () => {
    expect(await nestkan('--version')).to.deep.equal({ code: 0, stdout: `${version}\n`, stderr: '' });
    expect(JSON.parse((await nestkan('--version', '--json')).stdout)).to.deep.equal({ version });
    const help = await nestkan('--help');
    expect(help.code).to.equal(0);
    expect(help.stdout).to.contain('Usage: nestkan').and.to.contain('info');
    expect(JSON.parse((await nestkan('info', '--help', '--json')).stdout).help).to.contain('Usage: nestkan info');
  });

  const mistakes: [string[], string, RegExp][] = [
    [[], 'INVALID_ARGUMENT', /No known command/],
    [['inof'], 'INVALID_ARGUMENT', /Unknown command 'inof'.\n.*Did you mean info\?/],
    [['--jsn'], 'UNKNOWN_OPTION', /--help/],
    [['info', '--devise', 'cpu'], 'UNKNOWN_OPTION', /'--devise'.\n.*Did you mean --device\? See nestkan info --help/],
    [['info', '--device', 'gpu'], 'INVALID_ARGUMENT', /--device was given "gpu"; it takes one of auto, webgpu, cpu/],
    [['info', '--device'], 'INVALID_ARGUMENT', /argument missing/],
    [['info', '--threads', '0'], 'INVALID_ARGUMENT', /--threads was given "0"; it takes a whole number from 1 to 256/],
    [['info', 'extra'], 'INVALID_ARGUMENT', /Too many arguments/],
  ];
  for (const [args, code, words] of mistakes) {
    it(`nestkan ${args.join(' ')}: exit code 2 and ${code}`, async () => {
      const plain = await nestkan(...args);
      expect(plain.code).to.equal(2);
      expect(plain.stdout).to.equal('');
      expect(plain.stderr).to.contain(`${code}: `).and.to.match(words);
    });
  }

  it('with --json, standard output is one document on failure too', async () => {
    const { code, stdout, stderr } = await nestkan('info', '--json', '--device', 'gpu');
    expect(code).to.equal(2);
    expect(JSON.parse(stdout)).to.deep.equal({
      error: {
        code: 'INVALID_ARGUMENT',
        message: '--device was given "gpu"; it takes one of auto, webgpu, cpu.',
        fix: 'Pass --device with one of auto, webgpu, cpu.',
      },
    });
    expect(stderr).to.contain('INVALID_ARGUMENT');
  });

  it('a reader that goes away is no failure', async () => {
    const child = spawn(process.execPath, ['dist/cli.js', 'info', '--json'], { stdio: ['ignore', 'pipe', 'pipe'] });
    let stderr = '';
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    child.stdout.destroy();
    const code = await new Promise((resolve) => child.on('close', resolve));
    expect(stderr).not.to.contain('EPIPE');
    expect(code).to.equal(0);
  });
});
