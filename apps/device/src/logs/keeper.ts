/** Keeps the logs of the running revision within their room: rotation, compression, clean-up (logs.md §6). */
import type { Host } from '../host/ports.ts';
import { isCode } from '../storage/durable.ts';
import { type LogLimits, limitsOf, maximumSize, nextArchiveNumber, planCleanUp, type StoredLog } from './space.ts';

export interface KeeperRoom {
  host: Pick<Host, 'files' | 'streams'>;
  /** Directory of all logs. */
  directory: string;
  settings: () => { maximum: string; hysteresis: number; rotate: number };
  /** Says what went wrong. */
  warn: (sentence: string) => void;
}

const depthLimit = 16;

/** Who wants to read logs before they are compressed. */
export interface LogObserver {
  /** A log has something new. */
  changed(path: string): void;
  /** A log is about to be put away. */
  moving(path: string, archive: string): void;
  /** A log was put away. @returns whether it stays as it is until it is handed to `compress` */
  archived(archive: string): boolean;
}

export class LogKeeper {
  observer: LogObserver | undefined;
  readonly #room: KeeperRoom;
  #directory: string;
  #limits: { settings: string; limits: LogLimits } | undefined;
  /** Bytes below the directory of the revision, as far as is known. */
  #size: number | undefined;
  #cleaning: Promise<void> | undefined;
  readonly #compressing = new Set<Promise<boolean>>();

  constructor(room: KeeperRoom, revisionDirectory: string) {
    this.#room = room;
    this.#directory = revisionDirectory;
  }

  /** The running revision is another one. */
  moveTo(revisionDirectory: string): void {
    this.#directory = revisionDirectory;
    this.#size = undefined;
  }

  /** Limits now; the configuration may change them while the device runs. */
  async limits(): Promise<LogLimits> {
    const { settings, host, directory, warn } = this.#room;
    const { maximum, hysteresis, rotate } = settings();
    const key = `${maximum} ${hysteresis} ${rotate}`;
    if (this.#limits?.settings === key) return this.#limits.limits;
    const { size, problem } = maximumSize(maximum, await host.files.space(directory));
    if (problem !== undefined) warn(problem);
    this.#limits = { settings: key, limits: limitsOf(size, hysteresis, rotate) };
    return this.#limits.limits;
  }

  /** A file has grown by so many bytes to this size. Rotates it when it is too large: nobody else may write to it meanwhile. */
  async grown(path: string, bytes: number, size: number): Promise<'rotated' | undefined> {
    const limits = await this.limits();
    const tooLarge = size >= limits.rotate;
    if (tooLarge) await this.rotate(path, 'move');
    else this.observer?.changed(path);
    await this.#account(bytes, limits);
    return tooLarge ? 'rotated' : undefined;
  }

  /**
   * Puts a log away as `<path>.<n>.gz`.
   * @param how `copy` leaves the file itself, emptied, to a program that has it open
   */
  async rotate(path: string, how: 'move' | 'copy'): Promise<void> {
    const { files } = this.#room.host;
    const [directory, name] = [path.slice(0, path.lastIndexOf('/')), path.slice(path.lastIndexOf('/') + 1)];
    const names = (await files.list(directory)).map((entry) => entry.name);
    const archive = `${path}.${nextArchiveNumber(name, names)}`;
    this.observer?.moving(path, archive);
    if (how === 'move') await files.rename(path, archive);
    else {
      await files.copy(path, archive, 0o644);
      await files.write(path, '');
    }
    if (this.observer?.archived(archive) !== true) void this.compress(archive);
  }

  /** Makes an archive small, in the background. @returns false when it is still as it was */
  compress(archive: string): Promise<boolean> {
    const work = this.#compress(archive);
    this.#compressing.add(work);
    return work.finally(() => this.#compressing.delete(work));
  }

  /** Waits for what goes on in the background. */
  async settled(): Promise<void> {
    await Promise.all(this.#compressing);
    await this.#cleaning;
  }

  async #compress(archive: string): Promise<boolean> {
    try {
      await this.#room.host.streams.gzip(archive);
      return true;
    } catch (error) {
      if (isCode(error, 'ENOENT')) return true;
      this.#room.warn(`cannot compress ${archive}: ${error instanceof Error ? error.message : error}`);
      return false;
    }
  }

  async #account(bytes: number, limits: LogLimits): Promise<void> {
    this.#size = this.#size === undefined ? total(await this.#measure()) : this.#size + bytes;
    if (this.#size < limits.high) return;
    this.#cleaning ??= this.#cleanUp(limits).finally(() => {
      this.#cleaning = undefined;
    });
  }

  async #cleanUp(limits: LogLimits): Promise<void> {
    const { files } = this.#room.host;
    try {
      await Promise.all(this.#compressing);
      const stored = await this.#measure();
      this.#size = total(stored);
      if (this.#size < limits.high) return;
      for (const path of planCleanUp(stored, limits.low)) {
        this.#size -= stored.find((file) => file.path === path)?.size ?? 0;
        await files.unlink(path);
      }
    } catch (error) {
      this.#room.warn(`cannot clean up ${this.#directory}: ${error instanceof Error ? error.message : error}`);
    }
  }

  async #measure(directory = this.#directory, depth = 0): Promise<StoredLog[]> {
    const { files } = this.#room.host;
    const found: StoredLog[] = [];
    if ((await files.status(directory)) === undefined) return found;
    for (const { name, kind } of await files.list(directory)) {
      const path = `${directory}/${name}`;
      if (kind === 'directory' && depth < depthLimit) found.push(...(await this.#measure(path, depth + 1)));
      else if (kind === 'file') found.push({ path, size: (await files.status(path))?.size ?? 0 });
    }
    return found;
  }
}

const total = (stored: readonly StoredLog[]) => stored.reduce((sum, { size }) => sum + size, 0);
