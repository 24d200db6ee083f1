/** A web server as its users see it while the machine below it restarts: when it gave which answer. */
import { request } from 'node:http';

export interface WebAnswer {
  /** Milliseconds since the process began. */
  at: number;
  text: string;
}

/** How often it is asked, milliseconds: times are no finer than that. More often would be work that slows an emulated machine. */
const every = 500;
/** After so many milliseconds nobody waits for an answer any more; the next ones were asked long before. */
const patience = 5000;

/**
 * Asks a web server on this machine once.
 * @returns its answer; undefined when it gave none, or another status than 200
 */
export function askWeb(port: number, path: string, timeout = patience): Promise<string | undefined> {
  return new Promise((resolve) => {
    const sent = request({ host: '127.0.0.1', port, path, timeout, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      const whole = () => (response.statusCode === 200 ? Buffer.concat(chunks).toString().trim() : undefined);
      response.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => resolve(whole()));
      // The machine may end in the middle of its answer.
      response.on('error', () => resolve(undefined)).on('close', () => resolve(undefined));
    });
    sent.on('error', () => resolve(undefined)).on('timeout', () => sent.destroy());
    sent.end();
  });
}

/** Asks a server twice a second until it is stopped, whether or not earlier questions have an answer. */
export class WebWatch {
  readonly answers: WebAnswer[] = [];
  readonly #timer: NodeJS.Timeout;
  #waiting: (() => void)[] = [];

  constructor(port: number, path: string) {
    this.#timer = setInterval(async () => {
      const text = await askWeb(port, path);
      if (text === undefined) return;
      this.answers.push({ at: performance.now(), text });
      for (const wake of this.#waiting.splice(0)) wake();
    }, every);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /**
   * Waits for an answer after a moment.
   * @returns when it came
   * @throws Error when it does not come within so many seconds
   */
  async answered(text: string, after: number, seconds: number): Promise<number> {
    const end = performance.now() + seconds * 1000;
    for (;;) {
      const found = this.answers.find((answer) => answer.at > after && answer.text === text);
      if (found !== undefined) return found.at;
      const left = end - performance.now();
      if (left <= 0) throw new Error(`cannot measure: nobody has answered ${text} within ${seconds} s`);
      await new Promise<void>((resolve) => {
        const alarm = setTimeout(resolve, left);
        this.#waiting.push(() => {
          clearTimeout(alarm);
          resolve();
        });
      });
    }
  }

  /** When a text was answered last before a moment. */
  last(text: string, before: number): number {
    const found = this.answers.findLast((answer) => answer.at < before && answer.text === text);
    if (found === undefined) throw new Error(`cannot measure: nobody has answered ${text}`);
    return found.at;
  }

  /** The longest time between two answers of the same text since a moment, milliseconds. */
  gap(text: string, since: number): number {
    const times = this.answers.filter((answer) => answer.at >= since && answer.text === text).map(({ at }) => at);
    return Math.max(0, ...times.slice(1).map((at, index) => at - (times[index] ?? at)));
  }
}
