import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';

/** What a client is told when the hub has too much to do; written without going through the framework: refusing must be cheap. */
const refusal = (code: string, text: string) =>
  JSON.stringify({ error: 'REST-ERR-ID-0', msg: text, code: 503, reason: code });
const overloaded = refusal('overloaded', 'cannot answer now: the hub has more to do than it can');
const stopping = refusal('stopping', 'cannot answer now: the hub is stopping');

/**
 * Counts requests in work and refuses those above a limit at once with 503 and Retry-After. Accepting them would make all
 * of them late; refusing keeps the accepted ones quick, and clients come back at different times.
 */
export class Shedder {
  readonly #most: number;
  #active = 0;
  #refused = 0;
  /** set while the hub stops: every new request is refused */
  stopping = false;

  constructor(most: number) {
    this.#most = most;
  }

  get active(): number {
    return this.#active;
  }
  get refused(): number {
    return this.#refused;
  }

  /** Puts the gate in front of a request listener. */
  guard(listener: RequestListener): RequestListener {
    return (request, response) => {
      if (this.stopping || (this.#most > 0 && this.#active >= this.#most && !isLongLived(request))) {
        this.#refuse(request, response);
        return;
      }
      if (!isLongLived(request)) {
        this.#active += 1;
        response.once('close', () => {
          this.#active -= 1;
        });
      }
      listener(request, response);
    };
  }

  #refuse(request: IncomingMessage, response: ServerResponse): void {
    this.#refused += 1;
    const text = this.stopping ? stopping : overloaded;
    response.writeHead(503, {
      'content-type': 'application/json; charset=utf-8',
      'content-length': text.length,
      'retry-after': String(1 + (this.#refused % 5)),
      ...(this.stopping || isLarge(request) ? { connection: 'close' } : {}),
    });
    response.end(text);
    request.resume();
  }
}

/** Whether reading the body to its end costs more than a new connection would. */
function isLarge({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 65_536;
}

/** Event streams and blobs live long and cost little; they do not count. */
function isLongLived({ url = '' }: IncomingMessage): boolean {
  return (
    url.startsWith('/events') || url.includes('/local-s3/') || url.startsWith('/s3/') || url.startsWith('/healthz')
  );
}
