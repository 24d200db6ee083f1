import * as fs from 'node:fs/promises';
import { flock } from '@pantavisor/linux';
import { HostError } from '../ports.ts';
import { hasCode } from './errors.ts';

async function holderOf(file: fs.FileHandle): Promise<string> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(24), 0, 24, 0);
  const pid = buffer.toString('latin1', 0, bytesRead).trim();
  return /^\d+$/.test(pid) ? `process ${pid} holds it` : 'another process holds it';
}

/**
 * Takes an exclusive lock on a file, made if it is not there, and writes this process's number into it.
 * The kernel gives the lock back when the process ends in any way; the file stays.
 * @throws HostError EWOULDBLOCK whose message names the process that holds it
 */
export async function lockFile(path: string): Promise<{ release(): Promise<void> }> {
  const file = await fs.open(path, 'a+', 0o644);
  try {
    await flock(file.fd, ['exclusive', 'nonblocking']);
    await file.truncate();
    await file.write(`${process.pid}\n`, null);
  } catch (error) {
    const failure = hasCode(error, 'EAGAIN', 'EWOULDBLOCK')
      ? new HostError('EWOULDBLOCK', 'lock', path, await holderOf(file), { cause: error })
      : error;
    await file.close();
    throw failure;
  }
  let held = true;
  return {
    release: async () => {
      if (!held) return;
      held = false;
      await file.close();
    },
  };
}
