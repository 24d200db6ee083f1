/** What a program that has the whole terminal needs of the machine besides. */
import type { Environment } from '@pantavisor/cli/output';
import type { ToolHost } from './ports.ts';

/** Bytes that were typed, another size, a wish to end (SIGTERM, SIGHUP), or undefined: the terminal has gone. */
export type TerminalEvent = Uint8Array | 'resized' | 'ended' | undefined;

export interface Terminal {
  /** Zero where the line does not tell. */
  size(): { columns: number; rows: number };
  /** From now on every key comes at once, without echo, control characters included. */
  begin(): void;
  /** As it was before. */
  end(): void;
  write(text: string): void;
  /** What comes next, between `begin` and `end`; one call at a time. */
  next(): Promise<TerminalEvent>;
}

/** A program that runs beside, with its output in pieces. */
export interface Helper {
  output: AsyncIterable<Uint8Array>;
  /** Its exit code, and what it said on standard error; resolves once the output was read to its end. */
  ended: Promise<{ code: number; errors: string }>;
}

export interface PantaboxHost extends ToolHost {
  /** Absent unless standard input and output are both a terminal. */
  readonly terminal: Terminal | undefined;
  /** Starts a program that reads this and nothing else. @throws Error whose message is a short reason, e.g. `ENOENT` */
  help(argv: readonly string[], environment: Environment, input?: string): Promise<Helper>;
}
