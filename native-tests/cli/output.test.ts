import { Writable } from 'node:stream';
import { expect } from 'chai';
import { exitCodeOf, toFailure } from '../../src/cli/failure.ts';
import { toJson } from '../../src/cli/json.ts';
import { createTerminal } from '../../src/cli/terminal.ts';
import { NestkanError } from '../../src/errors.ts';

/** A stream that keeps what is written; `isTTY` makes it look like a terminal. */
function recorder({ isTTY = false } = {}): { stream: NodeJS.WriteStream; text: () => string } {
  let text = '';
  const stream = new Writable({
    write(chunk, _, done) {
      text += chunk;
      done();
    },
  });
  Object.assign(stream, { isTTY, columns: 80, cursorTo() {}, clearLine() {}, moveCursor() {} });
  return { stream: stream as unknown as NodeJS.WriteStream, text: () => text };
}

describe('JSON output', () => {
  it('never turns a number into null', () => {
    const document = { a: NaN, b: [Infinity, -Infinity, 1], c: new Float64Array([1, NaN]), d: null };
    expect(JSON.parse(toJson(document))).to.deep.equal({
      a: 'NaN',
      b: ['Infinity', '-Infinity', 1],
      c: [1, 'NaN'],
      d: null,
    });
  });

  it('writes maps, sets and big integers as what they hold', () => {
    const document = { map: new Map([['a', 1]]), set: new Set([1, 2]), big: 4294967296n };
    expect(JSON.parse(toJson(document))).to.deep.equal({ map: { a: 1 }, set: [1, 2], big: 4294967296 });
  });
});

describe('failures', () => {
  const failureOf = (code: ConstructorParameters<typeof NestkanError>[0]) =>
    toFailure(new NestkanError(code, 'message', { fix: 'fix' }));

  it('keep code, message and fix, and end with 2 for bad input, 1 for failed runs, 130 for interrupts', () => {
    expect(failureOf('DATA_EMPTY')).to.deep.equal({ code: 'DATA_EMPTY', message: 'message', fix: 'fix' });
    expect(exitCodeOf(failureOf('DATA_EMPTY'))).to.equal(2);
    expect(exitCodeOf(failureOf('MODEL_FILE_INVALID'))).to.equal(2);
    expect(exitCodeOf(failureOf('DEVICE_LOST'))).to.equal(1);
    expect(exitCodeOf(failureOf('NON_FINITE_TRAINING'))).to.equal(1);
    expect(exitCodeOf(failureOf('INTERRUPTED'))).to.equal(130);
    expect(exitCodeOf(toFailure(new DOMException('stop', 'AbortError')))).to.equal(130);
  });

  it('know errors of another copy of the library by their shape', () => {
    const foreign = Object.assign(new Error('m'), { name: 'NestkanError', code: 'DATA_EMPTY', fix: 'f' });
    expect(toFailure(foreign)).to.deep.equal({ code: 'DATA_EMPTY', message: 'm', fix: 'f' });
  });

  it('call everything else a defect', () => {
    expect(toFailure(new TypeError('x is undefined'))).to.include({
      code: 'INTERNAL_ERROR',
      message: 'TypeError: x is undefined',
    });
    expect(exitCodeOf(toFailure('text'))).to.equal(1);
  });
});

describe('the terminal', () => {
  it('says lines, and only complaints when quiet', () => {
    const loud = recorder();
    createTerminal(loud.stream).say('hello');
    expect(loud.text()).to.equal('hello\n');
    const quiet = recorder();
    const terminal = createTerminal(quiet.stream, { quiet: true });
    terminal.say('hello');
    const progress = terminal.progress({ label: 'training', total: 10 });
    progress.update(5);
    progress.stop();
    terminal.complain('failed');
    expect(quiet.text()).to.equal('failed\n');
  });

  it('draws no bar into a log', () => {
    const log = recorder();
    const progress = createTerminal(log.stream).progress({ label: 'training', total: 10 });
    for (let done = 0; done <= 10; done++) progress.update(done, 'loss 1');
    progress.stop();
    expect(log.text()).not.to.contain('\x1b');
  });

  it('draws a bar on a terminal, clears it for a line, and shows the cursor again', () => {
    const screen = recorder({ isTTY: true });
    const terminal = createTerminal(screen.stream);
    const progress = terminal.progress({ label: 'training', total: 10 });
    terminal.say('a line');
    progress.update(10, 'loss 0.5');
    progress.stop();
    progress.update(3);
    progress.stop();
    expect(screen.text()).to.contain('training');
    expect(screen.text()).to.contain('\r\x1b[Ka line\n');
    expect(screen.text().lastIndexOf('\x1b[?25h')).to.be.greaterThan(screen.text().lastIndexOf('\x1b[?25l'));
  });
});
