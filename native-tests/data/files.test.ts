import { mkdir, mkdtemp, readFile as nodeRead, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { readFile, writeFileAtomically } from '../../src/node/files.ts';

async function errorOf(promise: Promise<unknown>): Promise<{ code: string; message: string; fix: string }> {
  return promise.then(
    () => expect.fail('nothing was thrown'),
    (error) => error,
  );
}

describe('files', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'nestkan-files-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('writes and reads whole files, leaving nothing else behind', async () => {
    const path = join(folder, 'model.safetensors');
    await writeFileAtomically(path, new Uint8Array([1, 2, 3]));
    await writeFileAtomically(path, 'text');
    expect(Buffer.from(await readFile(path)).toString()).to.equal('text');
    expect(await readdir(folder)).to.deep.equal(['model.safetensors']);
  });

  it('follows a symbolic link instead of replacing it', async () => {
    await writeFile(join(folder, 'real'), 'old');
    await symlink('real', join(folder, 'link'));
    await writeFileAtomically(join(folder, 'link'), 'new');
    expect(await nodeRead(join(folder, 'real'), 'utf8')).to.equal('new');
  });

  it('names a missing folder, and what is no file', async () => {
    const missing = await errorOf(writeFileAtomically(join(folder, 'nowhere', 'a'), ''));
    expect(missing.code).to.equal('FILE_NOT_WRITABLE');
    expect(missing.message).to.contain(`there is no folder ${join(folder, 'nowhere')}`);
    await mkdir(join(folder, 'taken'));
    expect((await errorOf(writeFileAtomically(join(folder, 'taken'), ''))).message).to.contain('it is a folder');
    expect((await errorOf(writeFileAtomically('/dev/null', ''))).message).to.contain('no regular file');
    expect(await readdir(folder)).to.deep.equal(['taken']);
  });

  it('removes the temporary file when writing fails, and keeps the old contents', async () => {
    const path = join(folder, 'kept');
    await writeFile(path, 'old');
    const broken = {
      [Symbol.iterator]: () => {
        throw new Error('no contents');
      },
    };
    const error = await errorOf(writeFileAtomically(path, broken as unknown as Uint8Array));
    expect(error.code).to.equal('FILE_NOT_WRITABLE');
    expect(await nodeRead(path, 'utf8')).to.equal('old');
    expect(await readdir(folder)).to.deep.equal(['kept']);
  });

  it('names a file that is missing or no file', async () => {
    expect((await errorOf(readFile(join(folder, 'none')))).code).to.equal('FILE_NOT_FOUND');
    expect((await errorOf(readFile(join(folder)))).code).to.equal('FILE_NOT_READABLE');
  });
});
