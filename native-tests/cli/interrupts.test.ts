import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { createShell } from '../../src/cli/shell.ts';
import { nestkan, scratchFolder, tableOf, watched } from './nestkan.ts';

/** Far more steps than anyone would wait for: these runs end because they are told to. */
const ENDLESS = ['--device', 'cpu', '--steps', '1000000', '--levels', '1', '--hidden', '3', '--optimizer', 'adam'];

describe('Ctrl-C', () => {
  const { path, write } = scratchFolder();
  const table = tableOf({ x: [0, 1], z: [0, 1] }, { y: ({ x, z }) => Math.sin(6 * x) * z }, 100);

  /** Runs until standard error holds `words`, then presses Ctrl-C once. */
  function interrupted(words: string, ...args: string[]) {
    let pressed = false;
    return watched(args, (stderr, child) => {
      if (pressed || !stderr.includes(words)) return;
      pressed = true;
      child.kill('SIGINT');
    });
  }

  for (const [what, roughness] of [
    ['the search for a roughness', []],
    ['the fit itself', ['--roughness', '1e-5']],
  ] as const) {
    it(`during ${what}: exit code 130, the best model so far is written and usable`, async () => {
      const [data, model, report] = [write('data.csv', table), path('m'), path('r.html')];
      const files = ['--out', model, '--report', report];
      const args = ['fit', data, '--target', 'y', ...ENDLESS, ...roughness, ...files, '--json'];
      const { code, stdout, stderr } = await interrupted('device', ...args);
      expect(code, stderr).to.equal(130);
      const result = JSON.parse(stdout);
      expect(result).to.include({ command: 'fit', interrupted: true, out: model, report });
      expect(result).to.include.all.keys('device', 'model', 'parameters', 'levels', 'train', 'test', 'work', 'seconds');
      expect(result.levels).to.have.length(1);
      expect(result.test.rmse).to.be.a('number');
      expect(stderr).to.contain('Ctrl-C again').and.to.contain('best model so far');
      expect(readFileSync(report, 'utf8')).to.contain('interrupted');
      const prediction = await nestkan('predict', model, data, '--json', '--device', 'cpu');
      expect(prediction.code).to.equal(0);
      const { train, test } = result;
      const mse = (train.rows * train.mse + test.rows * test.mse) / 100;
      expect(JSON.parse(prediction.stdout).mse / mse).to.be.closeTo(1, 1e-9);
    });
  }

  it('during a comparison: exit code 130, and what there was by then', async () => {
    const { code, stdout, stderr } = await interrupted('device', 'compare', 'paper', ...ENDLESS, '--json');
    expect(code, stderr).to.equal(130);
    const result = JSON.parse(stdout);
    expect(result.interrupted).to.equal(true);
    expect(result.methods).to.have.length(1);
    expect(stderr).not.to.contain('At equal work');
  });

  it('a second one ends the process at once, with an error as JSON', () => {
    const printed: string[] = [];
    const codes: unknown[] = [];
    const before = process.listeners('SIGINT');
    const { exit } = process;
    const { write: writeOut } = process.stdout;
    const shell = createShell(['fit'], { json: true, quiet: true });
    try {
      const signal = shell.interruptible();
      const [press] = process.listeners('SIGINT').filter((listener) => !before.includes(listener));
      press('SIGINT');
      expect(signal.aborted).to.equal(true);
      expect(codes).to.deep.equal([]);
      process.exit = ((code: unknown) => {
        codes.push(code);
      }) as typeof process.exit;
      process.stdout.write = ((text: string) => printed.push(text) > 0) as typeof process.stdout.write;
      press('SIGINT');
    } finally {
      process.exit = exit;
      process.stdout.write = writeOut;
      for (const listener of process.listeners('SIGINT')) {
        if (!before.includes(listener)) process.removeListener('SIGINT', listener);
      }
    }
    expect(codes[0]).to.equal(130);
    expect(JSON.parse(printed[0]).error.code).to.equal('INTERRUPTED');
  });

  it('a shell remembers what was typed so that it can be pasted again', () => {
    const { commandLine } = createShell(['fit', "it's a table.csv", '--target', 'y'], { json: false, quiet: true });
    expect(commandLine).to.equal("nestkan fit 'it'\\''s a table.csv' --target y");
  });
});
