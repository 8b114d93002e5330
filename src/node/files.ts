/** Whole files in and out, with errors that name the path. */
import { randomUUID } from 'node:crypto';
import { access, constants, open, readFile as read, realpath, rename, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { NestkanError } from '../errors.ts';

/**
 * A file's bytes.
 *
 * @throws FILE_NOT_FOUND if nothing is there; FILE_NOT_READABLE for a folder, missing rights or a failing disk
 */
export async function readFile(path: string): Promise<Uint8Array> {
  try {
    return await read(path);
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT' || codeOf(cause) === 'ENOTDIR') {
      throw new NestkanError('FILE_NOT_FOUND', `There is no file ${path}.`, {
        fix: 'Check the path.',
        where: { path },
        cause,
      });
    }
    const reason = codeOf(cause) === 'EISDIR' ? 'it is a folder' : messageOf(cause);
    throw new NestkanError('FILE_NOT_READABLE', `${path} cannot be read: ${reason}.`, {
      fix: 'Name a file that you may read.',
      where: { path },
      cause,
    });
  }
}

/**
 * Writes a file so that its path holds either what was there before or all of the new contents, never a part:
 * to a temporary name in the same folder first, which is then renamed, or removed on failure.
 *
 * @throws FILE_NOT_WRITABLE
 */
export async function writeFileAtomically(path: string, contents: Uint8Array | string): Promise<void> {
  await checkWritable(path);
  // A rename would replace a symbolic link, not the file it names.
  const target = await realpath(path).catch(() => path);
  const temporary = join(dirname(target), `.${basename(target)}.${randomUUID()}.tmp`);
  try {
    const file = await open(temporary, 'wx');
    try {
      await file.writeFile(contents);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, target);
  } catch (cause) {
    await unlink(temporary).catch(() => {});
    throw notWritable(
      path,
      messageOf(cause),
      'Choose another folder, or make room and grant the right to write.',
      cause,
    );
  }
}

/**
 * Refuses a path that {@link writeFileAtomically} could not write, before work is put into its contents.
 *
 * @throws FILE_NOT_WRITABLE if the folder is missing or closed, or the path is taken by something that is no file
 */
export async function checkWritable(path: string): Promise<void> {
  if (path === '' || /[/\\]$/.test(path)) throw notWritable(path || '""', 'it names no file', 'Name a file.');
  const folder = await stat(dirname(path)).catch(() => undefined);
  if (!folder?.isDirectory()) {
    throw notWritable(path, `there is no folder ${dirname(path)}`, 'Create the folder, or choose another.');
  }
  await access(dirname(path), constants.W_OK).catch((cause) => {
    throw notWritable(path, messageOf(cause), 'Choose another folder, or grant the right to write.', cause);
  });
  const taken = await stat(path).catch(() => undefined);
  if (taken !== undefined && !taken.isFile()) {
    throw notWritable(path, `it is ${taken.isDirectory() ? 'a folder' : 'no regular file'}`, 'Name a file.');
  }
}

function notWritable(path: string, reason: string, fix: string, cause?: unknown): NestkanError {
  return new NestkanError('FILE_NOT_WRITABLE', `${path} cannot be written: ${reason}.`, {
    fix,
    where: { path },
    cause,
  });
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
