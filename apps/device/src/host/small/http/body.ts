/** The body of one message: by length, chunked, or until the end of the connection (RFC 9112 §6, §7.1). Gives bytes until the end, whoever asks. */
import { HostError } from '../../ports.ts';

const maxChunkLine = 256;

/** Where the bytes of a body come from. */
export interface BodySource {
  /** The next bytes; undefined at the end of the stream. */
  read(timeout: number): Promise<Uint8Array | undefined>;
  /** Moves bytes straight into an open file, if the stream can. */
  moveTo?(file: number, hash: number, limit: number, timeout: number): Promise<number>;
}

/** How the end of a body is known. */
export interface Framing {
  chunked: boolean;
  contentLength: number | undefined;
  /** The body ends with the connection; only answers may. */
  untilEnd?: boolean;
}

export class Body {
  readonly #channel: BodySource;
  readonly #timeout: number;
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

  constructor(channel: BodySource, framing: Framing, rest: Uint8Array, timeout: number) {
    this.#channel = channel;
    this.#timeout = timeout;
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

  /** The next bytes of the body, or undefined at its end. Rejects with ECONNRESET when the client went away, EPROTO when its chunks are none. */
  async next(): Promise<Uint8Array | undefined> {
    if (this.#chunked && this.#left === 0 && !this.#ended) await this.#nextChunk();
    if (this.#ended) return undefined;
    if (this.#rest.length === 0) {
      const bytes = await this.#channel.read(this.#timeout);
      if (bytes === undefined && this.#untilEnd) {
        this.#ended = true;
        return undefined;
      }
      if (bytes === undefined) throw gone();
      this.#rest = bytes;
    }
    const piece = this.#rest.subarray(0, this.#left);
    this.#take(piece.length);
    this.#rest = this.#rest.subarray(piece.length);
    return piece;
  }

  /** Moves the next bytes straight into an open file; how many, 0 at the end of the body. Only for bodies with a length and without a rest. */
  async moveTo(file: number, hash: number, limit: number): Promise<number> {
    if (this.#ended || this.#channel.moveTo === undefined) return 0;
    const count = await this.#channel.moveTo(file, hash, Math.min(limit, this.#left), this.#timeout);
    if (count === 0) throw gone();
    this.#take(count);
    return count;
  }

  /** Whether `moveTo` may be used now. */
  get movable(): boolean {
    return !this.#chunked && this.#rest.length === 0 && this.#channel.moveTo !== undefined;
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
      text += String.fromCharCode(...piece.subarray(0, maxChunkLine + 2));
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

  #broken(): HostError {
    this.#malformed = true;
    return new HostError('EPROTO', 'read the body', undefined, 'its chunks are malformed');
  }

  async #more(): Promise<Uint8Array> {
    const bytes = await this.#channel.read(this.#timeout);
    if (bytes === undefined) throw gone();
    return bytes;
  }
}

const gone = () => new HostError('ECONNRESET', 'read the body', undefined, 'the other side went away');
