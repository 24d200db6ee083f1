/** Log lines of the runtime itself: level, source, message, to any number of sinks (logs.md §5). */
import type { Clock, Files, System } from '../host/ports.ts';

/** Levels by importance; a sink keeps lines whose number is at most its own. */
export const logLevels = ['FATAL', 'ERROR', 'WARN', 'INFO', 'DEBUG', 'TRACE'] as const;
export type LogLevel = (typeof logLevels)[number];

export interface LogRecord {
  /** Monotonic time in milliseconds. */
  at: number;
  level: LogLevel;
  /** The room that speaks, e.g. `containers`. */
  source: string;
  message: string;
}

/** Takes records; never fails and never waits. */
export type LogSink = (record: LogRecord) => void;

/** Writes one log line. */
export type Log = (level: LogLevel, source: string, message: string) => void;

/**
 * A log that hands lines up to a level to every sink.
 * @param threshold number of the last level to keep, `PV_LOG_LEVEL`; FATAL always passes
 */
export function createLog(clock: Clock, threshold: number, sinks: readonly LogSink[]): Log {
  return (level, source, message) => {
    const rank = logLevels.indexOf(level);
    if (rank > 0 && rank > threshold) return;
    const record = { at: clock.monotonic(), level, source, message };
    for (const sink of sinks) sink(record);
  };
}

/** The line format of the original, one output line per input line: `[pantavisor] 12 INFO\t -- [source]: message`. */
export function formatRecord(record: LogRecord): string {
  const head = `[pantavisor] ${Math.floor(record.at / 1000)} ${record.level}\t -- [${record.source}]: `;
  return record.message
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => `${head}${line}\n`)
    .join('');
}

/** Prints lines for the person who started the program. */
export function terminalSink(system: System): LogSink {
  return (record) => system.print('stderr', formatRecord(record));
}

/**
 * Appends to a file, many lines at once when they come fast. When the file cannot be written (disk full) that is said once on
 * stderr and lines are dropped until it can be written again.
 */
export function fileSink(
  files: Files,
  system: System,
  path: string,
): { sink: LogSink; flush(): Promise<void>; moveTo(path: string): Promise<void> } {
  let target = path;
  let waiting: string[] = [];
  let writing: Promise<void> | undefined;
  let broken = false;
  const drain = async () => {
    while (waiting.length > 0) {
      const text = waiting.join('');
      waiting = [];
      try {
        await files.append(target, text, { mode: 0o644 });
        broken = false;
      } catch (error) {
        if (!broken)
          system.print('stderr', `cannot write the log ${target}: ${error instanceof Error ? error.message : error}\n`);
        broken = true;
      }
    }
    writing = undefined;
  };
  const flush = async () => {
    await writing;
  };
  return {
    sink: (record) => {
      waiting.push(formatRecord(record));
      writing ??= drain();
    },
    flush,
    moveTo: async (next) => {
      await flush();
      target = next;
    },
  };
}
