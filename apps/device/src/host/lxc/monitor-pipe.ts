/**
 * The pipe into which LXC's monitors of one lxcPath report (lxc-monitor(1) reads it otherwise): the only place that tells how an init
 * ended when the kernel is older than 6.15 or the init was gone before it could be opened. Nothing waits on it; it is emptied when a
 * container has started or ended. It is there as long as it has users; without it some exits stay unknown, and nothing else fails.
 */
import type { ContainerExit, Files, TextCoding } from '../ports.ts';
import type { MessagePipe, ProcessDoor } from './process-door.ts';

/** `struct lxc_msg` of liblxc: an int of type, 256 bytes of name, an int of value. */
const messageSize = 264;
const typeExitCode = 2;
const nameOffset = 4;
const valueOffset = 260;
/** Where liblxc of root looks for the pipe, followed by the lxcPath. */
const runFolder = '/run/lxc';

/** Reads the exit messages out of a run of LXC's monitor messages; the later one of a name counts. */
export function exitsIn(
  bytes: Uint8Array,
  signalName: (number: number) => string,
  text: TextCoding,
): Map<string, ContainerExit> {
  const exits = new Map<string, ContainerExit>();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at + messageSize <= bytes.length; at += messageSize) {
    if (view.getInt32(at, true) !== typeExitCode) continue;
    const name = bytes.subarray(at + nameOffset, at + valueOffset);
    const end = name.indexOf(0);
    const status = view.getInt32(at + valueOffset, true);
    // What wait(2) calls a status: an exit code in the second byte, or a signal in the low seven bits.
    const signal = status & 0x7f;
    exits.set(
      text.decode(name.subarray(0, end < 0 ? name.length : end)),
      signal === 0 ? { kind: 'code', code: (status >> 8) & 0xff } : { kind: 'signal', signal: signalName(signal) },
    );
  }
  return exits;
}

export class MonitorPipe {
  readonly #files: Files;
  readonly #door: ProcessDoor;
  readonly #text: TextCoding;
  readonly #folder: string;
  readonly #exits = new Map<string, ContainerExit>();
  #pipe: MessagePipe | undefined;
  #users = 0;
  /** Opening, reading and closing happen one after the other: a container may have ended before its start is through. */
  #turn: Promise<void> = Promise.resolve();

  constructor(files: Files, door: ProcessDoor, text: TextCoding, lxcPath: string) {
    this.#files = files;
    this.#door = door;
    this.#text = text;
    this.#folder = `${runFolder}${lxcPath}`;
  }

  /** To be called before a start: monitors report only to a pipe that somebody has opened. */
  async acquire(): Promise<void> {
    this.#users += 1;
    await this.#inTurn(async () => {
      if (this.#pipe) return;
      await makeFolders(this.#files, this.#folder);
      this.#pipe = await this.#door.openPipe(`${this.#folder}/monitor-fifo`);
    });
  }

  /** Undoes one `acquire`; with the last one the pipe is removed. */
  async release(): Promise<void> {
    this.#users -= 1;
    await this.#inTurn(async () => {
      if (this.#users === 0) await this.#remove();
    });
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  async #remove(): Promise<void> {
    await this.#pipe?.close();
    this.#pipe = undefined;
    this.#exits.clear();
    try {
      await this.#files.unlink(`${this.#folder}/monitor-fifo`);
      for (let folder = this.#folder; folder !== runFolder; folder = folder.slice(0, folder.lastIndexOf('/')))
        await this.#files.removeDirectory(folder);
    } catch {
      // Other users of the folders, or nothing there.
    }
  }

  /** Takes in what monitors have reported so far. */
  drain(): Promise<void> {
    return this.#inTurn(async () => {
      for (
        let bytes = await this.#pipe?.read();
        bytes !== undefined && bytes.length > 0;
        bytes = await this.#pipe?.read()
      )
        for (const [name, exit] of exitsIn(bytes, (number) => this.#door.signalName(number), this.#text))
          this.#exits.set(name, exit);
    });
  }

  /** The reported exit of a container, once. */
  take(name: string): ContainerExit | undefined {
    const exit = this.#exits.get(name);
    this.#exits.delete(name);
    return exit;
  }
}

async function makeFolders(files: Files, folder: string): Promise<void> {
  for (let end = folder.indexOf('/', 1); ; end = folder.indexOf('/', end + 1)) {
    const path = end < 0 ? folder : folder.slice(0, end);
    if (!(await files.status(path))) await files.makeDirectory(path).catch(() => undefined);
    if (end < 0) return;
  }
}
