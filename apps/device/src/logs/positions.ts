/** How far files were read, so that the next runtime goes on there (logs.md §4). */
import type { Clock, Files } from '../host/ports.ts';
import { makeDirectories } from '../volumes/directories.ts';

/** A place in a file, or a number in a series, of something that may have been replaced since. */
export interface Position {
  /** Tells one file, or one series, from another. */
  identity: string;
  offset: number;
}

/** Milliseconds between two times of writing positions down. */
const pause = 1000;
const limit = 64 * 1024;

/** Positions of one container's logs by name, in one small file. */
export class Positions {
  readonly #files: Files;
  readonly #clock: Clock;
  readonly #path: string;
  readonly #written: () => Promise<void>;
  #values: Map<string, Position> | undefined;
  #timer: (() => void) | undefined;
  #tail: Promise<void> = Promise.resolve();

  /** @param written resolves when what was read so far is in the logs: a position must never run ahead of them */
  constructor(files: Files, clock: Clock, path: string, written: () => Promise<void>) {
    this.#files = files;
    this.#clock = clock;
    this.#path = path;
    this.#written = written;
  }

  async get(name: string): Promise<Position | undefined> {
    this.#values ??= await this.#read();
    return this.#values.get(name);
  }

  /** Notes a position; written down soon. */
  set(name: string, position: Position): void {
    this.#values ??= new Map();
    this.#values.set(name, position);
    this.#timer ??= this.#clock.after(pause, () => void this.save());
  }

  /** Writes down what is noted. Never fails: without positions a log is read twice, which is better than not at all. */
  save(): Promise<void> {
    this.#timer?.();
    this.#timer = undefined;
    this.#tail = this.#tail.then(async () => {
      const next = `${this.#path}.next`;
      const text = JSON.stringify(Object.fromEntries(this.#values ?? []));
      await this.#written();
      try {
        await makeDirectories(this.#files, this.#path.slice(0, this.#path.lastIndexOf('/')));
        await this.#files.write(next, text, { mode: 0o600 });
        await this.#files.rename(next, this.#path);
      } catch {
        await this.#files.unlink(next).catch(() => undefined);
      }
    });
    return this.#tail;
  }

  async #read(): Promise<Map<string, Position>> {
    try {
      const value: unknown = JSON.parse(await this.#files.readText(this.#path, limit));
      if (typeof value !== 'object' || value === null) return new Map();
      return new Map(Object.entries(value).filter((entry): entry is [string, Position] => isPosition(entry[1])));
    } catch {
      return new Map();
    }
  }
}

function isPosition(value: unknown): value is Position {
  if (typeof value !== 'object' || value === null) return false;
  const { identity, offset }: { identity?: unknown; offset?: unknown } = value;
  return typeof identity === 'string' && typeof offset === 'number' && Number.isSafeInteger(offset) && offset >= 0;
}
