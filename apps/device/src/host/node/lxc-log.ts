import { open, stat } from 'node:fs/promises';
import { hasCode } from './errors.ts';

const mostRead = 64 * 1024;
const mostLines = 5;

/** Length of LXC's log before a start, so that old errors are not taken for new ones. */
export async function logLength(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return 0;
    throw error;
  }
}

/**
 * Picks the errors out of LXC's log: the messages of the last five `ERROR` lines about the container, each without date and place.
 * @param text lines such as `lxc-start NAME 20260101000000.000 ERROR    conf - ../src/lxc/conf.c:run:42 - message`
 */
export function errorsIn(text: string, name: string): string[] {
  const messages: string[] = [];
  const prefix = `lxc-start ${name} `;
  for (const line of text.split('\n')) {
    if (!line.startsWith(prefix)) continue;
    const message = /^\d+\.\d+ (?:ERROR|FATAL|CRIT|ALERT|EMERG) +\S+ - \S+ - (.*)$/.exec(
      line.slice(prefix.length),
    )?.[1];
    if (message !== undefined && !messages.includes(message)) messages.push(message);
  }
  return messages.slice(-mostLines);
}

/** The errors that LXC wrote since the log had `from` bytes; none when there is no log. */
export async function newErrors(path: string, from: number, name: string): Promise<string[]> {
  try {
    const file = await open(path, 'r');
    try {
      const { size } = await file.stat();
      const begin = Math.max(size - mostRead, size < from ? 0 : from);
      const { buffer, bytesRead } = await file.read(Buffer.alloc(size - begin), 0, size - begin, begin);
      return errorsIn(buffer.toString('utf8', 0, bytesRead), name);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'EACCES')) return [];
    throw error;
  }
}
