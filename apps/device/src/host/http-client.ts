/**
 * The door to HTTP servers elsewhere, in practice the Hub: one request at a time over HTTP or HTTPS, downloads into files that go on
 * where they were cut, and answers that do not end. Every host that has a network implements it; `HttpClient` is what a host without TLS of
 * its own leaves out.
 *
 * Failures are `HostError`s: `ENOTFOUND`, `ECONNREFUSED`, `ECONNRESET`, `EHOSTUNREACH`, … as the kernel and the resolver name them;
 * `ETIMEDOUT` when nothing moved for the given time; `ECERT` when the server's certificate is not trusted; `EFBIG` when an answer is longer
 * than its limit; `EPROTO` when what came is not HTTP; `EPROXY` when the proxy does not let the call through. An answer with any status is no
 * failure.
 */

/** A server on the way. */
export interface HttpProxy {
  /** Name or address; an IPv6 address without brackets. */
  host: string;
  port: number;
  /**
   * How https goes through it: in a tunnel (CONNECT, RFC 9110 §9.3.6) that ends at the server; or to the proxy itself, which speaks TLS in the
   * server's name and is told the whole address. Plain http always goes to the proxy with the whole address (RFC 9112 §3.2.2).
   */
  tunnel: boolean;
}

export interface HttpCall {
  method: string;
  /** `http://` or `https://`, with host, port if not the usual one, path and query. IPv6 addresses are in brackets. */
  url: string;
  /** Lower-case names. */
  headers: Record<string, string>;
  /** Text, bytes, or a file that is streamed with its length. */
  body?: string | Uint8Array | { file: string };
  /** Milliseconds without any progress after which the call fails. */
  idleTimeout: number;
  /** Certificates (PEM) of the authorities to trust instead of the usual ones; only for https. */
  authorities?: string;
  /** Absent: the server is called directly. */
  proxy?: HttpProxy;
}

export interface HttpHead {
  status: number;
  /** Lower-case names; repeated headers joined by a comma. */
  headers: Record<string, string>;
}

export interface HttpAnswer extends HttpHead {
  body: Uint8Array;
  /** Address and port of who answered, the proxy's if there is one; an IPv6 address without brackets. Absent when the host cannot tell. */
  server?: string;
}

/** What is done with an answer as it comes. */
export interface HttpTake {
  /** Its head is there. False: the body is of no interest, and the stream ends. */
  open(head: HttpHead): boolean;
  bytes(piece: Uint8Array): void;
}

/** An answer on its way. */
export interface HttpStream {
  /** Resolves when the answer has ended or was closed; rejects as a request does. */
  readonly ended: Promise<void>;
  /** Hangs up. A second call changes nothing. */
  close(): void;
}

export interface HttpDownload extends Omit<HttpCall, 'method' | 'body'> {
  /** Where the body goes. A file that is there is taken for its beginning: the rest is asked for (RFC 9110 §14). */
  path: string;
  mode: number;
  /** Asked before each piece with the size of the file so far; false refuses the rest (EFBIG). */
  admit(total: number): Promise<boolean>;
}

/** `complete`: the file holds the whole body; not durable yet. Otherwise nothing was written, and the status tells why. */
export type HttpDownloaded =
  | { complete: true; size: number; sha256: string }
  | { complete: false; status: number; headers: Record<string, string> };

export interface HttpClient {
  /** One request. Redirects are not followed. @param limit longest body of the answer, in bytes */
  request(call: HttpCall, limit: number): Promise<HttpAnswer>;
  /** One request whose answer is taken piece by piece and may last for ever; `idleTimeout` is the longest silence in it. */
  stream(call: HttpCall, take: HttpTake): HttpStream;
  /** GET of a body into a file. When it fails half-way the file stays as it is, so that the next call goes on from there. */
  download(download: HttpDownload): Promise<HttpDownloaded>;
}
