import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, rmdir, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { makeFifo, signalName } from '@pantavisor/linux';
import type { ContainerExit } from '../ports.ts';
import { hasCode } from './errors.ts';

/** `struct lxc_msg` of liblxc: an int of type, 256 bytes of name, an int of value. */
const messageSize = 264;
const typeExitCode = 2;
/** Where liblxc of root looks for the pipe, followed by the lxcPath. */
const runFolder = '/run/lxc';

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
 * container has started or ended. It is there as long as it has users; without it some exits stay unknown, and nothing else fails.
 */
export class MonitorFifo {
  readonly #folder: string;
  readonly #exits = new Map<string, ContainerExit>();
  #file: FileHandle | undefined;
  #users = 0;
  /** Opening and closing happen one after the other. */
  #turn: Promise<void> = Promise.resolve();

  constructor(lxcPath: string) {
    this.#folder = `${runFolder}${lxcPath}`;
  }

  /** To be called before a start: monitors report only to a pipe that somebody has opened. */
  async acquire(): Promise<void> {
    this.#users += 1;
    this.#turn = this.#turn.then(() => (this.#file ? undefined : this.#make()));
    await this.#turn;
  }

  /** Undoes one `acquire`; with the last one the pipe is removed. */
  async release(): Promise<void> {
    this.#users -= 1;
    this.#turn = this.#turn.then(() => (this.#users === 0 ? this.#remove() : undefined));
    await this.#turn;
  }

  async #make(): Promise<void> {
    const fifo = `${this.#folder}/monitor-fifo`;
    try {
      await mkdir(this.#folder, { recursive: true });
      await makeFifo(fifo).catch((error) => {
        if (!hasCode(error, 'EEXIST')) throw error;
      });
      // Open for writing too, so that it never ends when a monitor closes its end.
      this.#file = await open(fifo, constants.O_RDWR | constants.O_NONBLOCK);
    } catch {
      this.#file = undefined;
    }
  }

  async #remove(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
    this.#exits.clear();
    try {
      await unlink(`${this.#folder}/monitor-fifo`);
      for (let folder = this.#folder; folder !== runFolder; folder = dirname(folder)) await rmdir(folder);
    } catch {
      // Other users of the folders, or nothing there.
    }
  }

  /** Takes in what monitors have reported so far. */
  async drain(): Promise<void> {
    const buffer = Buffer.allocUnsafe(messageSize * 64);
    while (this.#file) {
      try {
        const { bytesRead } = await this.#file.read(buffer, 0, buffer.length, null);
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
