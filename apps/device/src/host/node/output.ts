import { StringDecoder } from 'node:string_decoder';

/** Bytes kept of each stream of a program that is run to its end, and the longest line of one that stays. */
const mostKept = 64 * 1024;

/** Keeps the first part of a program's output and reads the rest away, so that the program never waits for us. */
export class KeptOutput {
  readonly #chunks: Buffer[] = [];
  #length = 0;

  add(chunk: Buffer): void {
    const room = mostKept - this.#length;
    if (room <= 0) return;
    const part = chunk.length > room ? chunk.subarray(0, room) : chunk;
    this.#chunks.push(part);
    this.#length += part.length;
  }

  text(): string {
    return Buffer.concat(this.#chunks).toString('utf8');
  }
}

/** Cuts output into lines; a line longer than 64 KiB is handed over in pieces. */
export class Lines {
  readonly #decoder = new StringDecoder('utf8');
  readonly #onLine: (line: string) => void;
  #rest = '';

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  add(chunk: Buffer): void {
    const lines = (this.#rest + this.#decoder.write(chunk)).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#onLine(line);
    if (this.#rest.length > mostKept) {
      this.#onLine(this.#rest);
      this.#rest = '';
    }
  }

  /** Hands over a last line without an end. */
  end(): void {
    const rest = this.#rest + this.#decoder.end();
    this.#rest = '';
    if (rest !== '') this.#onLine(rest);
  }
}
