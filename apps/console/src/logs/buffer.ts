import type { LogEntry } from '@pantavisor/hub-api';

/** What lines are wanted; lists mean any of. */
export interface LogFilter {
  text?: string;
  lvl?: string;
  plat?: string;
  src?: string;
  rev?: string;
}

const any = (wanted: string | undefined, value: string | undefined): boolean =>
  wanted === undefined || wanted === '' || wanted.split(',').includes(value ?? '');

/** Whether a line is wanted, as the hub decides it (hub-api §8). */
export function matches({ text, lvl, plat, src, rev }: LogFilter, entry: LogEntry): boolean {
  return (
    any(lvl, entry.lvl) &&
    any(plat, entry.plat) &&
    any(src, entry.src) &&
    any(rev, entry.rev) &&
    (text === undefined || text === '' || (entry.msg ?? '').toLowerCase().includes(text.toLowerCase()))
  );
}

/** So many lines are kept; a day of a talkative device is more, and the hub has them all. */
export const mostKept = 50_000;

/** Lines in the order in which the hub stored them, each once. Adding at both ends is cheap; reading is by index. */
export class LogBuffer {
  #lines: LogEntry[] = [];
  /** counts changes: whoever shows the buffer looks at it */
  version = 0;
  /** lines at the beginning were let go of */
  dropped = false;
  /** place of the first line, counted so that every line keeps its place while others come and go */
  origin = 0;
  /** lines that came live */
  received = 0;
  readonly #listeners = new Set<() => void>();

  /** Calls back at each {@link announce}. @returns how to stop it */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  };
  /** Tells whoever shows the buffer that it changed: once for many changes. */
  announce(): void {
    for (const listener of this.#listeners) listener();
  }

  get length(): number {
    return this.#lines.length;
  }
  at(index: number): LogEntry | undefined {
    return this.#lines[index];
  }
  get first(): LogEntry | undefined {
    return this.#lines[0];
  }
  get last(): LogEntry | undefined {
    return this.#lines.at(-1);
  }
  indexOf(id: string): number {
    return this.#lines.findIndex((line) => line.id === id);
  }

  /** Adds newer lines; those that are there already are left out. */
  append(entries: readonly LogEntry[]): number {
    const last = this.last?.id ?? '';
    const fresh = entries.filter(({ id }) => id > last);
    if (fresh.length === 0) return 0;
    for (const entry of fresh) this.#lines.push(entry);
    if (this.#lines.length > mostKept * 1.1) {
      this.origin += this.#lines.length - mostKept;
      this.#lines = this.#lines.slice(-mostKept);
      this.dropped = true;
    }
    this.version += 1;
    return fresh.length;
  }

  /** Adds older lines, oldest first. @returns how many were new */
  prepend(entries: readonly LogEntry[]): number {
    const first = this.first?.id;
    const fresh = first === undefined ? entries : entries.filter(({ id }) => id < first);
    if (fresh.length === 0) return 0;
    this.#lines = [...fresh, ...this.#lines];
    this.origin -= fresh.length;
    this.version += 1;
    return fresh.length;
  }

  clear(): void {
    this.#lines = [];
    this.dropped = false;
    this.version += 1;
  }
}
