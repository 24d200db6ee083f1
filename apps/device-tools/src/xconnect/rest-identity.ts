/**
 * Tells a provider of HTTP who asks: each request gets `X-PV-Client` and `X-PV-Role`, and what the client itself says of them is taken out
 * (xconnect.md §6.5). What is no HTTP goes on unchanged.
 */
import { type Filter, joined, latinBytes, latinText, nothing } from './filter.ts';
import { type Framing, type Identity, lookAtByte, lookAtLine, rewriteHead, withoutIdentity } from './http-head.ts';

/** Longest head, and longest line of a chunked body. */
const mostHead = 64 * 1024;
const mostLine = 4 * 1024;
const newline = 10;
const carriageReturn = 13;

type Place =
  /** Before or in a head. */
  | { at: 'head' }
  | { at: 'body'; left: number }
  | { at: 'chunk-size' }
  | { at: 'chunk'; left: number }
  /** At the line end behind a chunk. */
  | { at: 'chunk-end' }
  | { at: 'trailers' }
  /** The answer to a request for another protocol is to come. */
  | { at: 'upgrade' }
  | { at: 'raw' };

export class RestIdentity implements Filter {
  readonly #identity: Identity;
  #place: Place = { at: 'head' };
  #held: Uint8Array = nothing;
  /** Bytes of `held` in which the end was looked for in vain. */
  #looked = 0;
  #requests = 0;
  #wantsUpgrade = false;
  #refused = false;

  constructor(identity: Identity) {
    this.#identity = identity;
  }

  get isDone(): boolean {
    return this.#place.at === 'raw' && this.#held.length === 0;
  }

  push(bytes: Uint8Array): Uint8Array | undefined {
    this.#held = joined(this.#held, bytes);
    const out: Uint8Array[] = [];
    while (this.#held.length > 0 && !this.#refused) {
      const piece = this.#step();
      if (piece === undefined) break;
      out.push(piece);
    }
    if (this.#refused) return undefined;
    // A view of what came would be overwritten by what comes next.
    return out.reduce(joined, nothing).slice();
  }

  end(): Uint8Array {
    // Of a request that never ended nothing goes on; what has no line yet is no HTTP, and harmless.
    const isOther = this.#place.at === 'head' && this.#requests === 0 && !this.#held.includes(newline);
    const rest = isOther ? this.#held : nothing;
    this.#held = nothing;
    return rest;
  }

  answered(bytes: Uint8Array): Uint8Array | undefined {
    if (this.#place.at !== 'upgrade') return nothing;
    const switches = /^HTTP\/1\.\d 101 /.test(latinText(bytes.subarray(0, 13)));
    this.#place = { at: switches ? 'raw' : 'head' };
    return this.push(nothing);
  }

  /** One part of what is held; undefined when it is not whole yet. */
  #step(): Uint8Array | undefined {
    const place = this.#place;
    switch (place.at) {
      case 'raw':
        return this.#take(this.#held.length);
      case 'body':
      case 'chunk': {
        const piece = this.#take(Math.min(place.left, this.#held.length));
        place.left -= piece.length;
        if (place.left === 0) this.#place = place.at === 'body' ? this.#next() : { at: 'chunk-end' };
        return piece;
      }
      case 'chunk-end':
        if (this.#held.length < 2) return undefined;
        if (this.#held[0] !== carriageReturn || this.#held[1] !== newline) return this.#refuse();
        this.#place = { at: 'chunk-size' };
        return this.#take(2);
      case 'chunk-size':
        return this.#chunkSize();
      case 'trailers':
        return this.#trailers();
      case 'head':
        return this.#head();
      case 'upgrade':
        return this.#more(mostHead);
    }
  }

  #take(length: number): Uint8Array {
    const piece = this.#held.subarray(0, length);
    this.#held = this.#held.subarray(length);
    this.#looked = 0;
    return piece;
  }

  /** Where it goes on behind a request. */
  #next(): Place {
    return { at: this.#wantsUpgrade ? 'upgrade' : 'head' };
  }

  #head(): Uint8Array | undefined {
    const held = this.#held;
    // Empty lines before a request are allowed.
    if (held[0] === newline) return this.#take(1);
    if (held[0] === carriageReturn) {
      if (held.length === 1) return undefined;
      return held[1] === newline ? this.#take(2) : this.#refuse();
    }
    const kind = lookAtByte(held[0]!);
    if (kind !== 'token') return kind === 'blank' ? this.#refuse() : this.#other();
    const lineEnd = held.indexOf(newline);
    if (lineEnd < 0) return this.#more(mostHead);
    const line = latinText(held.subarray(0, lineEnd)).replace(/\r$/, '');
    const found = lookAtLine(line);
    if (found !== 'request') return found === 'refuse' ? this.#refuse() : this.#other();
    const end = this.#blockEnd(lineEnd + 1);
    if (end === undefined) return this.#more(mostHead);
    const { text, framing, isUpgrade } = rewriteHead(line, latinText(held.subarray(lineEnd + 1, end)), this.#identity);
    this.#take(end);
    this.#requests += 1;
    this.#wantsUpgrade = isUpgrade;
    this.#place = this.#body(framing);
    return latinBytes(text);
  }

  #body(framing: Framing): Place {
    if (framing.kind === 'unknown') return { at: 'raw' };
    if (framing.kind === 'chunked') return { at: 'chunk-size' };
    return framing.bytes === 0 ? this.#next() : { at: 'body', left: framing.bytes };
  }

  /** No HTTP where a request should begin: the first bytes are somebody's own protocol, later ones an attempt to get around this. */
  #other(): Uint8Array | undefined {
    if (this.#requests > 0) return this.#refuse();
    this.#place = { at: 'raw' };
    return nothing;
  }

  #refuse(): undefined {
    this.#refused = true;
    return undefined;
  }

  #chunkSize(): Uint8Array | undefined {
    const lineEnd = this.#held.indexOf(newline);
    if (lineEnd < 0) return this.#more(mostLine);
    const size = /^([0-9a-f]{1,12})[ \t]*(;[^\r]*)?\r$/i.exec(latinText(this.#held.subarray(0, lineEnd)))?.[1];
    if (size === undefined) return this.#refuse();
    const bytes = Number.parseInt(size, 16);
    this.#place = bytes === 0 ? { at: 'trailers' } : { at: 'chunk', left: bytes };
    return this.#take(lineEnd + 1);
  }

  #trailers(): Uint8Array | undefined {
    const end = this.#blockEnd(0);
    if (end === undefined) return this.#more(mostHead);
    const lines = withoutIdentity(latinText(this.#held.subarray(0, end)));
    this.#take(end);
    this.#place = this.#next();
    return latinBytes([...lines, '', ''].join('\r\n'));
  }

  /** Waits for more, unless that is too much already. */
  #more(most: number): undefined {
    return this.#held.length > most ? this.#refuse() : undefined;
  }

  /** Position behind the empty line that ends a block of lines; undefined while there is none. */
  #blockEnd(begin: number): number | undefined {
    const held = this.#held;
    let line = Math.max(begin, this.#looked);
    for (;;) {
      const end = held.indexOf(newline, line);
      if (end < 0) {
        this.#looked = line;
        return undefined;
      }
      if (end === line || (end === line + 1 && held[line] === carriageReturn)) return end + 1;
      line = end + 1;
    }
  }
}
