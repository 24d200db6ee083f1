/**
 * Log files that are written in the background: what comes fast is written in one piece, nobody's backlog grows without bound, and
 * what cannot be written is counted and told once.
 */
import type { Clock, Files } from '../host/ports.ts';
import { makeDirectories } from '../volumes/directories.ts';

/** Bytes of one owner that may wait to be written before it has to wait itself. */
const patience = 256 * 1024;
/** Bytes of one owner that may wait at all; what comes on top is dropped. */
const bound = 2 * patience;
/** Milliseconds between two writes to one file. */
const pause = 10;
/** Files of one owner; further sources share one. */
const mostFiles = 64;
/** Files that are remembered while nothing is to be written to them. */
const mostIdle = 256;

type Data = string | Uint8Array;

/** Data on its way to a file; the single file has those of many owners. */
interface Piece {
  owner: string;
  data: Data;
  bytes: number;
}

interface OpenLog {
  path: string;
  waiting: Piece[];
  /** Bytes in the file; undefined until it was looked at. */
  size: number | undefined;
  /** Called when everything that waited before them is written. */
  marks: (() => void)[];
  busy: Promise<void> | undefined;
  lastWrite: number;
}

interface Owner {
  bytes: number;
  dropped: number;
  paths: Set<string>;
  /** Those who wait until less is to be written. */
  waiting: (() => void)[];
}

export interface LogFilesRoom {
  files: Files;
  clock: Clock;
  /** Bytes of a text. */
  measure: (text: string) => number;
  /** A file has got more; `rotate` puts it away before anything else is written to it. */
  written: (path: string, bytes: number, size: number) => Promise<'rotated' | undefined>;
  /** Writing failed, for the first time or after it had worked again. */
  failed: (path: string, error: unknown) => void;
  /** So many entries of an owner were dropped since the last word about it. */
  dropped: (owner: string, entries: number) => void;
}

export class LogFiles {
  readonly #room: LogFilesRoom;
  readonly #logs = new Map<string, OpenLog>();
  readonly #owners = new Map<string, Owner>();
  readonly #broken = new Set<string>();
  #hurried = false;

  constructor(room: LogFilesRoom) {
    this.#room = room;
  }

  /** Path that an owner may write to: beyond so many files, all further ones are one. */
  admit(owner: string, path: string, overflow: string): string {
    const { paths } = this.#owner(owner);
    if (paths.has(path)) return path;
    if (paths.size >= mostFiles) return overflow;
    paths.add(path);
    return path;
  }

  /**
   * Takes an entry for a file. Never fails.
   * @returns a promise when the owner's backlog is long: it resolves when more may come
   */
  append(owner: string, path: string, data: Data): Promise<void> | undefined {
    const log = this.#log(path);
    const account = this.#owner(owner);
    const bytes = typeof data === 'string' ? this.#room.measure(data) : data.length;
    if (account.bytes > 0 && account.bytes + bytes > bound) {
      account.dropped += 1;
    } else {
      log.waiting.push({ owner, data, bytes });
      account.bytes += bytes;
      log.busy ??= this.#write(log);
    }
    if (account.bytes <= patience) return undefined;
    return new Promise((resolve) => account.waiting.push(resolve));
  }

  /** Resolves when everything taken so far is written, or lost; what comes meanwhile does not count. */
  async written(): Promise<void> {
    const busy = [...this.#logs.values()].filter((log) => log.busy !== undefined);
    await Promise.all(busy.map((log) => new Promise<void>((resolve) => log.marks.push(resolve))));
  }

  /** Writes what waits, without pauses. */
  async flush(): Promise<void> {
    this.#hurried = true;
    for (;;) {
      const busy = [...this.#logs.values()].flatMap((log) => (log.busy === undefined ? [] : [log.busy]));
      if (busy.length === 0) break;
      await Promise.all(busy);
    }
    this.#hurried = false;
  }

  /** Another revision's files come now: owners begin anew. */
  forget(): void {
    for (const owner of this.#owners.values()) owner.paths.clear();
  }

  async #write(log: OpenLog): Promise<void> {
    while (log.waiting.length > 0 || log.marks.length > 0) {
      if (log.waiting.length > 0) await this.#rest(log);
      const pieces = log.waiting;
      const marks = log.marks.splice(0);
      log.waiting = [];
      const tell = pieces.length > 0 && (await this.#writePieces(log, pieces));
      for (const done of marks) done();
      log.lastWrite = this.#room.clock.monotonic();
      this.#settle(pieces, tell);
    }
    log.busy = undefined;
    this.#tidy();
  }

  /** Writing every line by itself would cost more than the line is worth. */
  async #rest(log: OpenLog): Promise<void> {
    const { clock } = this.#room;
    const wait = log.lastWrite + pause - clock.monotonic();
    if (wait > 0 && !this.#hurried) await new Promise<void>((resolve) => clock.after(wait, resolve));
  }

  /** False when the file still cannot be written: its pieces are lost, and counted. The first failure is worth a word. */
  async #writePieces(log: OpenLog, pieces: readonly Piece[]): Promise<boolean> {
    const { files, written, failed } = this.#room;
    const { path } = log;
    try {
      if (log.size === undefined) {
        await makeDirectories(files, path.slice(0, path.lastIndexOf('/')));
        log.size = (await files.status(path))?.size ?? 0;
      }
      const bytes = pieces.reduce((sum, piece) => sum + piece.bytes, 0);
      for (const run of joined(pieces.map(({ data }) => data))) await files.append(path, run, { mode: 0o644 });
      log.size += bytes;
      this.#broken.delete(path);
      if ((await written(path, bytes, log.size)) === 'rotated') log.size = 0;
      return true;
    } catch (error) {
      for (const { owner } of pieces) this.#owner(owner).dropped += 1;
      log.size = undefined;
      const isFirst = !this.#broken.has(path);
      if (isFirst) failed(path, error);
      this.#broken.add(path);
      return isFirst;
    }
  }

  /** What was written does not wait any more: its owners may go on. */
  #settle(pieces: readonly Piece[], tell: boolean): void {
    for (const { owner, bytes } of pieces) this.#owner(owner).bytes -= bytes;
    for (const name of new Set(pieces.map(({ owner }) => owner))) this.#release(name, this.#owner(name), tell);
  }

  #release(name: string, owner: Owner, tell: boolean): void {
    if (owner.bytes > patience / 2) return;
    for (const resolve of owner.waiting.splice(0)) resolve();
    // A word about losses is an entry itself: on a full disk it would be lost, and be followed by another word, for ever.
    if (owner.dropped === 0 || !tell) return;
    const { dropped } = owner;
    owner.dropped = 0;
    this.#room.dropped(name, dropped);
  }

  #tidy(): void {
    if (this.#logs.size <= mostIdle) return;
    for (const [path, log] of this.#logs) if (log.busy === undefined) this.#logs.delete(path);
  }

  #log(path: string): OpenLog {
    const known = this.#logs.get(path);
    if (known !== undefined) return known;
    const lastWrite = Number.NEGATIVE_INFINITY;
    const log: OpenLog = { path, waiting: [], marks: [], size: undefined, busy: undefined, lastWrite };
    this.#logs.set(path, log);
    return log;
  }

  #owner(name: string): Owner {
    const known = this.#owners.get(name);
    if (known !== undefined) return known;
    const owner: Owner = { bytes: 0, dropped: 0, paths: new Set(), waiting: [] };
    this.#owners.set(name, owner);
    return owner;
  }
}

/** Neighbours of the same kind in one piece. */
function joined(pieces: readonly Data[]): Data[] {
  const runs: Data[] = [];
  let texts: string[] = [];
  let blocks: Uint8Array[] = [];
  const close = () => {
    if (texts.length > 0) runs.push(texts.join(''));
    if (blocks.length > 0) runs.push(concatenate(blocks));
    texts = [];
    blocks = [];
  };
  for (const piece of pieces) {
    if (typeof piece === 'string') {
      if (blocks.length > 0) close();
      texts.push(piece);
    } else {
      if (texts.length > 0) close();
      blocks.push(piece);
    }
  }
  close();
  return runs;
}

/** Blocks one after the other. */
export function concatenate(blocks: readonly Uint8Array[]): Uint8Array {
  const [only] = blocks;
  if (only !== undefined && blocks.length === 1) return only;
  const whole = new Uint8Array(blocks.reduce((sum, block) => sum + block.length, 0));
  let at = 0;
  for (const block of blocks) {
    whole.set(block, at);
    at += block.length;
  }
  return whole;
}
