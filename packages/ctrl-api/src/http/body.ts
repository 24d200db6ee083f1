/** The body of one message: by length, chunked, or until the end of the connection (RFC 9112 §6, §7.1). Gives bytes until the end, whoever asks. */
import { joined, latin1 } from './bytes.ts';

const maxChunkLine = 256;

/** Where the bytes of a message come from. */
export interface ByteSource {
  /** The next bytes; undefined at the end of the stream. */
  read(): Promise<Uint8Array | undefined>;
  /** Moves bytes straight into an open file, if the stream can; how many, 0 at the end of the stream. */
  moveTo?(file: number, hash: number, limit: number): Promise<number>;
  /**
   * Makes the error of a stream that ended before the message began (`nothing`) or in the middle of it (`cut`), or whose bytes are no such
   * message (`malformed`).
   */
  failure(kind: 'nothing' | 'cut' | 'malformed', detail: string): Error;
}

/** How the end of a body is known. */
export interface Framing {
  chunked: boolean;
  contentLength: number | undefined;
  /** The body ends with the connection; only answers may. */
  untilEnd?: boolean;
}

export class Body {
  readonly #source: ByteSource;
  readonly #chunked: boolean;
  readonly #untilEnd: boolean;
  /** Bytes that were read with the head or beyond a chunk's end. */
  #rest: Uint8Array;
  /** Bytes left of the body or of the current chunk. */
  #left: number;
  #ended: boolean;
  #malformed = false;
  /** The first chunk has no line end before its size. */
  #first = true;

  /** @param rest bytes that were read with the head */
  constructor(source: ByteSource, framing: Framing, rest: Uint8Array) {
    this.#source = source;
    this.#chunked = framing.chunked;
    this.#untilEnd = framing.untilEnd === true;
    this.#rest = rest;
    this.#left = this.#untilEnd ? Number.POSITIVE_INFINITY : (framing.contentLength ?? 0);
    this.#ended = !framing.chunked && this.#left === 0;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Its chunks are none: what follows on the connection cannot be told apart from it. */
  get malformed(): boolean {
    return this.#malformed;
  }

  /** Bytes after the end of the body: the begin of the next request. */
  get surplus(): Uint8Array {
    return this.#rest;
  }

  /** The next bytes of the body, or undefined at its end. Rejects with the source's failure when the stream is cut or the chunks are none. */
  async next(): Promise<Uint8Array | undefined> {
    if (this.#chunked && this.#left === 0 && !this.#ended) await this.#nextChunk();
    if (this.#ended) return undefined;
    if (this.#rest.length === 0) {
      const bytes = await this.#source.read();
      if (bytes === undefined && this.#untilEnd) {
        this.#ended = true;
        return undefined;
      }
      if (bytes === undefined) throw this.#cut();
      this.#rest = bytes;
    }
    const piece = this.#rest.subarray(0, this.#left);
    this.#take(piece.length);
    this.#rest = this.#rest.subarray(piece.length);
    return piece;
  }

  /** Moves the next bytes straight into an open file; how many, 0 at the end of the body. Only for bodies with a length and without a rest. */
  async moveTo(file: number, hash: number, limit: number): Promise<number> {
    if (this.#ended || this.#source.moveTo === undefined) return 0;
    const count = await this.#source.moveTo(file, hash, Math.min(limit, this.#left));
    if (count === 0) throw this.#cut();
    this.#take(count);
    return count;
  }

  /** Whether `moveTo` may be used now. */
  get movable(): boolean {
    return !this.#chunked && this.#rest.length === 0 && this.#source.moveTo !== undefined;
  }

  /** What is left of the body in one piece. Rejects with the given error when that is more than `limit` bytes. */
  async whole(limit: number, tooLarge: () => Error): Promise<Uint8Array> {
    const pieces: Uint8Array[] = [];
    let total = 0;
    for (let piece = await this.next(); piece !== undefined; piece = await this.next()) {
      total += piece.length;
      if (total > limit) throw tooLarge();
      pieces.push(piece);
    }
    return joined(pieces);
  }

  /** Reads what is left and throws it away. */
  async discard(): Promise<void> {
    while ((await this.next()) !== undefined);
  }

  #take(count: number): void {
    this.#left -= count;
    if (this.#left === 0 && !this.#chunked) this.#ended = true;
  }

  async #nextChunk(): Promise<void> {
    if (!this.#first && (await this.#line()) !== '') throw this.#broken();
    this.#first = false;
    const size = /^([0-9a-fA-F]{1,12})[ \t]*(?:;.*)?$/.exec(await this.#line());
    if (!size) throw this.#broken();
    this.#left = Number.parseInt(size[1]!, 16);
    if (this.#left > 0) return;
    // Trailer fields are read and dropped.
    for (let lines = 0; (await this.#line()) !== ''; lines += 1) if (lines > 64) throw this.#broken();
    this.#ended = true;
  }

  async #line(): Promise<string> {
    let text = '';
    for (;;) {
      const end = this.#rest.indexOf(10);
      const piece = this.#rest.subarray(0, end < 0 ? this.#rest.length : end + 1);
      text += latin1(piece.subarray(0, maxChunkLine + 2));
      if (text.length > maxChunkLine) throw this.#broken();
      this.#rest = this.#rest.subarray(piece.length);
      if (end < 0) {
        this.#rest = await this.#more();
        continue;
      }
      if (!text.endsWith('\r\n')) throw this.#broken();
      return text.slice(0, -2);
    }
  }

  #broken(): Error {
    this.#malformed = true;
    return this.#source.failure('malformed', 'its chunks are malformed');
  }

  #cut(): Error {
    const missing = this.#chunked ? 'the last chunk is' : `${this.#left} bytes are`;
    return this.#source.failure('cut', `${missing} missing`);
  }

  async #more(): Promise<Uint8Array> {
    const bytes = await this.#source.read();
    if (bytes === undefined) throw this.#cut();
    return bytes;
  }
}
