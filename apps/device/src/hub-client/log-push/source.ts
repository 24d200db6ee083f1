/** The log files of a device as a source of lines: which there are, which have something new, and how far they were read. */
import type { Hashing, Host } from '../../host/ports.ts';
import type { FollowedFile } from '../../host/streams.ts';
import type { LogObserver } from '../../logs/keeper.ts';
import { archiveOf } from '../../logs/space.ts';
import { cutLines, entryOf, type LogOrigin, originOf, type PushedEntry } from './lines.ts';
import type { PushPosition, PushPositions } from './positions.ts';

/** An entry on its way, and the place in its file behind it. */
export interface SourceLine {
  position: PushPosition;
  end: number;
  entry: PushedEntry;
  /** Bytes that it takes at least. */
  size: number;
}

export interface SourceParts {
  host: Pick<Host, 'files' | 'streams' | 'text'> & { hashing: Hashing };
  /** Directory of all logs. */
  directory: string;
  positions: PushPositions;
  /** Revision that runs. */
  running(): string;
  /** Logs of revisions of the device's own go to the Hub as well. */
  withLocals(): boolean;
  /** An archive is at the Hub, or need not go there any more. Resolves when it is compressed, with false when it cannot be. */
  finished(path: string): Promise<boolean>;
  /** Something new is there. */
  wake(): void;
  warn(sentence: string): void;
}

/** Bytes that are read at a time; a longer line is sent in pieces. */
const unit = 128 * 1024;
const headLength = 256;
const depthLimit = 16;

export class LogSource implements LogObserver {
  readonly #parts: SourceParts;
  /** Files that may have something new. */
  readonly #dirty = new Set<string>();
  /** Positions that were found to belong to the file that is there. */
  readonly #checked = new Set<PushPosition>();
  /** Archives that stay as they are until they were sent. */
  readonly #held = new Set<string>();
  #isOpen = false;

  constructor(parts: SourceParts) {
    this.#parts = parts;
  }

  get isEmpty(): boolean {
    return this.#dirty.size === 0;
  }

  /** Looks what there is: the running revision first, then the others from the newest on; of a log its archives first. */
  async open(): Promise<void> {
    const { host, directory, running, withLocals, positions } = this.#parts;
    this.#isOpen = true;
    const names = (await host.files.status(directory)) === undefined ? [] : await host.files.list(directory);
    const numbers = names.flatMap(({ name, kind }) =>
      kind === 'directory' && /^\d{1,9}$/.test(name) ? [Number(name)] : [],
    );
    const current = running();
    const isCurrentSent = !current.includes('/') || withLocals();
    const others = numbers.sort((left, right) => right - left).map(String);
    const found: string[] = [];
    for (const revision of [...(isCurrentSent ? [current] : []), ...others.filter((name) => name !== current)])
      found.push(...(await this.#scan(revision, 0)).sort(byAge));
    for (const position of positions.all()) if (!found.includes(position.path)) await this.#adopt(position, found);
    for (const path of found) {
      if (archiveOf(path) !== undefined) this.#held.add(path);
      this.#dirty.add(path);
    }
    if (found.length > 0) this.#parts.wake();
  }

  /** Nothing is to be sent any more: what was held back may be compressed. */
  close(): void {
    this.#isOpen = false;
    this.#dirty.clear();
    for (const path of [...this.#held]) this.#finish(path);
  }

  changed(absolute: string): void {
    const path = this.#below(absolute);
    if (path === undefined) return;
    this.#dirty.add(path);
    this.#parts.wake();
  }

  moving(absolute: string, archive: string): void {
    const { positions } = this.#parts;
    const [from, to] = [this.#below(absolute), this.#below(archive)];
    if (from === undefined || to === undefined) return;
    const position = positions.get(from);
    if (position !== undefined) positions.move(position, to);
  }

  archived(archive: string): boolean {
    const path = this.#below(archive);
    if (path === undefined) return false;
    this.#held.add(path);
    this.#dirty.add(path);
    this.#parts.wake();
    return true;
  }

  /** These lines could not be sent: their files have something new still. */
  putBack(lines: readonly SourceLine[]): void {
    if (this.#isOpen) for (const { position } of lines) this.#dirty.add(position.path);
  }

  /** Takes up to so many lines that are not at the Hub. They are taken again until their positions have moved on. */
  async take(mostLines: number, mostBytes: number): Promise<SourceLine[]> {
    const taken: SourceLine[] = [];
    let bytes = 0;
    for (const path of this.#inOrder()) {
      if (taken.length >= mostLines || bytes >= mostBytes) break;
      this.#dirty.delete(path);
      const lines = await this.#read(path, mostLines - taken.length, mostBytes - bytes);
      taken.push(...lines);
      bytes += lines.reduce((sum, { size }) => sum + size, 0);
    }
    return taken;
  }

  /** Files with something new, but none as long as an older part of the same log has something. */
  #inOrder(): string[] {
    const oldest = new Map<string, number>();
    for (const path of this.#dirty) {
      const { log, number } = archiveOf(path) ?? { log: path, number: Number.POSITIVE_INFINITY };
      oldest.set(log, Math.min(number, oldest.get(log) ?? number));
    }
    return [...this.#dirty].filter((path) => {
      const { log, number } = archiveOf(path) ?? { log: path, number: Number.POSITIVE_INFINITY };
      return oldest.get(log) === number;
    });
  }

  async #read(path: string, mostLines: number, mostBytes: number): Promise<SourceLine[]> {
    const { host, directory, warn } = this.#parts;
    const origin = originOf(path);
    if (origin === undefined) return [];
    const follower = await host.streams.follow({ root: '/', path: `${directory}/${path}`, changed: () => {} });
    try {
      const file = await follower.open();
      if (file === undefined) {
        const known = this.#parts.positions.get(path);
        if (archiveOf(path) !== undefined && this.#held.has(path))
          warn(`${path} had to go before the Hub had it: there was no room for it any more`);
        if (known !== undefined) this.#parts.positions.forget(known);
        this.#held.delete(path);
        return [];
      }
      try {
        return await this.#linesOf(path, file, origin, mostLines, mostBytes);
      } finally {
        file.close();
      }
    } finally {
      follower.close();
    }
  }

  async #linesOf(
    path: string,
    file: FollowedFile,
    origin: LogOrigin,
    mostLines: number,
    mostBytes: number,
  ): Promise<SourceLine[]> {
    const { host } = this.#parts;
    const position = await this.#positionOf(path, file);
    const bytes = await file.read(position.offset, unit);
    // Nobody writes to an archive any more.
    const isFinal = archiveOf(path) !== undefined;
    const isEnd = position.offset + bytes.length >= (await file.size());
    const { lines, end } = cutLines(
      bytes,
      position.offset,
      (isFinal && isEnd) || (bytes.length === unit && !bytes.includes(10)),
    );
    if (lines.length === 0) {
      if (bytes.length > 0 && end > position.offset) {
        // Empty lines only.
        position.offset = end;
        this.#dirty.add(path);
      } else if (isEnd && isFinal) this.#finish(path);
      return [];
    }
    position.head ||= await this.#headOf(file, Math.min(headLength, bytes.length));
    const taken: SourceLine[] = [];
    let size = 0;
    for (const line of lines) {
      if (taken.length >= mostLines || size >= mostBytes) break;
      const entry = entryOf(origin, host.text.decode(line.bytes));
      const cost = line.bytes.length + entry.src.length + entry.plat.length + 80;
      if (taken.length > 0 && size + cost > mostBytes) break;
      taken.push({ position, end: line.end, entry, size: cost });
      size += cost;
    }
    if (taken.length < lines.length || !isEnd || isFinal) this.#dirty.add(path);
    return taken;
  }

  /** The position of the file that is there now. */
  async #positionOf(path: string, file: FollowedFile): Promise<PushPosition> {
    const { positions } = this.#parts;
    const known = positions.get(path);
    if (known !== undefined && (await this.#isOf(known, file))) return known;
    if (known !== undefined) positions.forget(known);
    const made = positions.create(path);
    this.#checked.add(made);
    // Its number has to be known before the Hub knows it.
    await positions.save();
    return made;
  }

  async #isOf(position: PushPosition, file: FollowedFile): Promise<boolean> {
    const size = await file.size();
    if (this.#checked.has(position) || position.head === '') return size >= position.offset;
    const [length = 0] = position.head.split(':').map(Number);
    if ((await this.#headOf(file, length)) !== position.head) return false;
    // The power has gone since, and took the end of the file with it.
    position.offset = Math.min(position.offset, size);
    this.#checked.add(position);
    return true;
  }

  async #headOf(file: FollowedFile, length: number): Promise<string> {
    return `${length}:${this.#parts.host.hashing.sha256(await file.read(0, length))}`;
  }

  /** A file that was put away just before the power went: its position is known under the old name. */
  async #adopt(position: PushPosition, found: readonly string[]): Promise<void> {
    const { positions } = this.#parts;
    const log = archiveOf(position.path)?.log ?? position.path;
    for (const path of found) {
      if (archiveOf(path)?.log !== log || positions.get(path) !== undefined || position.head === '') continue;
      if (!(await this.#isAt(position, path))) continue;
      positions.move(position, path);
      return;
    }
    positions.forget(position);
  }

  async #isAt(position: PushPosition, path: string): Promise<boolean> {
    const { host, directory } = this.#parts;
    const follower = await host.streams.follow({ root: '/', path: `${directory}/${path}`, changed: () => {} });
    const file = await follower.open();
    try {
      return file !== undefined && (await this.#isOf(position, file));
    } finally {
      file?.close();
      follower.close();
    }
  }

  #finish(path: string): void {
    const { finished, directory, positions } = this.#parts;
    if (!this.#held.delete(path)) return;
    // As long as the archive itself is there its position says that it was sent.
    void finished(`${directory}/${path}`).then((isGone) => {
      const position = positions.get(path);
      if (isGone && position !== undefined) positions.forget(position);
    });
  }

  async #scan(path: string, depth: number): Promise<string[]> {
    const { host, directory } = this.#parts;
    if (depth > depthLimit || (await host.files.status(`${directory}/${path}`))?.kind !== 'directory') return [];
    const found: string[] = [];
    for (const { name, kind } of await host.files.list(`${directory}/${path}`)) {
      const below = `${path}/${name}`;
      if (kind === 'directory') found.push(...(await this.#scan(below, depth + 1)));
      else if (kind === 'file' && originOf(below) !== undefined && !name.includes('.gz')) found.push(below);
    }
    return found;
  }

  #below(absolute: string): string | undefined {
    const { directory, withLocals } = this.#parts;
    if (!this.#isOpen || !absolute.startsWith(`${directory}/`)) return undefined;
    const path = absolute.slice(directory.length + 1);
    const origin = originOf(path);
    return origin === undefined || (origin.rev.includes('/') && !withLocals()) ? undefined : path;
  }
}

/** Archives of a log before the log itself, the oldest first. */
function byAge(left: string, right: string): number {
  const [first, second] = [archiveOf(left), archiveOf(right)];
  const [one, other] = [first?.log ?? left, second?.log ?? right];
  if (one !== other) return one < other ? -1 : 1;
  return (first?.number ?? Number.POSITIVE_INFINITY) < (second?.number ?? Number.POSITIVE_INFINITY) ? -1 : 1;
}
