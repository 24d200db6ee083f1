/** The last errors of the log while an update is in hand, for `.pv/logs` and the member `logs` of the progress (logs.md §7). */
import type { LogRecord, LogSink } from '../runtime/log.ts';

/** Characters; the file must stay readable for clients that stop at 4096 bytes. */
const longestTail = 4096;
const kept: readonly LogRecord['level'][] = ['FATAL', 'ERROR'];

/** Takes every record of the log and keeps the latest of its errors. */
export class ErrorTail {
  #lines: string[] = [];
  #size = 0;
  readonly #measure: (text: string) => number;

  /** @param measure bytes of a text as it is stored */
  constructor(measure: (text: string) => number) {
    this.#measure = measure;
  }

  readonly sink: LogSink = ({ at, level, source, message }) => {
    if (!kept.includes(level)) return;
    const record = { tsec: Math.floor(at / 1000), tnano: 0, platform: 'pantavisor', lvl: level, src: source };
    const line = `${JSON.stringify({ ...record, msg: message.slice(0, longestTail / 4) })}\n`;
    this.#lines.push(line);
    this.#size += this.#measure(line);
    while (this.#size > longestTail) this.#size -= this.#measure(this.#lines.shift() ?? '');
  };

  /** One JSON document a line, oldest first, at most 4096 bytes. */
  text(): string {
    return this.#lines.join('');
  }

  /** Forgets what was before: an update begins. */
  clear(): void {
    this.#lines = [];
    this.#size = 0;
  }
}
