import { constants } from 'node:fs';
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { makeFifo, signalName } from '@pantavisor/linux';
import type { ContainerExit } from '../ports.ts';
import { hasCode } from './errors.ts';

/** `struct lxc_msg` of liblxc: an int of type, 256 bytes of name, an int of value. */
const messageSize = 264;
const typeExitCode = 2;

/** What wait(2) calls a status: an exit code in the second byte, or a signal in the low seven bits. */
function exitOfStatus(status: number): ContainerExit {
  const signal = status & 0x7f;
  return signal === 0 ? { kind: 'code', code: (status >> 8) & 0xff } : { kind: 'signal', signal: signalName(signal) };
}

/** Reads the exit messages out of a run of LXC's monitor messages; the later one of a name counts. */
export function exitsIn(bytes: Buffer): Map<string, ContainerExit> {
  const exits = new Map<string, ContainerExit>();
  for (let at = 0; at + messageSize <= bytes.length; at += messageSize) {
    if (bytes.readInt32LE(at) !== typeExitCode) continue;
    const name = bytes.subarray(at + 4, at + 260);
    const end = name.indexOf(0);
    exits.set(name.toString('utf8', 0, end === -1 ? name.length : end), exitOfStatus(bytes.readInt32LE(at + 260)));
  }
  return exits;
}

/**
 * The pipe into which LXC's monitors of one lxcPath report (lxc-monitor(1) reads it otherwise): the only place that tells how an init
 * ended when the kernel is older than 6.15 or the init was gone before it could be opened. Nothing waits on it; it is emptied when a
 * container has started or ended.
 */
export class MonitorFifo {
  readonly #path: string;
  readonly #exits = new Map<string, ContainerExit>();
  #opened: Promise<FileHandle | undefined> | undefined;

  constructor(lxcPath: string) {
    this.#path = `/run/lxc${lxcPath}`;
  }

  /** To be called before a start: monitors only report to a pipe that is open. Without the pipe exits may stay unknown. */
  async open(): Promise<void> {
    this.#opened ??= this.#make();
    await this.#opened;
  }

  async #make(): Promise<FileHandle | undefined> {
    const fifo = `${this.#path}/monitor-fifo`;
    try {
      await mkdir(this.#path, { recursive: true });
      await makeFifo(fifo).catch((error) => {
        if (!hasCode(error, 'EEXIST')) throw error;
      });
      // Open for writing too, so that it never ends when a monitor closes its end.
      return await open(fifo, constants.O_RDWR | constants.O_NONBLOCK);
    } catch (error) {
      if (hasCode(error, 'EROFS', 'EACCES', 'ENOSPC', 'ENOENT', 'ENAMETOOLONG', 'ENXIO')) return undefined;
      throw error;
    }
  }

  /** Takes in what monitors have reported so far. */
  async drain(): Promise<void> {
    const file = await this.#opened;
    if (!file) return;
    const buffer = Buffer.allocUnsafe(messageSize * 64);
    for (;;) {
      try {
        const { bytesRead } = await file.read(buffer, 0, buffer.length, null);
        for (const [name, exit] of exitsIn(buffer.subarray(0, bytesRead))) this.#exits.set(name, exit);
        if (bytesRead < buffer.length) return;
      } catch (error) {
        if (hasCode(error, 'EAGAIN')) return;
        throw error;
      }
    }
  }

  /** The reported exit of a container, once. */
  take(name: string): ContainerExit | undefined {
    const exit = this.#exits.get(name);
    this.#exits.delete(name);
    return exit;
  }
}
