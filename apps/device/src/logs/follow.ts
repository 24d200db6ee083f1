/** Following one file as it grows, over its rotation and truncation, from where an earlier runtime has stopped (logs.md §4). */
import type { Clock, Hashing } from '../host/ports.ts';
import type { FollowedFile, Follower, Streams } from '../host/streams.ts';
import { concatenate } from './files.ts';
import type { Positions } from './positions.ts';

/** Longest line; longer ones are cut into several. */
export const longestLine = 4095;
const piece = 64 * 1024;
/** Bytes at the beginning of a file by which it is known again, beside its inode: inode numbers come again. */
const headLength = 256;
const newLine = 10;
/** Milliseconds between two looks: a program that writes line by line must not cost a look for each. */
const pause = 20;

export interface FollowRequest {
  streams: Pick<Streams, 'follow'>;
  hashing: Hashing;
  clock: Clock;
  positions: Positions;
  /** Name of the position. */
  name: string;
  root: string;
  path: string;
  /** What is in the file before the first look counts as well; otherwise only what comes. */
  fromStart: boolean;
  /** Takes whole lines, each with its new line but perhaps the last; may ask to wait. */
  lines: (bytes: Uint8Array) => void | Promise<void>;
  /** Called after each reading with the size of what was read; `empty` puts it away. */
  afterwards?: (file: FollowedFile) => Promise<'emptied' | undefined>;
}

/** Reads a file whenever it has changed. */
export class FileTail {
  readonly #request: FollowRequest;
  #follower: Follower | undefined;
  #file: FollowedFile | undefined;
  #offset = 0;
  #first = true;
  /** What the file is known by, once enough of it was read. */
  #identity: string | undefined;
  /** Begin of a line whose end has not come yet. */
  #begun: Uint8Array = new Uint8Array();
  #again = false;
  #running: Promise<void> | undefined;
  /** Ends the pause between two looks. */
  #hurry: (() => void) | undefined;
  #closing = false;

  constructor(request: FollowRequest) {
    this.#request = request;
  }

  /** Begins. */
  async open(): Promise<void> {
    const { streams, root, path } = this.#request;
    const follower = await streams.follow({ root, path, changed: () => this.#wake() });
    if (this.#closing) return follower.close();
    this.#follower = follower;
    this.#wake();
  }

  /** Reads what there still is, and ends. */
  async close(): Promise<void> {
    if (this.#closing) return;
    this.#wake();
    this.#closing = true;
    this.#hurry?.();
    await this.#running;
    if (this.#begun.length > 0) await this.#request.lines(this.#begun);
    this.#note(0);
    this.#follower?.close();
    this.#file?.close();
  }

  #wake(): void {
    if (this.#closing) return;
    this.#again = true;
    this.#running ??= this.#run();
  }

  async #run(): Promise<void> {
    while (this.#again) {
      this.#again = false;
      try {
        await this.#look();
      } catch {
        // What cannot be read now may be readable after its next change.
      }
      await this.#pause();
    }
    this.#running = undefined;
  }

  #pause(): Promise<void> {
    if (this.#closing) return Promise.resolve();
    return new Promise((resolve) => {
      const cancel = this.#request.clock.after(pause, resolve);
      this.#hurry = () => {
        cancel();
        resolve();
      };
    });
  }

  async #look(): Promise<void> {
    const present = await this.#follower?.open();
    const known = this.#file;
    if (known !== undefined && present?.identity !== known.identity) {
      // Renamed or removed: what was written to it before is read to the end.
      await this.#readOn(known);
      known.close();
      this.#file = undefined;
      this.#identity = undefined;
    }
    if (present === undefined) return;
    if (this.#file === undefined) {
      this.#file = present;
      this.#offset = await this.#startOf(present);
    } else present.close();
    await this.#readOn(this.#file);
  }

  async #startOf(file: FollowedFile): Promise<number> {
    const first = this.#first;
    this.#first = false;
    if (!first) return 0;
    const { positions, name, fromStart } = this.#request;
    const [noted, size] = [await positions.get(name), await file.size()];
    if (noted === undefined) return fromStart ? 0 : size;
    const [length = 0] = noted.identity.split(':').map(Number);
    if (noted.offset > size || (await this.#identify(file, length)) !== noted.identity) return 0;
    this.#identity = noted.identity;
    return noted.offset;
  }

  async #identify(file: FollowedFile, length: number): Promise<string> {
    return `${length}:${this.#request.hashing.sha256(await file.read(0, length))}:${file.identity}`;
  }

  async #readOn(file: FollowedFile): Promise<void> {
    const { lines, afterwards } = this.#request;
    // Smaller than what was read of it: it was emptied, and begins anew.
    if ((await file.size()) < this.#offset) this.#restart();
    for (;;) {
      const bytes = await file.read(this.#offset, piece);
      if (bytes.length === 0) break;
      this.#offset += bytes.length;
      const whole = this.#wholeLines(bytes);
      if (whole.length > 0) await lines(whole);
      this.#identity ??= await this.#identify(file, Math.min(headLength, this.#offset));
      this.#note(this.#begun.length);
    }
    if ((await afterwards?.(file)) === 'emptied') this.#restart();
  }

  #restart(): void {
    this.#offset = 0;
    this.#begun = new Uint8Array();
    this.#identity = undefined;
  }

  #wholeLines(bytes: Uint8Array): Uint8Array {
    const all = this.#begun.length === 0 ? bytes : concatenate([this.#begun, bytes]);
    let end = all.lastIndexOf(newLine) + 1;
    if (all.length - end >= longestLine) end += Math.floor((all.length - end) / longestLine) * longestLine;
    this.#begun = all.slice(end);
    return all.subarray(0, end);
  }

  /** @param held bytes that were read and not yet handed on */
  #note(held: number): void {
    const { positions, name } = this.#request;
    if (this.#identity !== undefined) positions.set(name, { identity: this.#identity, offset: this.#offset - held });
  }
}
