/**
 * How far each log file is at the Hub, kept over restarts. A file is a *stream* whose entries have numbers: the Hub leaves out those that it
 * has already, so that neither a lost answer nor a position that a power cut took back makes an entry appear twice.
 */
import type { Clock, Files } from '../../host/ports.ts';
import { readIfThere, writeDurable } from '../../storage/durable.ts';

/** Position in one file. Changed in place: it stays the same when its file is put away under another name. */
export interface PushPosition {
  /** Path below the directory of all logs. */
  path: string;
  /** 16 hex digits. */
  stream: string;
  /** Bytes that the Hub has. */
  offset: number;
  /** Entries that the Hub has. */
  count: number;
  /** What the file is known by: length and SHA-256 of its beginning; empty until something was sent. */
  head: string;
}

const fileLimit = 1024 * 1024;
/** Milliseconds between two times of writing down. */
const pause = 5000;

export interface PositionsParts {
  files: Files;
  clock: Clock;
  /** File that holds them. */
  path: string;
  /** 16 hex digits by chance. */
  newStream(): string;
  failed(error: unknown): void;
}

export class PushPositions {
  readonly #parts: PositionsParts;
  #known = new Map<string, PushPosition>();
  #timer: (() => void) | undefined;
  #tail: Promise<void> = Promise.resolve();

  constructor(parts: PositionsParts) {
    this.#parts = parts;
  }

  /** Reads what earlier runtimes have written down; what cannot be read counts as nothing. */
  async open(): Promise<void> {
    const { files, path } = this.#parts;
    const text = await readIfThere(files, path, fileLimit).catch(() => undefined);
    this.#known = new Map(parsePositions(text ?? '').map((position) => [position.path, position]));
  }

  get(path: string): PushPosition | undefined {
    return this.#known.get(path);
  }

  all(): PushPosition[] {
    return [...this.#known.values()];
  }

  /** A file that nothing is known of, to be sent from its beginning. */
  create(path: string): PushPosition {
    const position = { path, stream: this.#parts.newStream(), offset: 0, count: 0, head: '' };
    this.#known.set(path, position);
    return position;
  }

  /** The file of a position has another name now. */
  move(position: PushPosition, path: string): void {
    if (this.#known.get(position.path) === position) this.#known.delete(position.path);
    position.path = path;
    this.#known.set(path, position);
    this.soon();
  }

  forget(position: PushPosition): void {
    if (this.#known.get(position.path) === position) this.#known.delete(position.path);
    this.soon();
  }

  /** Writes down before long: what is not written when the power goes is only sent once more. */
  soon(): void {
    this.#timer ??= this.#parts.clock.after(pause, () => void this.save());
  }

  /** Writes down now. Never fails: without positions everything is sent once more. */
  save(): Promise<void> {
    this.#timer?.();
    this.#timer = undefined;
    this.#tail = this.#tail.then(async () => {
      const { files, path, failed } = this.#parts;
      await writeDurable(files, path, JSON.stringify(this.all()), 0o600).catch(failed);
    });
    return this.#tail;
  }
}

/** Positions of a text; what is none is left out. */
export function parsePositions(text: string): PushPosition[] {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value.filter(isPosition) : [];
  } catch {
    return [];
  }
}

function isPosition(value: unknown): value is PushPosition {
  if (typeof value !== 'object' || value === null) return false;
  const { path, stream, offset, count, head } = value as Partial<Record<keyof PushPosition, unknown>>;
  const isCount = (one: unknown) => typeof one === 'number' && Number.isSafeInteger(one) && one >= 0;
  return (
    typeof path === 'string' &&
    typeof stream === 'string' &&
    /^[0-9a-f]{16}$/.test(stream) &&
    isCount(offset) &&
    isCount(count) &&
    typeof head === 'string'
  );
}
