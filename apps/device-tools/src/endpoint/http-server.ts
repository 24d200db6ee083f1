/** An HTTP/1.1 server over connections (RFC 9112): bodies come and go in pieces, and each request has exactly one answer. */
import { Body, type Head, joined, latin1, parseHead } from '@pantavisor/ctrl-api/http';
import { type Connection, TransportFailure } from '@pantavisor/ctrl-api/portable';
import type { ToolHost } from '../host/ports.ts';

export interface Request {
  method: string;
  path: string;
  /** Decoded; of repeated ones the last. */
  query: ReadonlyMap<string, string>;
  /** Lower-case names. */
  headers: Readonly<Record<string, string>>;
  /** Announced length; undefined when chunked or absent. */
  length: number | undefined;
  /** The body, to be read once; what is not read is passed over. */
  body: AsyncIterable<Uint8Array>;
  /** The body as text. @throws Refusal when it has more than `limit` bytes */
  text(limit: number): Promise<string>;
}

export interface Answer {
  status: number;
  headers?: Readonly<Record<string, string>>;
  /** Pieces without a size end with the connection, or early when the client goes away. */
  body?: string | { pieces: AsyncIterable<Uint8Array>; size?: number };
}

export type Handler = (request: Request) => Promise<Answer>;

/** An answer that is thrown. */
export class Refusal extends Error {
  override name = 'Refusal';
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  constructor(status: number, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.status = status;
    this.headers = headers;
  }
}

const longestHead = 16 * 1024;
const phrases: Readonly<Record<number, string>> = {
  200: 'OK',
  302: 'Found',
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  411: 'Length Required',
  413: 'Content Too Large',
  422: 'Unprocessable Content',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  507: 'Insufficient Storage',
};

/** Connections at once; further ones take the place of the oldest that waits for a request. */
const connectionLimit = 64;

/** Serves whatever connections it is given. */
export class HttpServer {
  readonly #host: ToolHost;
  readonly #handler: Handler;
  /** Each connection, and whether it waits for a request. */
  readonly #open = new Map<Connection, boolean>();

  /** @param handler must not reject with anything but Refusal */
  constructor(host: ToolHost, handler: Handler) {
    this.#host = host;
    this.#handler = handler;
  }

  /** Serves one connection until it ends; never rejects. */
  async serve(connection: Connection): Promise<void> {
    if (this.#open.size >= connectionLimit) {
      const [victim] = [...this.#open].find(([, waits]) => waits) ?? [connection];
      this.#open.delete(victim);
      victim.close();
      if (victim === connection) return;
    }
    try {
      let rest: Uint8Array | undefined = new Uint8Array();
      while (rest) {
        this.#open.set(connection, true);
        rest = await this.#exchange(connection, rest);
      }
    } catch (error) {
      // Whoever went away or sent what is no HTTP gets no further answer.
      if (!(error instanceof TransportFailure)) this.#host.stderr.write(`pvr-endpoint: ${String(error)}\n`);
    } finally {
      this.#open.delete(connection);
      connection.close();
    }
  }

  /** One request and its answer; what came after it, undefined when the connection is over. */
  async #exchange(connection: Connection, before: Uint8Array): Promise<Uint8Array | undefined> {
    const found = await readHead(connection, before);
    if (found === undefined) return undefined;
    const { head } = found;
    if (typeof head === 'string') {
      await this.#send(connection, undefined, { status: head === 'large' ? 431 : 400 }, false);
      return undefined;
    }
    this.#open.set(connection, false);
    const body = new Body(
      {
        read: () => connection.read(),
        failure: (kind, detail) => new TransportFailure(kind === 'malformed' ? 'EPROTO' : 'ECONNRESET', detail),
      },
      head,
      found.rest,
    );
    let asked = !head.expectsContinue;
    const pieces = async function* (encode: (text: string) => Uint8Array) {
      if (!asked) {
        asked = true;
        await connection.write(encode('HTTP/1.1 100 Continue\r\n\r\n'));
      }
      for (let piece = await body.next(); piece; piece = await body.next()) yield piece;
    };
    const answer = await this.#answer(head, pieces(this.#host.transport.encode));
    const streams = typeof answer.body === 'object' && answer.body.size === undefined;
    const stays = head.keepAlive && asked && !streams && !body.malformed;
    if (!(await this.#send(connection, head, answer, stays))) return undefined;
    // A client that is not through with its request might not look for an answer before it is.
    if (asked && !body.malformed && !streams) await body.discard();
    return stays ? body.surplus : undefined;
  }

  async #answer(head: Head, body: AsyncIterable<Uint8Array>): Promise<Answer> {
    const { decode } = this.#host.transport;
    const [path = '', query = ''] = head.target.split('?');
    try {
      return await this.#handler({
        method: head.method,
        path: decodedPath(path),
        query: new Map(query.split('&').map((pair) => pairOf(pair))),
        headers: head.headers,
        length: head.chunked ? undefined : (head.contentLength ?? 0),
        body,
        text: async (limit) => {
          const read: Uint8Array[] = [];
          let size = 0;
          for await (const piece of body) {
            size += piece.length;
            if (size > limit) throw new Refusal(413, `the body has more than ${limit} bytes`);
            read.push(piece);
          }
          return decode(joined(read));
        },
      });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return { status: error.status, headers: error.headers, body: JSON.stringify({ Error: error.message }) };
    }
  }

  /** False when the connection is over. */
  async #send(connection: Connection, head: Head | undefined, answer: Answer, stays: boolean): Promise<boolean> {
    const { encode } = this.#host.transport;
    const { status, body = '' } = answer;
    const bytes = typeof body === 'string' ? encode(body) : undefined;
    const size = bytes ? bytes.length : (body as { size?: number }).size;
    const fields: Record<string, string> = {
      'Content-Type': 'application/json',
      ...answer.headers,
      ...(size === undefined ? {} : { 'Content-Length': String(size) }),
      Connection: stays ? 'keep-alive' : 'close',
    };
    const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
    const start = encode(`HTTP/1.1 ${status} ${phrases[status] ?? 'Unknown'}\r\n${lines.join('')}\r\n`);
    if (head?.method === 'HEAD') await connection.write(start);
    else if (bytes) await connection.write(joined([start, bytes]));
    else {
      await connection.write(start);
      await pour(connection, (body as { pieces: AsyncIterable<Uint8Array> }).pieces, size === undefined);
    }
    return true;
  }
}

/** @param endless ends, too, when the client hangs up */
async function pour(connection: Connection, pieces: AsyncIterable<Uint8Array>, endless: boolean): Promise<void> {
  const iterator = pieces[Symbol.asyncIterator]();
  const gone = endless
    ? connection.read().then(
        () => undefined,
        () => undefined,
      )
    : undefined;
  try {
    for (;;) {
      const next = await (gone ? Promise.race([iterator.next(), gone]) : iterator.next());
      if (next === undefined || next.done) return;
      await connection.write(next.value);
    }
  } finally {
    // Not awaited: what is paused ends at its next step.
    void iterator.return?.();
  }
}

async function readHead(
  connection: Connection,
  before: Uint8Array,
): Promise<{ head: Head | 'syntax' | 'method' | 'large'; rest: Uint8Array } | undefined> {
  let bytes = before;
  for (;;) {
    const text = latin1(bytes.subarray(0, longestHead + 4));
    const begin = /^(?:\r\n)*/.exec(text)![0].length;
    const end = text.indexOf('\r\n\r\n', begin);
    if (end >= 0) return { head: parseHead(text.slice(begin, end)), rest: bytes.subarray(end + 4) };
    if (bytes.length > longestHead) return { head: 'large', rest: bytes };
    const more = await connection.read();
    if (more === undefined) return undefined;
    bytes = bytes.length === 0 ? more : joined([bytes, more]);
  }
}

function decodedPath(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function pairOf(pair: string): [string, string] {
  const [name = '', ...value] = pair.split('=');
  return [decodedPath(name), decodedPath(value.join('=').replaceAll('+', ' '))];
}
