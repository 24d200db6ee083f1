/** Log lines of the runtime itself: level, source, message, to any number of sinks (logs.md §5). */
import type { Clock, System } from '../host/ports.ts';

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
 * @param threshold number of the last level to keep now, `PV_LOG_LEVEL`; FATAL always passes
 */
export function createLog(clock: Clock, threshold: () => number, sinks: readonly LogSink[]): Log {
  return (level, source, message) => {
    const rank = logLevels.indexOf(level);
    if (rank > 0 && rank > threshold()) return;
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

/** Prints lines for the kernel's log, which is read where nothing else can be: by their importance, without debugging. */
export function kernelLogSink(system: System): LogSink {
  return ({ level, source, message }) => {
    if (level === 'DEBUG' || level === 'TRACE') return;
    system.print(level === 'INFO' ? 'stdout' : 'stderr', `[${source}] ${message}\n`);
  };
}
