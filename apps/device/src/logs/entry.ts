/** One message on its way through the log server. */

/** Levels by number (logs.md §1). */
export const levelNames = ['FATAL', 'ERROR', 'WARN', 'INFO', 'DEBUG', 'TRACE'] as const;

/** How a message came in; 256 is a command and never becomes an entry. */
export type Protocol = 'legacy' | 'rfc5424' | 'rfc3164' | 'json' | 'key-value' | 'stream';

export interface LogEntry {
  /** Container, or `pantavisor`. */
  platform: string;
  /** Program, daemon or absolute path of a file in the container. */
  source: string;
  /** 0 FATAL to 5 TRACE; others are told as UNDEFINED. */
  level: number;
  /** Unix time in milliseconds. */
  wall: number;
  /** Monotonic milliseconds. */
  at: number;
  protocol: Protocol;
  /** Bytes as they came where nothing had to be taken apart. */
  data: string | Uint8Array;
}

/** What a message says, before it is known who said it and when it came. */
export interface Message {
  protocol: Protocol;
  level: number;
  source: string;
  data: string | Uint8Array;
  /** Only the legacy protocol names one. */
  platform?: string;
  /** Time that the message itself tells, Unix milliseconds. */
  wall?: number;
}

export type Parsed = { ok: true; message: Message } | { ok: false; reason: string };

/** Word for a level; numbers outside of the table are `UNDEFINED`. */
export function levelName(level: number): string {
  return levelNames[level] ?? 'UNDEFINED';
}

/** Number of the level whose name a text starts with, in any case: `warning` is 2. Undefined when there is none. */
export function parseLevel(text: string): number | undefined {
  const upper = text.toUpperCase();
  const found = levelNames.findIndex((name) => upper.startsWith(name));
  return found < 0 ? undefined : found;
}
